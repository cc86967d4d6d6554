using GemmaScope.Activations;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Synthetic;

public sealed class SyntheticModelTests : IDisposable
{
    private const int Rows = 4000;

    private static readonly SyntheticConfig Small = new()
    {
        Features = 60,
        Width = 24,
        Roots = 4,
        Branching = 3,
        Depth = 2,
        MinProbability = 0.02,
        OrthogonalisationSteps = 20,
        OrthogonalisationRate = 3e-3,
        CorrelationRank = 3,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void children_fire_only_under_their_parent_and_one_at_a_time()
    {
        using var model = new SyntheticModel(Small);
        using var rows = Tensor.Uninitialized(Rows, Small.Width);
        var truth = new SyntheticRows(model, 1).FillKnown(0, rows.AsMatrix());
        var (children, lonely) = (0, 0);
        for (var row = 0; row < Rows; row++)
        {
            var active = truth.Indices(row).ToArray();
            int[] parents = [.. active.Select(feature => model.Trees.Parent[feature]).Where(parent => parent >= 0)];
            Assert.Subset(active.ToHashSet(), parents.ToHashSet());
            Assert.Equal(parents.Length, parents.Distinct().Count());
            children += parents.Length;
            lonely += active.Count(feature => model.Trees.Parent[feature] < 0);
        }
        Assert.True(children > Rows / 10 && lonely > Rows);
    }

    [Fact]
    public void features_above_which_nothing_stands_fire_as_often_as_asked()
    {
        using var model = new SyntheticModel(Small);
        using var rows = Tensor.Uninitialized(Rows, Small.Width);
        var truth = new SyntheticRows(model, 2).FillKnown(0, rows.AsMatrix());
        var counts = new int[Small.Features];
        for (var row = 0; row < Rows; row++)
            foreach (var feature in truth.Indices(row))
                counts[feature]++;
        for (var feature = 0; feature < Small.Features; feature++)
            if (model.Trees.Parent[feature] < 0)
            {
                var p = model.Trees.Probability[feature];
                // Five standard deviations of a count: the rows are always the same ones.
                Assert.InRange(counts[feature], Rows * p - 5 * Math.Sqrt(Rows * p), Rows * p + 5 * Math.Sqrt(Rows * p));
            }
    }

    [Fact]
    public void a_row_is_the_bias_and_what_fires_along_its_direction()
    {
        using var model = new SyntheticModel(Small);
        using var rows = Tensor.Uninitialized(50, Small.Width);
        var truth = new SyntheticRows(model, 3).FillKnown(100, rows.AsMatrix());
        for (var row = 0; row < 50; row++)
        for (var i = 0; i < Small.Width; i++)
        {
            double want = model.Bias[i];
            for (var entry = 0; entry < truth.Indices(row).Length; entry++)
                want += truth.Values(row)[entry] * model.Directions.Row(truth.Indices(row)[entry])[i];
            Assert.Equal(want, rows.Row(row)[i], 1e-4);
        }
    }

    [Fact]
    public void steps_push_directions_apart_and_leave_them_of_length_1()
    {
        static double Overlap(SyntheticModel model)
        {
            var sum = 0.0;
            for (var i = 0; i < Small.Features; i++)
            for (var j = 0; j < i; j++)
                sum += Math.Pow(System.Numerics.Tensors.TensorPrimitives.Dot<float>(model.Directions.Row(i), model.Directions.Row(j)), 2);
            return sum;
        }
        using SyntheticModel random = new(Small with { OrthogonalisationSteps = 0 }),
            spread = new(Small);
        Assert.True(Overlap(spread) < 0.95 * Overlap(random));
        for (var i = 0; i < Small.Features; i++)
            Assert.Equal(1, SquaredNorm.Of(spread.Directions.Row(i)), 1e-5);
    }

    [Fact]
    public void a_stream_is_the_same_wherever_it_is_entered()
    {
        using var model = new SyntheticModel(Small);
        using var source = new SyntheticSource(model, Site.ResidPost(0), 5);
        using ActivationBatch first = new(source, 40),
            again = new(source, 7);
        source.Read(first);
        Assert.Equal(40, source.Position);
        source.Seek(20);
        source.Read(again);
        for (var row = 0; row < 7; row++)
            Assert.Equal(first[0].Row(20 + row).ToArray(), again[0].Row(row).ToArray());
        using var other = new SyntheticSource(model, Site.ResidPost(0), 6);
        other.Read(again);
        Assert.NotEqual(first[0].Row(0).ToArray(), again[0].Row(0).ToArray());
    }

    [Fact]
    public void a_file_gives_the_same_rows()
    {
        var path = Path.Combine(_folder.Path, "known.safetensors");
        using var model = new SyntheticModel(Small with { Seed = 9 });
        SyntheticModelFile.Write(path, model);
        using var read = SyntheticModelFile.Read(path);
        Assert.Equal(model.Config, read.Config);
        using Tensor before = Tensor.Uninitialized(20, Small.Width),
            after = Tensor.Uninitialized(20, Small.Width);
        new SyntheticRows(model, 1).Fill(0, before.AsMatrix());
        new SyntheticRows(read, 1).Fill(0, after.AsMatrix());
        Assert.Equal(before.AsSpan().ToArray(), after.AsSpan().ToArray());
        Assert.ThrowsAny<GemmaScopeException>(() => SyntheticModelFile.Write(path, model));
    }

    [Theory]
    [InlineData("features", 0)]
    [InlineData("width", 0)]
    [InlineData("max_probability", 1.5)]
    [InlineData("min_probability", 0.9)]
    [InlineData("branching", 0)]
    [InlineData("first_mean", -1)]
    public void a_config_that_makes_no_model_is_refused_by_its_key(string key, double value)
    {
        var problem = Assert.Throws<ArgumentProblemException>(() => SyntheticModelFile.Config(null, [(key, value)]));
        Assert.Contains(key, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void files_that_are_no_such_model_are_refused()
    {
        var path = Path.Combine(_folder.Path, "known.safetensors");
        using var bias = Tensor.Zeros(24);
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["bias"] = bias });
        Assert.Contains("synthetic_config", Assert.Throws<FileFormatException>(() => SyntheticModelFile.Read(path)).Message);
        var metadata = new Dictionary<string, string> { ["synthetic_config"] = SyntheticModelFile.ToYaml(Small) };
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["bias"] = bias }, metadata, overwrite: true);
        Assert.Contains("'directions'", Assert.Throws<FileFormatException>(() => SyntheticModelFile.Read(path)).Message);
    }
}
