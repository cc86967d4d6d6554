using System.Text.Json.Nodes;
using GemmaScope.Bench;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Models;

public sealed class LightModelTests : IDisposable
{
    private static readonly string Demo = Fixtures.Model("demo-pt");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(LightWeights.Int8, DType.Q8_0, 0.007, 0.03)]
    [InlineData(LightWeights.Int4, DType.IQ4_NL, 0.09, 0.35)]
    public void it_is_a_model_of_its_own_that_is_near_the_original(LightWeights weights, DType type, double error, double logits)
    {
        var target = _folder.File("light");
        var reports = new List<(long Done, long Total)>();
        var result = LightModel.Write(Demo, target, weights, new DirectProgress<(long, long)>(reports.Add));
        Assert.Equal((type, 42, 0), (result.Type, result.Matrices, result.Kept));
        Assert.InRange(result.Error, error / 10, error);
        Assert.Equal(result.Bytes, reports[^1].Done);
        Assert.All(reports, report => Assert.Equal(result.Bytes, report.Total));

        using var original = GemmaModel.Load(Demo);
        using var light = GemmaModel.Load(target);
        Assert.Equal(original.Parameters, light.Parameters);
        Assert.Equal([DType.BF16, type], light.WeightTypes.Select(part => part.Type).Order());
        Assert.Empty(light.Notes);
        Assert.NotEqual(original.SettingsHash, light.SettingsHash);
        const string text = "The old man opened the drawer and took out a letter";
        Assert.Equal(original.Tokenizer.Encode(text, addBos: true), light.Tokenizer.Encode(text, addBos: true));
        using var want = original.Run(text, logits: LogitRows.All);
        using var got = light.Run(text, logits: LogitRows.All);
        var (a, b) = (want.Logits!.AsSpan().ToArray(), got.Logits!.AsSpan().ToArray());
        var off = Math.Sqrt(a.Zip(b, (x, y) => Math.Pow(x - y, 2)).Sum() / a.Sum(x => (double)x * x));
        Assert.InRange(off, 1e-5, logits);
    }

    [Fact]
    public void it_runs_as_a_model_with_its_dequantised_weights()
    {
        var target = _folder.File("light");
        LightModel.Write(Demo, target, LightWeights.Int4);
        using var light = GemmaModel.Load(target);
        using var dequantised = GemmaModel.Load(Widened(Demo, target));
        foreach (var text in (string[])["The", "A letter came from far away"])
        {
            using var got = light.Run(text);
            using var want = dequantised.Run(text);
            for (var i = 0; i < want.Logits!.Length; i++)
                Assert.Equal(want.Logits.AsSpan()[i], got.Logits!.AsSpan()[i], 2e-3f);
        }
    }

    [Theory]
    [InlineData(LightWeights.Int8, DType.Q8_0, 0.007)]
    [InlineData(LightWeights.Int4, DType.IQ4_NL, 0.09)]
    public void experts_are_quantised_and_run_as_their_dequantised_weights(LightWeights weights, DType type, double error)
    {
        var source = RandomModel.Make(ModelShape.Find(ModelShape.Gemma4TinyExperts), _folder.Path);
        var target = _folder.File("light");
        var result = LightModel.Write(source, target, weights);
        // Seven and, where values are keys, six matrices of attention and MLP, and two of the experts in each layer.
        Assert.Equal((7 + 6 + 2 * 2, 0), (result.Matrices, result.Kept));
        Assert.InRange(result.Error, error / 10, error);
        using (var stored = ShardedSafetensors.Open(target))
        {
            Assert.Equal(type, stored["model.layers.1.experts.gate_up_proj"].Type);
            Assert.Equal([8, 128, 128], stored["model.layers.1.experts.gate_up_proj"].Shape);
            Assert.Equal([8, 128, 64], stored["model.layers.1.experts.down_proj"].Shape);
            Assert.Equal(DType.BF16, stored["model.layers.1.router.proj.weight"].Type);
        }
        using var original = GemmaModel.Load(source);
        using var light = GemmaModel.Load(target);
        using var dequantised = GemmaModel.Load(Widened(source, target));
        Assert.Equal(original.Parameters, light.Parameters);
        int[] prompt = [2, 17, 93, 5, 140, 8, 201, 33];
        Site[] sites = [new(SiteKind.ExpertGatePre, 1), new(SiteKind.ExpertsOut, 0), new(SiteKind.ExpertsOut, 1), Site.ResidPost(1)];
        using var got = light.Run(prompt, sites, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        using var want = dequantised.Run(prompt, sites, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        foreach (var site in sites)
            Assert.InRange(Distance(want[site], got[site]), 0, 1e-5);
        Assert.InRange(Distance(want.Logits!, got.Logits!), 0, 1e-5);
        // A decoded token goes through other products than a prompt.
        using var one = light.Run([2], sites, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        using var wide = dequantised.Run([2], sites, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        Assert.InRange(Distance(wide.Logits!, one.Logits!), 0, 1e-5);
    }

    [Fact]
    public void shards_stay_shards()
    {
        using var source = TemporaryFolder.CopyOf(Demo);
        var map = new JsonObject();
        using (var file = SafetensorsFile.Open(source.File(ShardedSafetensors.SingleName)))
            foreach (var (index, half) in file.Tensors.Chunk(file.Tensors.Count / 2 + 1).Index())
            {
                var shard = $"model-0000{index + 1}-of-00002.safetensors";
                SafetensorsWriter.Write(source.File(shard), half);
                foreach (var (name, _) in half)
                    map[name] = shard;
            }
        File.Delete(source.File(ShardedSafetensors.SingleName));
        source.Write(
            ShardedSafetensors.IndexName,
            new JsonObject
            {
                ["metadata"] = new JsonObject { ["total_size"] = 1 },
                ["weight_map"] = map,
            }.ToJsonString()
        );
        var target = _folder.File("light");
        var result = LightModel.Write(source.Path, target, LightWeights.Int8);
        Assert.Equal(2, Directory.GetFiles(target, "*.safetensors").Length);
        var written = JsonNode.Parse(File.ReadAllText(Path.Combine(target, ShardedSafetensors.IndexName)))!;
        Assert.Equal(result.Bytes, (long)written["metadata"]!["total_size"]!);
        using var light = GemmaModel.Load(target);
        Assert.Equal(DType.BF16, light.WeightType);
    }

    [Fact]
    public void what_a_killed_attempt_left_is_taken_away_and_a_stopped_one_leaves_nothing()
    {
        var target = _folder.File("light");
        Directory.CreateDirectory(target + ".partial");
        File.WriteAllText(Path.Combine(target + ".partial", "config.json"), "half");
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            LightModel.Write(Demo, target, LightWeights.Int8, new DirectProgress<(long, long)>(_ => stop.Cancel()), stop.Token)
        );
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
        LightModel.Write(Demo, target, LightWeights.Int8);
        Assert.Equal([target], Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void what_cannot_be_made_is_refused()
    {
        var target = _folder.File("light");
        LightModel.Write(Demo, target, LightWeights.Int8);
        Refused("exists already", Demo, target);
        Refused("quantised already", target, _folder.File("again"));
        Refused("GGUF", Fixtures.Path("gguf", "types", "model.gguf"), _folder.File("gguf"));
        using var infinite = TemporaryFolder.CopyOf(Demo);
        using (var file = SafetensorsFile.Open(infinite.File(ShardedSafetensors.SingleName)))
        {
            var tensors = file.Tensors.ToDictionary();
            var name = tensors.Keys.First(key => key.Contains("layers.3.mlp.down_proj", StringComparison.Ordinal));
            tensors[name] = tensors[name].ToF32();
            tensors[name].AsSpan()[^1] = float.PositiveInfinity;
            SafetensorsWriter.Write(infinite.File("new"), tensors);
        }
        File.Move(infinite.File("new"), infinite.File(ShardedSafetensors.SingleName), overwrite: true);
        Refused("layers.3.mlp.down_proj", infinite.Path, _folder.File("infinite"));
        Assert.Equal([target], Directory.EnumerateFileSystemEntries(_folder.Path));

        static void Refused(string problem, string source, string to) =>
            Assert.Contains(
                problem,
                Assert.ThrowsAny<GemmaScopeException>(() => LightModel.Write(source, to, LightWeights.Int8)).Message,
                StringComparison.Ordinal
            );
    }

    /// <summary>The same settings with the numbers of a light form as F32.</summary>
    private string Widened(string source, string light)
    {
        var wide = _folder.File("wide");
        Directory.CreateDirectory(wide);
        foreach (var file in Directory.EnumerateFiles(source).Where(file => Path.GetFileName(file) != ShardedSafetensors.SingleName))
            File.Copy(file, Path.Combine(wide, Path.GetFileName(file)));
        using var stored = ShardedSafetensors.Open(light);
        SafetensorsWriter.Write(
            Path.Combine(wide, ShardedSafetensors.SingleName),
            stored.Names.Select(name => KeyValuePair.Create(name, stored[name].ToF32()))
        );
        return wide;
    }

    /// <summary>The norm of the difference, relative to that of what is wanted.</summary>
    private static double Distance(Tensor want, Tensor got)
    {
        double off = 0,
            size = 0;
        for (var i = 0; i < want.Length; i++)
        {
            off += Math.Pow(want.AsSpan()[i] - got.AsSpan()[i], 2);
            size += Math.Pow(want.AsSpan()[i], 2);
        }
        return Math.Sqrt(off / size);
    }
}
