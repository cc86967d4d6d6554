using GemmaScope.Circuits;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Circuits;

public class CircuitPartsTests
{
    [Theory]
    [InlineData(300, 50, true, false)]
    [InlineData(300, 50, false, true)]
    [InlineData(129, 7, true, true)]
    [InlineData(40, 200, true, false)]
    public void a_frozen_pattern_multiplies_as_the_whole_matrix_does(int tokens, int window, bool sliding, bool inFile)
    {
        var config = GemmaConfig.Load(Fixtures.Path("attribution", "models", "gemma3"));
        config = config with { Window = window, Shapes = [config.Shapes[0] with { Sliding = sliding }] };
        var random = new Random(tokens);
        using var pattern = Tensor.Zeros(config.Heads * tokens, tokens);
        for (var head = 0; head < config.Heads; head++)
        for (var query = 0; query < tokens; query++)
        for (var key = sliding ? Math.Max(0, query - window + 1) : 0; key <= query; key++)
            pattern.Row(head * tokens + query)[key] = random.NextSingle();
        using var folder = new TemporaryFolder();
        // Half of them in a file, which has no name where that can be.
        using var room = new ScratchMemory(folder.Path, inFile ? 0 : long.MaxValue);
        var frozen = new FrozenPattern(config, 0, pattern.AsMatrix(), room);

        using var copy = Tensor.Zeros(config.Heads * tokens, tokens);
        frozen.CopyTo(copy.AsMatrix());
        Assert.True(pattern.AsSpan().SequenceEqual(copy.AsSpan()));

        var (first, group) = (tokens / 3, config.GroupSize(0));
        var firstKey = frozen.FirstKey(first);
        Assert.Equal(sliding ? Math.Max(0, first - window + 1) : 0, firstKey);
        using var dz = Tensor.Zeros(tokens - first, config.Heads * config.Shapes[0].HeadSize);
        foreach (ref var value in dz.AsSpan())
            value = random.NextSingle() - 0.5f;
        using var dv = Tensor.Uninitialized(tokens - firstKey, config.Shapes[0].HeadSize);
        frozen.Multiply(1, group, config.Shapes[0].HeadSize, dz.AsMatrix(), first, dv.AsMatrix(), firstKey);
        for (var key = firstKey; key < tokens; key++)
        for (var i = 0; i < config.Shapes[0].HeadSize; i++)
        {
            double sum = 0;
            for (var head = group; head < 2 * group; head++)
            for (var query = first; query < tokens; query++)
                sum += (double)pattern.Row(head * tokens + query)[key] * dz.Row(query - first)[head * config.Shapes[0].HeadSize + i];
            Assert.Equal(sum, dv.Row(key - firstKey)[i], 1e-3);
        }
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.98)]
    [InlineData(1)]
    public void a_cut_is_where_the_sorted_values_reach_the_share(double share)
    {
        var random = new Random(5);
        double[] values = [0, .. Enumerable.Range(0, 5000).Select(_ => Math.Exp(20 * random.NextDouble() - 15)), 0.25, 0.25, 0.25];
        var sorted = values.OrderDescending().ToArray();
        double running = 0;
        var wanted = sorted.First(value => (running += value) >= share * values.Sum() * (1 - 1e-12));
        Assert.Equal(wanted, ShareCut.Find(visit => Array.ForEach(values, visit), share));
    }

    [Fact]
    public void a_cut_is_found_among_more_values_than_are_ever_kept()
    {
        // They share their leading digits, so that all levels are walked.
        const int count = (1 << 20) + 5;
        double Value(int i) => 1 + (i & 1023) * 1e-12;
        var cut = ShareCut.Find(
            visit =>
            {
                for (var i = 0; i < count; i++)
                    visit(Value(i));
            },
            0.5
        );
        Assert.InRange(cut, Value(509), Value(514));
        Assert.Equal(0, ShareCut.Find(_ => { }, 0.5));
    }

    [Fact]
    public void rows_come_back_from_memory_and_from_a_file_alike()
    {
        using var tiny = TinyCircuit.Make();
        using var memory = new RowStore(tiny.Model, null);
        using var folder = new TemporaryFolder();
        using (var file = new RowStore(tiny.Model, folder.Path, mostInMemory: 2000))
        {
            var (random, rows) = (new Random(3), new List<float[]>());
            for (var number = 0; number < 12; number++)
            {
                var (row, layers) = (new float[memory.Sources], number % 6);
                for (var i = 0; i < row.Length; i++)
                    row[i] = random.NextSingle();
                // What higher layers write cannot reach it.
                row.AsSpan(tiny.Model.FeaturesBelow(layers)..tiny.Model.Features.Count).Clear();
                row.AsSpan((tiny.Model.Features.Count + layers * TinyCircuit.Prompt.Length)..^TinyCircuit.Prompt.Length).Clear();
                rows.Add(row);
                foreach (var store in (RowStore[])[memory, file])
                    store.Add([new(number * 7, layers)], [default], [row]);
            }
            Assert.Equal((true, false), (file.IsInFile, memory.IsInFile));
            var got = new float[memory.Sources];
            for (var number = rows.Count - 1; number >= 0; number--)
                foreach (var store in (RowStore[])[memory, file])
                {
                    Array.Fill(got, 9);
                    store.Read(number * 7, got);
                    Assert.Equal(rows[number], got);
                }
        }
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(25, 99_999)]
    [InlineData(47, 1_048_575)]
    [InlineData(1000, 2_000_000_000)]
    public void a_feature_number_gives_its_index_back(int layer, long index) =>
        Assert.Equal(index, FeatureNumber.Index(FeatureNumber.Of(layer, index)));

    [Fact]
    public void what_cannot_be_a_set_of_transcoders_is_refused()
    {
        var config = GemmaConfig.Load(Fixtures.Path("attribution", "models", "gemma3"));
        Refused("no transcoder", config, []);
        Refused("two transcoders", config, [TinyCircuit.Transcoder(1, 32), TinyCircuit.Transcoder(1, 32)]);
        Refused("another model", config, [TinyCircuit.Transcoder(6, 32)]);
        Refused("another model", config, [TinyCircuit.Transcoder(1, 48)]);
        Refused("reads attn_out.1", config, [TinyCircuit.Transcoder(1, 32, SiteKind.AttnOut)]);
        var sae = Fixtures.Path("attribution", "saes", "gemma3", "resid_post", "layer_1_width_60_l0_small");
        Refused("sparse autoencoder", config, [GemmaScope.Dictionaries.SparseDictionary.Load(sae)]);
        var cross = GemmaScope.Dictionaries.SparseDictionary.Load(
            Fixtures.Path("attribution", "transcoders", "gemma3-scope2-clt", "clt", "width_360_l0_medium")
        );
        Refused("another model", GemmaConfig.Load(Fixtures.Path("attribution", "models", "gemma2")), [cross]);
        Refused("stands alone", config, [cross, TinyCircuit.Transcoder(1, 32)]);
    }

    [Fact]
    public void what_cannot_be_explained_is_refused()
    {
        Assert.Contains("longer text", Assert.Throws<ArgumentProblemException>(() => TinyCircuit.Make(prompt: [2])).Message);
        using var tiny = TinyCircuit.Make();
        Assert.Throws<ArgumentProblemException>(() => AttributionGraph.Compute(tiny.Model, []));
        Assert.Throws<ArgumentProblemException>(() => tiny.Graph(CircuitTarget.Logit(5000)));
        Assert.Throws<ArgumentProblemException>(() => tiny.Graph(CircuitTarget.Logit(5, 99)));
        Assert.Throws<ArgumentProblemException>(() => tiny.Graph(CircuitTarget.Feature(0, 0, 1)));
        Assert.Throws<ArgumentProblemException>(() => tiny.Graph(CircuitTarget.Direction(Site.Parse("q.1"), new float[32])));
        Assert.Throws<ArgumentProblemException>(() => tiny.Graph(CircuitTarget.Logit(5) with { Weight = double.NaN }));
        Assert.Throws<ArgumentProblemException>(() =>
            AttributionGraph.Compute(tiny.Model, [CircuitTarget.Logit(5)], new() { MaxFeatures = 0 })
        );
        Assert.Throws<ArgumentProblemException>(() => Intervention.Run(tiny.Model, [FeatureChange.Ablate(0, 9999)]));
        Assert.Throws<ArgumentProblemException>(() =>
            Intervention.Run(tiny.Model, [FeatureChange.Ablate(0, 1), FeatureChange.Scale(0, 1, 2, Positions.At(3))])
        );
    }

    [Fact]
    public void features_change_while_text_is_generated()
    {
        using var tiny = TinyCircuit.Make();
        GenerationOptions greedy = new() { Temperature = 0, MaxNewTokens = 8 };
        var plain = tiny.Host.Generate(TinyCircuit.Prompt, greedy).ToArray();
        FeatureChange[] changes =
        [
            .. tiny.Model.Features.Take(30).DistinctBy(one => one.Feature).Select(one => FeatureChange.Clamp(0, one.Feature, 12)),
        ];
        var edits = Intervention.Edits(tiny.Set, changes, tiny.Host.Config);
        var changed = tiny.Host.Generate(TinyCircuit.Prompt, greedy with { Edits = edits }).ToArray();
        Assert.NotEqual(plain, changed);
        Assert.Equal(changed, tiny.Host.Generate(TinyCircuit.Prompt, greedy with { Edits = edits }).ToArray());
    }

    [Fact]
    public void frozen_layers_stay_and_the_others_answer()
    {
        using var tiny = TinyCircuit.Make();
        var feature = tiny.Model.Features.First(one => one.Layer == 1);
        FeatureChange[] change = [FeatureChange.Scale(1, feature.Feature, 3)];
        float[] Logits(InterventionMode mode, Range? layers = null)
        {
            using var run = Intervention.Run(tiny.Model, change, mode, layers);
            return run.LastLogits().ToArray();
        }
        var (all, none) = (Logits(InterventionMode.Constrained), Logits(InterventionMode.AttentionFrozen));
        Assert.NotEqual(all, none);
        Assert.Equal(all, Logits(InterventionMode.Constrained, 0..6));
        Assert.Equal(none, Logits(InterventionMode.Constrained, 6..));
        var some = Logits(InterventionMode.Constrained, 2..4);
        Assert.NotEqual(all, some);
        Assert.NotEqual(none, some);
        // With nothing changed the frozen model is the model.
        using var still = Intervention.Run(tiny.Model, []);
        Assert.All(still.LastLogits().ToArray().Zip(tiny.Model.LastLogits.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    private static void Refused(string words, GemmaConfig config, GemmaScope.Dictionaries.SparseDictionary[] dictionaries) =>
        Assert.Contains(words, Assert.Throws<ArgumentProblemException>(() => TranscoderSet.Of(dictionaries, config)).Message);
}
