using GemmaScope.Circuits;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Circuits;

[Trait("Category", "Golden")]
public class EdgeHeadsTests
{
    private const double Near = 2e-5;

    public static TheoryData<string, SiteKind, bool> Forms =>
        new()
        {
            { "gemma2", SiteKind.Ln2Normalized, false },
            { "gemma2", SiteKind.ResidMid, true },
            { "gemma3", SiteKind.MlpIn, true },
            { "gemma3", SiteKind.Ln2Normalized, true },
            { "gemma4-e", SiteKind.MlpIn, true },
            { "gemma4-moe", SiteKind.Ln2Normalized, false },
        };

    [Theory]
    [MemberData(nameof(Forms))]
    public void every_edge_is_its_direct_part_and_what_heads_deliver_or_pick_up(string family, SiteKind input, bool skip)
    {
        using var tiny = TinyCircuit.Make(input, skip, family: family);
        using var graph = tiny.Graph();
        var row = new float[graph.FirstTarget];
        int[] targets =
        [
            graph.FirstTarget,
            .. Enumerable.Range(0, graph.FeatureCount).Where(node => graph.Feature(node).Layer >= graph.Model.Layers - 2).TakeLast(2),
        ];
        foreach (var target in targets)
        {
            graph.Row(target, row);
            foreach (var kind in (GraphNodeKind[])[GraphNodeKind.Feature, GraphNodeKind.Error, GraphNodeKind.Token])
            {
                var sources = Enumerable.Range(0, row.Length).Where(node => graph.Node(node).Kind == kind);
                foreach (var source in sources.OrderByDescending(node => Math.Abs(row[node])).Take(3))
                {
                    var found = EdgeHeads.Of(tiny.Model, graph.Node(source), Target(graph, target));
                    Assert.Equal(row[source], found.Weight, 1e-6);
                    Assert.InRange(found.Error, 0, Near);
                    // A way passes one head of a layer at most: what passes a layer is what its heads carry.
                    Assert.All(found.Heads, head => Assert.InRange(head.Layer, graph.Node(source).Layer + 1, graph.Model.Layers - 1));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void without_a_head_an_edge_is_smaller_by_all_that_went_through_it(string family, SiteKind input, bool skip)
    {
        using var tiny = TinyCircuit.Make(input, skip, family: family);
        using var graph = tiny.Graph();
        var row = new float[graph.FirstTarget];
        graph.Row(graph.FirstTarget, row);
        // An early feature at another position than the target has ways through heads of several layers.
        var source = Enumerable
            .Range(0, graph.FeatureCount)
            .Where(node => graph.Feature(node) is { Layer: <= 1 } one && one.Position < graph.Model.Prompt.Count - 1)
            .MaxBy(node => Math.Abs(row[node]));
        var found = EdgeHeads.Of(tiny.Model, graph.Node(source), Target(graph, graph.FirstTarget));
        Assert.Equal(0, found.Direct);
        Assert.Equal(row[source], -Effect(tiny, graph, source, null), Near);
        Assert.Contains(found.Heads, head => Math.Abs(head.Total - head.Last) > 1e-3);
        Assert.Contains(found.Heads, head => Math.Abs(head.Total - head.First) > 1e-3);
        foreach (var head in found.Heads)
            Assert.Equal(row[source] - head.Total, -Effect(tiny, graph, source, head), Near);
    }

    [Fact]
    public void a_cross_layer_feature_is_followed_from_every_layer_it_writes()
    {
        var folder = Fixtures.Path("attribution", "transcoders", "gemma3-scope2-clt");
        using var model = GemmaModel.Load(Fixtures.Path("attribution", "models", "gemma3"));
        using var set = TranscoderSet.Load([folder], model.Config);
        using var replacement = ReplacementModel.Of(model, set, TinyCircuit.Prompt);
        using var graph = AttributionGraph.Compute(replacement, CircuitTarget.TopLogits(replacement));
        var row = new float[graph.FirstTarget];
        graph.Row(graph.FirstTarget, row);
        foreach (var source in Enumerable.Range(0, graph.FeatureCount).OrderByDescending(node => Math.Abs(row[node])).Take(6))
        {
            var found = EdgeHeads.Of(replacement, graph.Node(source), Target(graph, graph.FirstTarget));
            Assert.Equal(row[source], found.Weight, 1e-6);
            Assert.InRange(found.Error, 0, Near);
        }
    }

    [Fact]
    public void a_source_above_its_target_has_no_edge()
    {
        using var tiny = TinyCircuit.Make();
        var late = tiny.Model.Features[tiny.Model.Features.Count - 1];
        var early = tiny.Model.Features.First(one => one.Layer == 1);
        var found = EdgeHeads.Of(
            tiny.Model,
            new(GraphNodeKind.Feature, late.Layer, late.Position, late.Feature),
            CircuitTarget.Feature(early.Layer, early.Position, early.Feature)
        );
        Assert.Equal((0, 0, 0), (found.Weight, found.Direct, found.Heads.Count));
    }

    [Theory]
    [InlineData(GraphNodeKind.Feature, 0, 3, 39_000)]
    [InlineData(GraphNodeKind.Feature, 99, 3, 1)]
    [InlineData(GraphNodeKind.Error, 0, 0, -1)]
    [InlineData(GraphNodeKind.Error, 0, 11, -1)]
    [InlineData(GraphNodeKind.Token, -1, 11, -1)]
    [InlineData(GraphNodeKind.Target, 0, 3, 0)]
    public void sources_that_are_not_there_are_refused(GraphNodeKind kind, int layer, int position, int index)
    {
        using var tiny = TinyCircuit.Make();
        Assert.Throws<ArgumentProblemException>(() => EdgeHeads.Of(tiny.Model, new(kind, layer, position, index), CircuitTarget.Logit(1)));
    }

    private static CircuitTarget Target(AttributionGraph graph, int node) =>
        node >= graph.FirstTarget
            ? graph.Targets[node - graph.FirstTarget]
            : CircuitTarget.Feature(graph.Feature(node).Layer, graph.Feature(node).Position, graph.Feature(node).Feature);

    /// <summary>How the first target changes when a feature is turned off in the model's own forward pass with all else frozen, and with
    /// the pattern of a head, or of none, put to 0.</summary>
    private static double Effect(TinyCircuit tiny, AttributionGraph graph, int source, EdgeHead? silenced)
    {
        var feature = graph.Feature(source);
        var target = graph.Targets[0].Resolve(tiny.Model);
        FeatureChange off = FeatureChange.Ablate(feature.Layer, feature.Feature, new(feature.Position, feature.Position + 1));
        return Value(off) - Value(null);

        double Value(FeatureChange? change)
        {
            var frozen = new FrozenEdits(tiny.Model, 0, tiny.Model.Layers);
            Edit[] edits =
            [
                .. frozen.Patterns(),
                .. silenced is { } head
                    ? (Edit[])
                        [
                            Edit.OfHeads(
                                new Site(SiteKind.AttnPattern, head.Layer),
                                (all, _) =>
                                {
                                    for (var i = 0; i < all.Columns; i++)
                                        all.Row(head.Head * all.Columns + i).Clear();
                                }
                            ),
                        ]
                    : [],
                .. frozen.NormsAndMlps(),
                .. change is null
                    ? []
                    : new ChangedWrites(
                        tiny.Set,
                        [change],
                        tiny.Model.ZeroPositions,
                        tiny.Model.Layers,
                        (_, _) => feature.Activation
                    ).Edits(),
            ];
            using var run = tiny.Host.Run(
                TinyCircuit.Prompt,
                capture: target.Injections.Select(one => one.Site),
                edits: edits,
                logits: LogitRows.All,
                arithmetic: Arithmetic.Exact
            );
            return target.Measure(run);
        }
    }
}
