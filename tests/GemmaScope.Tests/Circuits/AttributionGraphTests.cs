using GemmaScope.Circuits;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Circuits;

[Trait("Category", "Golden")]
public class AttributionGraphTests
{
    public static TheoryData<SiteKind, bool, string> Forms =>
        new()
        {
            { SiteKind.Ln2Normalized, false, "gemma2" },
            { SiteKind.MlpIn, false, "gemma2" },
            { SiteKind.ResidMid, false, "gemma3" },
            { SiteKind.Ln2Normalized, true, "gemma3" },
            { SiteKind.MlpIn, true, "gemma3" },
            { SiteKind.MlpIn, true, "gemma4-e" },
            { SiteKind.Ln2Normalized, false, "gemma4-moe" },
            { SiteKind.ResidMid, true, "gemma2" },
        };

    [Theory]
    [MemberData(nameof(Forms))]
    public void contributions_and_biases_add_up_to_every_value(SiteKind input, bool skip, string family)
    {
        using var tiny = TinyCircuit.Make(input, skip, family: family);
        using var graph = tiny.Graph();
        Assert.NotEmpty(tiny.Model.Features);
        Assert.True(graph.IsComplete, $"{graph.IdentityError}");
        AssertIdentity(graph);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void an_edge_is_what_the_model_does_when_all_else_is_frozen(SiteKind input, bool skip, string family)
    {
        using var tiny = TinyCircuit.Make(input, skip, family: family);
        using var graph = tiny.Graph();
        var effects = EffectCheck.Measure(graph, InterventionMode.Constrained, strongest: 4, random: 4);
        Assert.All(effects, effect => Assert.Equal(effect.Predicted, effect.Measured, 1e-4));
        var agreement = EffectAgreement.Of(effects);
        Assert.Equal(effects.Count, agreement.Count);
        Assert.True(agreement.Spearman > 0.999);
        Assert.Equal(1, agreement.SignAgreement);
    }

    [Fact]
    public void a_transcoder_with_a_scaled_input_and_a_bias_taken_off_adds_up_too()
    {
        using var tiny = TinyCircuit.Make(scale: 0.8f, subtracts: true, skip: true);
        using var graph = tiny.Graph();
        Assert.NotEmpty(tiny.Model.Features);
        AssertIdentity(graph);
    }

    [Fact]
    public void a_layer_without_a_transcoder_is_all_error()
    {
        using var tiny = TinyCircuit.Make(layers: [1, 4]);
        Assert.Equal([0, 2, 3, 5], tiny.Set.MissingLayers);
        Assert.All(tiny.Model.Features, feature => Assert.Contains(feature.Layer, tiny.Set.Layers));
        using var run = tiny.Host.Run(TinyCircuit.Prompt, capture: [Site.MlpOut(3)]);
        Assert.All(
            run[Site.MlpOut(3)].Row(5).ToArray().Zip(tiny.Model.Error(3, 5).ToArray()),
            pair => Assert.Equal(pair.First, pair.Second, 1e-5)
        );
        using var graph = tiny.Graph();
        AssertIdentity(graph);
    }

    [Fact]
    public void a_prompt_on_which_no_feature_fires_is_all_error()
    {
        using var tiny = TinyCircuit.Make(threshold: 1e6f);
        using var graph = tiny.Graph();
        Assert.Equal(0, graph.FeatureCount);
        AssertIdentity(graph);
        Assert.InRange(graph.ReplacementScore, 0, 0.999);
        Assert.NotEmpty(graph.Prune().Edges);
        Assert.Empty(EffectCheck.Measure(graph, InterventionMode.Free));
    }

    [Fact]
    public void without_errors_both_scores_are_whole()
    {
        // Nothing of a model without transcoders is explained but at position 0, whose outputs have no node.
        using var tiny = TinyCircuit.Make(zeroPositions: TinyCircuit.Prompt.Length - 1);
        using var graph = tiny.Graph(CircuitTarget.Logit(12, TinyCircuit.Prompt.Length - 2));
        Assert.Equal(1, graph.ReplacementScore, 1e-12);
        Assert.Equal(1, graph.CompletenessScore, 1e-12);
        AssertIdentity(graph);
    }

    [Fact]
    public void a_damaged_transcoder_is_noticed()
    {
        var problem = Assert.Throws<ArgumentProblemException>(() =>
        {
            using var tiny = TinyCircuit.Make(scale: float.NaN);
            using var graph = tiny.Graph();
        });
        Assert.Contains("not finite", problem.Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void zeroed_positions_have_no_features_and_no_errors(int positions)
    {
        using var tiny = TinyCircuit.Make(zeroPositions: positions);
        Assert.All(tiny.Model.Features, feature => Assert.True(feature.Position >= positions));
        Assert.All(tiny.Model.Error(2, positions - 1).ToArray(), value => Assert.Equal(0, value));
        using var graph = tiny.Graph();
        AssertIdentity(graph);
    }

    [Fact]
    public void a_conversation_of_gemma_3_has_four_zeroed_positions_and_other_texts_one()
    {
        using (var chat = TinyCircuit.Make(zeroPositions: null))
            Assert.Equal(4, chat.Model.ZeroPositions);
        using (var text = TinyCircuit.Make(prompt: [2, 12, 19, 64, 69, 33], zeroPositions: null))
            Assert.Equal(1, text.Model.ZeroPositions);
        using (var other = TinyCircuit.Make(family: "gemma2", zeroPositions: null))
            Assert.Equal(1, other.Model.ZeroPositions);
    }

    [Fact]
    public void targets_of_every_kind_have_the_value_of_the_run_and_add_up()
    {
        using var tiny = TinyCircuit.Make(skip: true);
        var feature = tiny.Model.Features[^3];
        float[] direction = [.. Enumerable.Range(0, tiny.Host.Config.Width).Select(i => (float)Math.Sin(i))];
        CircuitTarget[] directions =
        [
            .. new[]
            {
                "embed",
                "resid_pre.0",
                "resid_pre.3",
                "ln1_normalized.2",
                "attn_in.4",
                "attn_out.3",
                "resid_mid.2",
                "ln2_normalized.5",
                "mlp_in.1",
                "mlp_out.3",
                "resid_post.4",
                "ln_final_normalized",
                "final_norm_out",
            }.Select(site => CircuitTarget.Direction(Site.Parse(site), direction, 6)),
        ];
        var gap = CircuitTarget.Difference(12, 69);
        var sum = CircuitTarget.Sum("gap", (CircuitTarget.Logit(12), 1), (CircuitTarget.Logit(69), -1));
        using var graph = tiny.Graph([
            CircuitTarget.Feature(feature.Layer, feature.Position, feature.Feature),
            gap,
            sum,
            CircuitTarget.Logit(12, 5),
            .. directions,
        ]);
        AssertIdentity(graph);
        using var run = tiny.Host.Run(TinyCircuit.Prompt, capture: [new Site(SiteKind.LogitsRaw)]);
        var raw = run[new Site(SiteKind.LogitsRaw)];
        var values = graph.Targets.Select((_, i) => graph.Value(graph.FirstTarget + i)).ToArray();
        Assert.Equal(feature.Activation, values[0], 1e-5);
        Assert.Equal(raw.Row(10)[12] - raw.Row(10)[69], values[1], 1e-4);
        Assert.Equal(values[1], values[2], 1e-5);
        Assert.Equal(raw.Row(5)[12] - raw.Row(5).ToArray().Average(), values[3], 1e-4);
        // What is read in the first residual is the embedding alone.
        Assert.Equal(values[4], values[5], 1e-6);
    }

    [Fact]
    public void later_positions_and_layers_contribute_nothing()
    {
        using var tiny = TinyCircuit.Make();
        var feature = tiny.Model.Features.First(one => one is { Layer: 3, Position: 5 });
        using var graph = tiny.Graph(CircuitTarget.Feature(3, 5, feature.Feature));
        var row = new float[graph.FirstTarget];
        graph.Row(graph.FirstTarget, row);
        for (var node = 0; node < row.Length; node++)
            if (graph.Node(node) is var source && (source.Position > 5 || source.Layer >= 3))
                Assert.Equal(0, row[node]);
        Assert.Contains(row, weight => weight != 0);
    }

    [Fact]
    public void a_budget_keeps_the_rows_it_would_have_and_the_sum_of_the_others()
    {
        using var tiny = TinyCircuit.Make();
        using var whole = tiny.Graph();
        using var part = AttributionGraph.Compute(tiny.Model, whole.Targets, new() { MaxFeatures = 10, Queue = 3 });
        Assert.True(part.IsReduced);
        Assert.Equal(10, part.FeatureCount);
        Assert.True(part.IsComplete);
        AssertIdentity(part);
        var (all, few) = (new float[whole.FirstTarget], new float[part.FirstTarget]);
        whole.Row(whole.NodeCount - 1, all);
        part.Row(part.NodeCount - 1, few);
        for (var node = 0; node < part.FeatureCount; node++)
            Assert.Equal(all[tiny.Model.Features.ToList().IndexOf(part.Feature(node))], few[node], 1e-6);
        Assert.NotEqual(0, part.Bias(part.NodeCount - 1).Dropped);
        Assert.Equal(0, whole.Bias(whole.NodeCount - 1).Dropped);
    }

    [Fact]
    public void small_batches_give_the_same_rows()
    {
        using var tiny = TinyCircuit.Make(skip: true);
        using var whole = tiny.Graph();
        using var slow = AttributionGraph.Compute(tiny.Model, whole.Targets, new() { WorkingBytes = 1 << 20 });
        var (one, other) = (new float[whole.FirstTarget], new float[whole.FirstTarget]);
        for (var node = 0; node < whole.NodeCount; node++)
        {
            whole.Row(node, one);
            slow.Row(node, other);
            for (var i = 0; i < one.Length; i++)
                Assert.Equal(one[i], other[i], 1e-5);
        }
    }

    [Fact]
    public void a_pruned_graph_is_a_part_of_the_whole_without_loose_ends()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph();
        var pruned = graph.Prune(0.6, 0.9);
        var kept = pruned.Nodes.ToHashSet();
        Assert.InRange(kept.Count(node => node < graph.FeatureCount), 1, graph.FeatureCount - 1);
        Assert.All(pruned.Edges, edge => Assert.True(kept.Contains(edge.Source) && kept.Contains(edge.Target)));
        foreach (var node in kept.Where(node => node < graph.FeatureCount))
        {
            Assert.Contains(pruned.Edges, edge => edge.Source == node);
            Assert.Contains(pruned.Edges, edge => edge.Target == node);
        }
        Assert.InRange(graph.ReplacementScore, 0, 1);
        Assert.InRange(graph.CompletenessScore, 0, 1);
    }

    [Fact]
    public void a_prediction_follows_all_paths_where_features_may_answer()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph();
        var source = Enumerable.Range(0, graph.FeatureCount).First(node => graph.Feature(node) is { Layer: 1, Position: > 3 });
        var rows = new Dictionary<int, float[]>();
        float[] Row(int node)
        {
            if (!rows.TryGetValue(node, out var row))
                graph.Row(node, row = rows[node] = new float[graph.FirstTarget]);
            return row;
        }
        // From the target backwards: what the source adds itself, and what all it reaches add in proportion.
        var known = new Dictionary<int, double> { [source] = -1 };
        double Relative(int node)
        {
            if (known.TryGetValue(node, out var relative))
                return relative;
            return known[node] = Change(node) / graph.Feature(node).Activation;
        }
        double Change(int node) =>
            Enumerable.Range(0, graph.FeatureCount).Where(one => Row(node)[one] != 0).Sum(one => Row(node)[one] * Relative(one));

        var all = GraphPropagation.Ablated(graph, [source], direct: false, default);
        var direct = GraphPropagation.Ablated(graph, [source], direct: true, default);
        for (var target = 0; target < graph.Targets.Count; target++)
        {
            Assert.Equal(Change(graph.FirstTarget + target), all[0, target], 1e-9);
            Assert.Equal(-Row(graph.FirstTarget + target)[source], direct[0, target], 1e-9);
            Assert.NotEqual(direct[0, target], all[0, target]);
        }
    }

    /// <summary>Σ row + biases = value of every row.</summary>
    private static void AssertIdentity(AttributionGraph graph)
    {
        var row = new float[graph.FirstTarget];
        for (var node = 0; node < graph.NodeCount; node++)
        {
            if (node >= graph.FeatureCount && node < graph.FirstTarget)
                continue;
            graph.Row(node, row);
            Assert.Equal(graph.Value(node), row.Sum(part => (double)part) + graph.Bias(node).Sum, 1e-4);
        }
    }
}
