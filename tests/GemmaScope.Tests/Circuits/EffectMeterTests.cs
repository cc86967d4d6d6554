using GemmaScope.Circuits;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Circuits;

public class EffectMeterTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(-1.5)]
    public void with_all_fixed_the_edges_say_exactly_what_is_measured(double factor)
    {
        using var circuit = TinyCircuit.Make();
        var strong = circuit.Model.Features.MaxBy(one => one.Activation);
        var other = circuit.Model.Features.First(one => one.Layer != strong.Layer);
        FeatureChange[] changes = [.. new[] { strong, other }.Select(one => Scaled(one, factor))];
        var found = EffectMeter.Of(circuit.Model, CircuitTarget.TopLogits(circuit.Model, 3)).Measure(changes, InterventionMode.Constrained);
        Assert.Equal(3, found.Targets.Count);
        foreach (var one in found.Targets)
        {
            Assert.NotEqual(0, one.Predicted!.Value, 1e-4);
            Assert.Equal(one.Predicted!.Value, one.After - one.Before, 2e-3);
        }
        Assert.True(found.Kl > 0);
    }

    [Theory]
    [InlineData(InterventionMode.Free)]
    [InlineData(InterventionMode.AttentionFrozen)]
    [InlineData(InterventionMode.Constrained)]
    public void what_is_left_as_it_is_changes_nothing(InterventionMode mode)
    {
        using var circuit = TinyCircuit.Make();
        var found = EffectMeter
            .Of(circuit.Model, CircuitTarget.TopLogits(circuit.Model, 2))
            .Measure([Scaled(circuit.Model.Features[0], 1)], mode, most: 4);
        Assert.Equal(0, found.Kl, 1e-6);
        Assert.Equal(4, found.Next.Count);
        Assert.All(found.Next, one => Assert.Equal(one.Before, one.After, 1e-6));
        Assert.All(found.Targets, one => Assert.Equal(0, one.Predicted!.Value));
    }

    [Fact]
    public void a_feature_that_does_not_fire_has_no_edge_to_predict_by()
    {
        using var circuit = TinyCircuit.Make();
        var silent = Enumerable.Range(0, 40).First(feature => circuit.Model.Find(0, 5, feature) is null);
        var meter = EffectMeter.Of(circuit.Model, CircuitTarget.TopLogits(circuit.Model, 1));
        var on = meter.Measure([FeatureChange.Clamp(0, silent, 9, Positions.At(5))], InterventionMode.Free);
        Assert.Null(on.Targets[0].Predicted);
        Assert.NotEqual(on.Targets[0].Before, on.Targets[0].After);
        Assert.Equal(0, meter.Measure([FeatureChange.Ablate(0, silent, Positions.At(5))], InterventionMode.Free).Targets[0].Predicted);
    }

    [Fact]
    public void attention_adds_up_to_one_and_stops_at_the_position_that_looks()
    {
        using var circuit = TinyCircuit.Make();
        var weights = circuit.Model.Attention(1, 0, 7);
        Assert.Equal(8, weights.Length);
        Assert.Equal(1, weights.Sum(one => (double)one), 1e-5);
        Assert.Throws<ArgumentProblemException>(() => circuit.Model.Attention(99, 0, 7));
        Assert.Throws<ArgumentProblemException>(() => circuit.Model.Attention(1, -1, 7));
        Assert.Throws<ArgumentProblemException>(() => circuit.Model.Attention(1, 0, 11));
    }

    private static FeatureChange Scaled(ActiveFeature one, double factor) =>
        FeatureChange.Scale(one.Layer, one.Feature, factor, Positions.At(one.Position));
}
