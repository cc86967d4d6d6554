using GemmaScope.Circuits;
using Xunit;

namespace GemmaScope.Tests.Circuits;

/// <summary>Graphs that come from files, measured in their model again.</summary>
public class GraphRecheckTests
{
    [Fact]
    public void a_file_of_a_whole_graph_predicts_what_the_graph_does()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph(CircuitTarget.Logit(12), CircuitTarget.Logit(69));
        var document = Document(graph);
        var activations = GraphRecheck.Activations(document, tiny.Model);
        Assert.InRange(activations.Features, 100, graph.FeatureCount);
        Assert.Equal(activations.Features, activations.Firing);
        Assert.InRange(activations.LargestDifference!.Value, 0, 1e-6);
        foreach (var mode in Enum.GetValues<InterventionMode>())
        {
            var of = GraphRecheck.Measure(document, tiny.Model, graph.Targets, mode, strongest: 5, random: 0);
            foreach (var one in of)
            {
                var node = Enumerable.Range(0, graph.FeatureCount).Single(i => graph.Feature(i) == one.Feature);
                var direct = mode == InterventionMode.Constrained;
                Assert.Equal(GraphPropagation.Ablated(graph, [node], direct, default)[0, one.Target], one.Predicted, 1e-4);
                if (direct)
                    Assert.Equal(one.Predicted, one.Measured, 1e-4);
            }
            // The same features, the same measurements.
            var again = EffectCheck.Measure(graph, mode, strongest: 5, random: 0);
            Assert.All(
                of,
                one => Assert.Contains(again, other => other.Feature == one.Feature && Math.Abs(other.Measured - one.Measured) < 1e-6)
            );
        }
    }

    [Fact]
    public void a_false_edge_is_found_out()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph(CircuitTarget.Logit(12));
        var document = Document(graph);
        var target = document.Nodes.Single(node => node.Kind == GraphNodeKind.Target).NodeId;
        var turned = document with
        {
            Links = [.. document.Links.Select(link => link.Target == target ? link with { Weight = -link.Weight } : link)],
        };
        var agreement = EffectAgreement.Of(GraphRecheck.Measure(turned, tiny.Model, graph.Targets, InterventionMode.Constrained));
        Assert.Equal(0, agreement.SignAgreement);
        Assert.True(agreement.Spearman < -0.99);
    }

    [Fact]
    public void edges_that_were_pruned_away_are_no_claims()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph(CircuitTarget.Logit(12), CircuitTarget.Logit(69));
        var document = Document(graph);
        var first = document.Nodes.First(node => node.Kind == GraphNodeKind.Target).NodeId;
        var pruned = document with { Links = [.. document.Links.Where(link => link.Target != first)] };
        Assert.All(
            GraphRecheck.Measure(pruned, tiny.Model, graph.Targets, InterventionMode.Constrained),
            one => Assert.Equal(1, one.Target)
        );
        // A target that nobody knows is left out too.
        Assert.Empty(GraphRecheck.Measure(pruned, tiny.Model, [graph.Targets[0], null], InterventionMode.Constrained));
        Assert.Throws<ArgumentProblemException>(() => GraphRecheck.Measure(pruned, tiny.Model, [], InterventionMode.Free));
    }

    [Fact]
    public void features_that_do_not_fire_are_counted()
    {
        using var tiny = TinyCircuit.Make();
        using var other = TinyCircuit.Make(threshold: 2.2f);
        using var graph = tiny.Graph(CircuitTarget.Logit(12));
        var activations = GraphRecheck.Activations(Document(graph), other.Model);
        Assert.InRange(activations.Firing, 1, activations.Features - 1);
        Assert.Equal(1, activations.LargestDifference);
        Assert.NotEmpty(GraphRecheck.Measure(Document(graph), other.Model, graph.Targets, InterventionMode.Free));
    }

    private static GraphDocument Document(AttributionGraph graph) =>
        graph
            .Prune(1, 1)
            .ToDocument(
                new()
                {
                    Slug = "tiny",
                    Scan = "tiny",
                    TokenText = token => $"{token}",
                }
            );
}
