using GemmaScope.Circuits;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Circuits;

public class TotalContributionTests
{
    [Theory]
    [InlineData(SiteKind.MlpIn, true)]
    [InlineData(SiteKind.ResidMid, false)]
    public void a_feature_adds_along_all_ways_what_the_target_loses_without_it(SiteKind input, bool skip)
    {
        using var circuit = TinyCircuit.Make(input, skip);
        using var graph = circuit.Graph();
        int[] features = [.. Enumerable.Range(0, graph.FeatureCount)];
        // Forwards from each feature to all targets; totals go backwards from one target to all sources.
        var predicted = GraphPropagation.Ablated(graph, features, direct: false, TestContext.Current.CancellationToken);
        for (var target = 0; target < graph.Targets.Count; target++)
        {
            var totals = graph.TotalContributions(target, TestContext.Current.CancellationToken);
            Assert.Equal(graph.FirstTarget, totals.Length);
            foreach (var feature in features)
                Assert.Equal(-predicted[feature, target], totals[feature], 1e-5);
        }
        Assert.Contains(features, feature => Math.Abs(predicted[feature, 0]) > 1e-3);
    }

    [Fact]
    public void tokens_errors_and_biases_add_up_to_the_target_along_all_ways()
    {
        using var circuit = TinyCircuit.Make(skip: true);
        using var graph = circuit.Graph();
        var totals = graph.TotalContributions(0, TestContext.Current.CancellationToken);
        var sum = totals[graph.FeatureCount..].Sum() + Constant(graph.FirstTarget);
        for (var feature = 0; feature < graph.FeatureCount; feature++)
            sum += totals[feature] / graph.Feature(feature).Activation * Constant(feature);
        Assert.Equal(graph.Value(graph.FirstTarget), sum, 1e-3);

        double Constant(int node) => graph.Bias(node).Sum;
    }

    [Fact]
    public void a_target_that_is_not_there_is_refused()
    {
        using var circuit = TinyCircuit.Make();
        using var graph = circuit.Graph(CircuitTarget.Logit(3));
        Assert.Throws<ArgumentProblemException>(() => graph.TotalContributions(1, TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentProblemException>(() => graph.TotalContributions(-1, TestContext.Current.CancellationToken));
    }
}
