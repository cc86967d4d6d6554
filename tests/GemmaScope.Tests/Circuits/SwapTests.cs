using GemmaScope.Circuits;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Circuits;

/// <summary>Activations of one prompt put into another.</summary>
public sealed class SwapTests : IDisposable
{
    private const int Position = 6;

    private readonly TinyCircuit _tiny = TinyCircuit.Make(skip: true);
    private readonly ReplacementModel _other;

    public SwapTests()
    {
        int[] prompt = [.. TinyCircuit.Prompt];
        (prompt[3], prompt[Position], prompt[8]) = (41, 58, 77);
        _other = ReplacementModel.Of(_tiny.Host, _tiny.Set, prompt, zeroPositions: 1);
    }

    public void Dispose()
    {
        _other.Dispose();
        _tiny.Dispose();
    }

    [Theory]
    [InlineData(InterventionMode.Constrained)]
    [InlineData(InterventionMode.AttentionFrozen)]
    [InlineData(InterventionMode.Free)]
    public void a_prompt_swapped_with_itself_is_as_it_was(InterventionMode mode)
    {
        var changes = FeatureChange.SwapAll(_tiny.Model, _tiny.Model);
        Assert.NotEmpty(changes);
        using var run = Intervention.Run(_tiny.Model, changes, mode, edits: Intervention.SwapErrors(_tiny.Model, _tiny.Model));
        Assert.All(run.LastLogits().ToArray().Zip(_tiny.Model.LastLogits.ToArray()), pair => Assert.Equal(pair.Second, pair.First, 1e-4));
    }

    [Fact]
    public void what_is_put_in_place_is_what_the_other_prompt_has()
    {
        // With all of a position swapped and its input frozen, the MLP writes what it writes there but for the skip connection's input.
        using var tiny = TinyCircuit.Make();
        using var other = ReplacementModel.Of(tiny.Host, tiny.Set, [.. _other.Prompt], zeroPositions: 1);
        var at = Positions.At(Position);
        using var run = Intervention.Run(
            tiny.Model,
            FeatureChange.SwapAll(tiny.Model, other, at),
            capture: [Site.MlpOut(2)],
            edits: Intervention.SwapErrors(tiny.Model, other, at)
        );
        using var there = tiny.Host.Run([.. other.Prompt], capture: [Site.MlpOut(2)]);
        using var here = tiny.Host.Run(TinyCircuit.Prompt, capture: [Site.MlpOut(2)]);
        Assert.All(Row(run, Position).Zip(Row(there, Position)), pair => Assert.Equal(pair.Second, pair.First, 1e-4));
        Assert.Contains(Row(there, Position).Zip(Row(here, Position)), pair => Math.Abs(pair.First - pair.Second) > 0.01);
        Assert.All(Row(run, 5).Zip(Row(here, 5)), pair => Assert.Equal(pair.Second, pair.First, 1e-5));

        static float[] Row(ModelRun run, int position) => run[Site.MlpOut(2)].Row(position).ToArray();
    }

    [Fact]
    public void effects_of_a_swap_add_up_when_all_else_is_frozen()
    {
        using var graph = _tiny.Graph();
        var at = Positions.At(Position);
        var changes = FeatureChange.SwapAll(_tiny.Model, _other, at);
        var errors = Intervention.SwapErrors(_tiny.Model, _other, at);
        Assert.Contains(changes, change => _tiny.Model.Activation(change.Layer, Position, change.Feature) == 0);

        var all = Effects(graph, changes, errors);
        var sum = Effects(graph, [], errors);
        var row = new float[graph.FirstTarget];
        foreach (var change in changes)
        {
            var one = Effects(graph, [change], []);
            for (var target = 0; target < one.Length; target++)
            {
                sum[target] += one[target];
                // Of a feature that fires here its edge, times how much it changes.
                if (_tiny.Model.Find(change.Layer, Position, change.Feature) is not { } node)
                    continue;
                graph.Row(graph.FirstTarget + target, row);
                var factor = _other.Activation(change.Layer, Position, change.Feature) / _tiny.Model.Features[node].Activation;
                Assert.Equal((factor - 1) * row[node], one[target], 1e-4);
            }
        }
        Assert.Contains(all, effect => Math.Abs(effect) > 0.01);
        for (var target = 0; target < all.Length; target++)
            Assert.Equal(sum[target], all[target], 5e-4);
    }

    [Fact]
    public void positions_are_matched_as_they_are_told()
    {
        var feature = _other.Features.First(one => one.Position == Position && one.Layer == 1);
        var swap = FeatureChange.Swap(1, feature.Feature, _other, Positions.At(4), shift: Position - 4);
        var clamp = FeatureChange.Clamp(1, feature.Feature, feature.Activation, Positions.At(4));
        foreach (var mode in Enum.GetValues<InterventionMode>())
        {
            using var one = Intervention.Run(_tiny.Model, [swap], mode);
            using var other = Intervention.Run(_tiny.Model, [clamp], mode);
            Assert.Equal(other.LastLogits().ToArray(), one.LastLogits().ToArray());
        }
        var shifted = FeatureChange.SwapAll(_tiny.Model, _other, shift: 2);
        Assert.All(shifted, change => Assert.Equal(new Positions(1, TinyCircuit.Prompt.Length - 2), change.Positions));
    }

    [Fact]
    public void features_are_swapped_while_text_is_generated()
    {
        GenerationOptions greedy = new() { Temperature = 0, MaxNewTokens = 8 };
        var strong = _other.Features.MaxBy(one => one.Activation);
        var swap = FeatureChange.Swap(strong.Layer, strong.Feature, _other, Positions.At(strong.Position));
        var clamp = FeatureChange.Clamp(strong.Layer, strong.Feature, strong.Activation, Positions.At(strong.Position));
        int[] Written(FeatureChange change) =>
            [
                .. _tiny.Host.Generate(
                    TinyCircuit.Prompt,
                    greedy with
                    {
                        Edits = Intervention.Edits(_tiny.Set, [change], _tiny.Host.Config),
                    }
                ),
            ];
        Assert.Equal(Written(clamp), Written(swap));

        // All of it, token by token with a cache, is the run at once.
        var all = FeatureChange.SwapAll(_tiny.Model, _other);
        using var run = Intervention.Run(_tiny.Model, all, InterventionMode.Free, edits: Intervention.SwapErrors(_tiny.Model, _other));
        Edit[] edits = [.. Intervention.Edits(_tiny.Set, all, _tiny.Host.Config), .. Intervention.SwapErrors(_tiny.Model, _other)];
        using var cache = _tiny.Host.NewCache();
        float[] last = [];
        foreach (var token in TinyCircuit.Prompt)
        {
            using var step = _tiny.Host.Run([token], edits: edits, cache: cache, logits: LogitRows.All);
            last = step.LastLogits().ToArray();
        }
        Assert.All(run.LastLogits().ToArray().Zip(last), pair => Assert.Equal(pair.First, pair.Second, 5e-4));
        Assert.Contains(last.Zip(_tiny.Model.LastLogits.ToArray()), pair => Math.Abs(pair.First - pair.Second) > 0.01);
    }

    [Fact]
    public void features_of_a_cross_layer_transcoder_are_swapped_in_all_layers_they_write()
    {
        using var set = TranscoderSet.Load(
            [Fixtures.Path("attribution", "transcoders", "gemma3-scope2-clt", "clt", "width_360_l0_medium")],
            _tiny.Host.Config
        );
        using var here = ReplacementModel.Of(_tiny.Host, set, TinyCircuit.Prompt, zeroPositions: 1);
        using var there = ReplacementModel.Of(_tiny.Host, set, [.. _other.Prompt], zeroPositions: 1);
        using var run = Intervention.Run(
            here,
            FeatureChange.SwapAll(here, there),
            capture: [Site.MlpOut(5)],
            edits: Intervention.SwapErrors(here, there)
        );
        using var clean = _tiny.Host.Run([.. _other.Prompt], capture: [Site.MlpOut(5)]);
        for (var position = 1; position < TinyCircuit.Prompt.Length; position++)
            Assert.All(
                run[Site.MlpOut(5)].Row(position).ToArray().Zip(clean[Site.MlpOut(5)].Row(position).ToArray()),
                pair => Assert.Equal(pair.Second, pair.First, 1e-4)
            );
    }

    [Fact]
    public void what_belongs_to_nothing_in_the_other_prompt_is_refused()
    {
        Refused("those that have are 1 to 10", () => FeatureChange.Swap(0, 1, _other, Positions.At(0)));
        Refused("those that have are 1 to 10", () => FeatureChange.Swap(0, 1, _other, Positions.At(11)));
        Refused("those that have are 2 to 11", () => FeatureChange.Swap(0, 1, _other, Positions.At(1), shift: -1));
        Refused("no position", () => FeatureChange.SwapAll(_tiny.Model, _other, shift: 40));
        Refused("no position", () => Intervention.SwapErrors(_tiny.Model, _other, shift: -40));
        Refused("is no feature", () => FeatureChange.Swap(0, 999, _other));
        Refused("no transcoder", () => FeatureChange.Swap(9, 1, _other));
        Refused("twice", () => Intervention.Run(_tiny.Model, [FeatureChange.Swap(0, 1, _other), FeatureChange.Ablate(0, 1, 3..4)]));
    }

    private static void Refused(string words, Action action) =>
        Assert.Contains(words, Assert.Throws<ArgumentProblemException>(action).Message);

    /// <summary>The change of each target of a graph.</summary>
    private double[] Effects(AttributionGraph graph, IReadOnlyList<FeatureChange> changes, IReadOnlyList<Edit> edits)
    {
        RowTarget[] targets = [.. graph.Targets.Select(target => target.Resolve(_tiny.Model))];
        using var run = Intervention.Run(_tiny.Model, changes, capture: [new Site(SiteKind.FinalNormOut)], edits: edits);
        return [.. targets.Select(target => target.Measure(run) - target.Value)];
    }
}
