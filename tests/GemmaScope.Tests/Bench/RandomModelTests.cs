using GemmaScope.Bench;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Bench;

public class RandomModelTests
{
    private static readonly ModelShape Tiny = ModelShape.Find(ModelShape.Tiny);

    [Fact]
    public void a_random_model_runs_and_stays_finite()
    {
        using var folder = new TemporaryFolder();
        using var model = GemmaModel.Load(RandomModel.Make(Tiny, folder.Path));
        using var run = model.Run(BenchSetup.Tokens(model.Config, 20), logits: LogitRows.All);
        var logits = run.Logits!.AsSpan().ToArray();
        Assert.All(logits, logit => Assert.True(float.IsFinite(logit)));
        Assert.InRange(Math.Sqrt(logits.Average(logit => (double)logit * logit)), 0.5, 2);
    }

    [Fact]
    public void a_model_made_before_is_used_again()
    {
        using var folder = new TemporaryFolder();
        var made = RandomModel.Make(Tiny, folder.Path);
        var written = File.GetLastWriteTimeUtc(Path.Combine(made, "model.safetensors"));
        Assert.Equal(made, RandomModel.Make(Tiny, folder.Path));
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(made, "model.safetensors")));
        Assert.Equal([made], Directory.GetDirectories(folder.Path));
    }

    [Fact]
    public void a_model_of_another_shape_is_replaced()
    {
        using var folder = new TemporaryFolder();
        var made = RandomModel.Make(Tiny, folder.Path);
        RandomModel.Make(Tiny with { Config = Tiny.Config.Replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3") }, folder.Path);
        Assert.Equal(3, GemmaConfig.Load(made).Layers);
        Assert.Equal([made], Directory.GetDirectories(folder.Path));
    }

    [Fact]
    public void an_interrupted_model_leaves_nothing_behind()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<OperationCanceledException>(() => RandomModel.Make(Tiny, folder.Path, new CancellationToken(canceled: true)));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("gemma-2-2b", 2_614_341_888)]
    [InlineData("gemma-3-270m", 268_098_176)]
    [InlineData("gemma-3-1b", 999_885_952)]
    public void a_released_shape_has_the_released_number_of_parameters(string name, long parameters)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "config.json"), ModelShape.Find(name).Config);
        Assert.Equal(parameters, RandomModel.Tensors(GemmaConfig.Load(folder.Path)).Sum(tensor => tensor.ByteLength / tensor.Type.Size()));
    }

    [Fact]
    public void weights_are_normal_and_the_same_each_time()
    {
        using var first = new NormalWeights(1).Matrix(DType.F32, 300, 1000, deviation: 0.25, tensor: 4);
        using var again = new NormalWeights(1).Matrix(DType.F32, 300, 1000, deviation: 0.25, tensor: 4);
        using var other = new NormalWeights(1).Matrix(DType.F32, 300, 1000, deviation: 0.25, tensor: 5);
        var values = first.AsSpan().ToArray();
        Assert.Equal(values, again.AsSpan().ToArray());
        Assert.NotEqual(values, other.AsSpan().ToArray());
        Assert.Equal(0, values.Average(v => (double)v), 0.005);
        Assert.Equal(0.0625, values.Average(v => (double)v * v), 0.002);
    }
}
