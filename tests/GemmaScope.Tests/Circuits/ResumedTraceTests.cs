using GemmaScope.Circuits;
using Xunit;

namespace GemmaScope.Tests.Circuits;

/// <summary>A trace that was stopped goes on where it was, and nobody can tell.</summary>
public sealed class ResumedTraceTests : IDisposable
{
    private readonly TinyCircuit _tiny = TinyCircuit.Make(threshold: 0.6f);
    private readonly TemporaryFolder _folder = new();
    private readonly string _file;

    public ResumedTraceTests() => _file = _folder.File(Path.Combine("new", "graph.rows"));

    public void Dispose()
    {
        _tiny.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void stopped_after_some_batches_it_ends_with_the_same_graph(int batches)
    {
        var whole = Whole();
        Stop(batches);
        var (graph, progress) = Trace();
        using (graph)
            Same(whole, graph);
        // The batch that was being computed is lost, and no other.
        Assert.Equal(Rows(batches), progress[^1].Resumed);
        Assert.Equal(new(61, 61, Rows(batches)), progress[^1]);
    }

    [Fact]
    public void without_a_budget_it_goes_on_too()
    {
        using var whole = AttributionGraph.Compute(_tiny.Model, CircuitTarget.TopLogits(_tiny.Model));
        for (var i = 0; i < 2; i++)
        {
            var progress = new Batches();
            using var graph = AttributionGraph.Compute(
                _tiny.Model,
                CircuitTarget.TopLogits(_tiny.Model),
                new() { RowsFile = _file },
                progress
            );
            Same(whole, graph);
            Assert.Equal(i == 0 ? 0 : progress.All[^1].Total, progress.All[^1].Resumed);
        }
    }

    [Fact]
    public void batches_that_are_damaged_are_computed_again_and_others_are_not()
    {
        var whole = Whole();
        Stop(4);
        var bytes = File.ReadAllBytes(_file);
        var random = new Random(5);
        for (var i = 0; i < 40; i++)
        {
            var damaged = (byte[])bytes.Clone();
            // Not in what it is of, which another test damages.
            damaged[random.Next(600, damaged.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(_file, damaged);
            var (graph, progress) = Trace();
            using (graph)
                Same(whole, graph);
            Assert.InRange(progress[^1].Resumed, Rows(4) - 10, Rows(4) - 1);
        }
    }

    [Fact]
    public void a_file_that_is_cut_anywhere_is_gone_on_with()
    {
        var whole = Whole();
        Stop(4);
        var bytes = File.ReadAllBytes(_file);
        for (var length = 0; length < bytes.Length; length += length < 800 ? 37 : 5003)
        {
            File.WriteAllBytes(_file, bytes[..length]);
            var (graph, progress) = Trace();
            using (graph)
                Same(whole, graph);
            Assert.True(progress[^1].Resumed < Rows(4));
        }
    }

    [Fact]
    public void a_damaged_manifest_begins_anew()
    {
        var whole = Whole();
        Stop(4);
        var bytes = File.ReadAllBytes(_file);
        foreach (var at in (int[])[17, 22, 40, 300])
        {
            var damaged = (byte[])bytes.Clone();
            damaged[at] ^= 4;
            File.WriteAllBytes(_file, damaged);
            var (graph, progress) = Trace();
            using (graph)
                Same(whole, graph);
            Assert.Equal(0, progress[^1].Resumed);
        }
    }

    [Fact]
    public void rows_of_something_else_are_named_and_kept_until_they_may_go()
    {
        Stop(3);
        var kept = File.ReadAllBytes(_file);
        Refused("another prompt", TinyCircuit.Make(threshold: 0.6f, prompt: [.. TinyCircuit.Prompt[..^1], 8]));
        Refused("other transcoders", TinyCircuit.Make(threshold: 0.61f));
        Refused("another model", TinyCircuit.Make(family: "gemma2", layers: [0, 1]));
        Refused("other targets", null, CircuitTarget.Logit(6));
        Refused("another budget", null, budget: 70);
        Assert.Equal(kept, File.ReadAllBytes(_file));

        using var other = AttributionGraph.Compute(_tiny.Model, [CircuitTarget.Logit(6)], Options() with { Overwrite = true });
        Assert.True(other.IsComplete);
    }

    [Fact]
    public void a_file_of_another_kind_is_left_as_it_is()
    {
        var mine = _folder.Write("mine.txt", "my own words");
        var options = Options() with { RowsFile = mine, Overwrite = true };
        var problem = Assert.Throws<GemmaScopeException>(() => AttributionGraph.Compute(_tiny.Model, [Target], options));
        Assert.Contains("no file of rows", problem.Message);
        Assert.Equal("my own words", File.ReadAllText(mine));
    }

    [Fact]
    public void two_traces_do_not_write_one_file()
    {
        var (graph, _) = Trace();
        using (graph)
            Assert.Contains("being written", Assert.Throws<GemmaScopeException>(() => Trace()).Message);
    }

    private static CircuitTarget Target => CircuitTarget.Logit(5);

    private AttributionOptions Options() =>
        new()
        {
            MaxFeatures = 60,
            Queue = 10,
            RowsFile = _file,
        };

    /// <summary>Rows known after some batches: the target alone, then ten features each.</summary>
    private static int Rows(int batches) => 1 + 10 * (batches - 1);

    private AttributionGraph Whole() => AttributionGraph.Compute(_tiny.Model, [Target], Options() with { RowsFile = null });

    private (AttributionGraph Graph, List<AttributionProgress> Progress) Trace()
    {
        var progress = new Batches();
        return (AttributionGraph.Compute(_tiny.Model, [Target], Options(), progress), progress.All);
    }

    /// <summary>Leaves the rows of a trace that was stopped.</summary>
    private void Stop(int batches)
    {
        using var stop = new CancellationTokenSource();
        var progress = new Batches(count =>
        {
            if (count == batches)
                stop.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => AttributionGraph.Compute(_tiny.Model, [Target], Options(), progress, stop.Token));
    }

    private void Refused(string words, TinyCircuit? other, CircuitTarget? target = null, int budget = 60)
    {
        using var owned = other;
        var problem = Assert.Throws<GemmaScopeException>(() =>
            AttributionGraph.Compute((other ?? _tiny).Model, [target ?? Target], Options() with { MaxFeatures = budget })
        );
        Assert.Contains(words, problem.Message);
        Assert.Contains("Overwrite", problem.Message);
    }

    private static void Same(AttributionGraph expected, AttributionGraph graph)
    {
        Assert.Equal(expected.Order, graph.Order);
        Assert.Equal(expected.Influence, graph.Influence);
        Assert.Equal(
            (expected.IdentityError, expected.ReplacementScore, expected.CompletenessScore),
            (graph.IdentityError, graph.ReplacementScore, graph.CompletenessScore)
        );
        var (row, other) = (new float[expected.FirstTarget], new float[expected.FirstTarget]);
        for (var node = 0; node < expected.NodeCount; node++)
        {
            expected.Row(node, row);
            graph.Row(node, other);
            Assert.True(row.AsSpan().SequenceEqual(other), $"row {node}");
            if (node < expected.FeatureCount || node >= expected.FirstTarget)
                Assert.Equal((expected.Bias(node), expected.Value(node)), (graph.Bias(node), graph.Value(node)));
        }
    }

    private sealed class Batches(Action<int>? tell = null) : IProgress<AttributionProgress>
    {
        public List<AttributionProgress> All { get; } = [];

        public void Report(AttributionProgress value)
        {
            All.Add(value);
            tell?.Invoke(All.Count);
        }
    }
}
