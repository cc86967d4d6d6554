using System.Numerics.Tensors;
using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;
using Tensor = GemmaScope.Numerics.Tensor;

namespace GemmaScope.Tests.Circuits;

/// <summary>How much of the model circuits of rising size do alone, against computations of their own.</summary>
[Trait("Category", "Golden")]
public class FaithfulnessTests
{
    private static readonly int[][] References =
    [
        [2, 9, 33, 71, 5, 18],
        [2, 40, 41, 12, 88, 63, 27, 30],
    ];

    [Fact]
    public void areas_are_those_of_the_benchmark()
    {
        var sizes = FaithfulnessCurve.Sizes;
        Assert.Equal([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1], sizes);
        double?[] Curve(Func<double, double> f) => [.. sizes.Select(size => (double?)f(size))];
        // A circuit that is the model: nothing is missed from the least size on.
        Assert.Equal(0.999, FaithfulnessCurve.PerformanceRatio(sizes, Curve(_ => 1))!.Value, 1e-12);
        Assert.Equal(0, FaithfulnessCurve.ModelDistance(sizes, Curve(_ => 1))!.Value, 1e-12);
        // Trapezoids are exact on a line: ∫ x = (1 − 0.001²) / 2.
        Assert.Equal((1 - 1e-6) / 2, FaithfulnessCurve.PerformanceRatio(sizes, Curve(x => x))!.Value, 1e-12);
        Assert.Equal(0.999 - (1 - 1e-6) / 2, FaithfulnessCurve.ModelDistance(sizes, Curve(x => x))!.Value, 1e-12);
        // Above 1 it is more, and as far from the model as below.
        Assert.Equal(1.4985, FaithfulnessCurve.PerformanceRatio(sizes, Curve(_ => 1.5))!.Value, 1e-12);
        Assert.Equal(0.4995, FaithfulnessCurve.ModelDistance(sizes, Curve(_ => 1.5))!.Value, 1e-12);
        // The sum of evaluation.py, written out for a curve that is no line.
        Assert.Equal(
            0.001 * 0.5 + 0.003 * 0.5 + 0.005 * 0.5 + 0.01 * 1 + 0.03 * 1.5 + 0.05 * 1.5 + 0.1 * 1 + 0.3 * 0.5 + 0.5 * 0.5,
            FaithfulnessCurve.PerformanceRatio(sizes, [0, 1, 0, 1, 1, 2, 1, 1, 0, 1])!.Value,
            1e-12
        );
        Assert.Null(FaithfulnessCurve.PerformanceRatio(sizes, [0, 1, 0, 1, null, 2, 1, 1, 0, 1]));
        Assert.Equal(0.25, FaithfulnessCurve.Faithfulness(2, 1, 5));
        Assert.Null(FaithfulnessCurve.Faithfulness(2, 5, 5 + 1e-6));
        Assert.Null(FaithfulnessCurve.Faithfulness(double.NaN, 1, 5));
        // Parts of a node are none.
        Assert.Equal([0, 1, 9, 184], ((double[])[0.005, 0.01, 0.05, 1]).Select(share => FaithfulnessCurve.Kept(share, 184)));
    }

    [Theory]
    [InlineData(SiteKind.MlpIn, true, "gemma3")]
    [InlineData(SiteKind.MlpIn, true, "gemma4-e")]
    [InlineData(SiteKind.Ln2Normalized, false, "gemma2")]
    [InlineData(SiteKind.ResidMid, true, "gemma2")]
    public void all_nodes_are_the_model_and_none_is_nothing(SiteKind input, bool skip, string family)
    {
        using var tiny = TinyCircuit.Make(input, skip, family: family, layers: [0, 2]);
        using var graph = tiny.Graph();
        AssertEnds(CircuitFaithfulness.Measure(graph, Means(tiny.Host, tiny.Set)), graph);
    }

    [Fact]
    public void circuits_of_a_cross_layer_transcoder_are_measured_too()
    {
        using var model = GemmaModel.Load(Fixtures.Path("attribution", "models", "gemma3"));
        using var set = TranscoderSet.Load(
            [Fixtures.Path("attribution", "transcoders", "gemma3-scope2-clt", "clt", "width_360_l0_medium")],
            model.Config
        );
        using var replacement = ReplacementModel.Of(model, set, TinyCircuit.Prompt, zeroPositions: 1);
        using var graph = AttributionGraph.Compute(replacement, [CircuitTarget.Difference(12, 69)]);
        var means = Means(model, set);
        AssertEnds(CircuitFaithfulness.Measure(graph, means), graph);
        AssertBruteForce(graph, means);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void a_circuit_is_every_other_feature_set_by_hand(bool skip, bool scaled)
    {
        using var tiny = TinyCircuit.Make(skip: skip, scale: scaled ? 0.8f : 1, subtracts: scaled, layers: [1, 2, 4]);
        using var graph = tiny.Graph(CircuitTarget.Logit(12), CircuitTarget.Difference(69, 5) with { Weight = 0.25 });
        AssertBruteForce(graph, Means(tiny.Host, tiny.Set));
    }

    [Fact]
    public void means_are_those_of_the_texts()
    {
        using var tiny = TinyCircuit.Make(layers: [1, 4]);
        var means = Means(tiny.Host, tiny.Set);
        Assert.Equal(12, means.Tokens);
        Assert.Null(means.Features[0]);
        var fires = means.Features[4]!.Index().MaxBy(one => one.Item).Index;
        double activation = 0,
            error = 0,
            neuron = 0;
        foreach (var text in References)
        {
            using var one = ReplacementModel.Of(tiny.Host, tiny.Set, text);
            using var run = tiny.Host.Run(text, capture: [NeuronCircuit.Site(4)]);
            for (var position = 1; position < text.Length; position++)
            {
                activation += one.Activation(4, position, fires);
                error += one.Error(4, position)[3];
                neuron += run[NeuronCircuit.Site(4)].Row(position)[11];
            }
        }
        Assert.NotEqual(0, activation);
        Assert.Equal(activation / 12, means.Features[4]![fires], 1e-5);
        Assert.Equal(error / 12, means.Errors[4]![3], 1e-5);
        Assert.Equal(neuron / 12, means.Neurons[4]![11], 1e-5);
    }

    [Fact]
    public void gradients_are_slopes_of_the_model()
    {
        using var tiny = TinyCircuit.Make(layers: [1, 3]);
        using var graph = tiny.Graph(CircuitTarget.Logit(12));
        var (model, means) = (tiny.Model, Means(tiny.Host, tiny.Set));
        var target = CircuitFaithfulness.Measured(graph).Resolve(model);
        var gradients = CircuitFaithfulness.GradientsOf(model, target, neurons: true, default);
        var features = new FeatureCircuit(model, means, errorsKept: true);
        var (scores, neurons) = (features.Scores(gradients), new NeuronCircuit(model, means).Scores(gradients, default));
        const float step = 0.02f;
        foreach (var (node, feature) in model.Features.Index().Where(one => one.Item.Position is 5 or 10))
        {
            double Value(double factor)
            {
                using var run = Intervention.Run(
                    model,
                    [FeatureChange.Scale(feature.Layer, feature.Feature, factor, Positions.At(feature.Position))],
                    InterventionMode.Free,
                    capture: [new Site(SiteKind.FinalNormOut)]
                );
                return target.Measure(run);
            }
            var slope = (Value(1 + step) - Value(1 - step)) / (2 * step) * features.Ablated(feature);
            Assert.Equal(slope, scores[node], 0.02 * Math.Abs(slope) + 2e-3);
        }
        var width = tiny.Host.Config.Shapes[0].MlpWidth;
        foreach (var (layer, i) in new[] { (1, 0), (3, 1) })
        foreach (var neuron in new[] { 0, 17, 40 })
        {
            double Value(float added)
            {
                using var run = tiny.Host.Run(
                    TinyCircuit.Prompt,
                    capture: [new Site(SiteKind.FinalNormOut)],
                    edits: [Edit.Function(NeuronCircuit.Site(layer), (rows, _) => rows.Row(0)[neuron] += added, Positions.At(7))],
                    arithmetic: Arithmetic.Exact
                );
                return target.Measure(run);
            }
            using var clean = tiny.Host.Run(TinyCircuit.Prompt, capture: [NeuronCircuit.Site(layer)], arithmetic: Arithmetic.Exact);
            var distance = clean[NeuronCircuit.Site(layer)].Row(7)[neuron] - means.Neurons[layer]![neuron];
            var slope = (Value(step) - Value(-step)) / (2 * step) * distance;
            Assert.Equal(slope, neurons[(i * 10 + 6) * width + neuron], 0.02 * Math.Abs(slope) + 2e-3);
        }
        foreach (var one in gradients)
            one.Dispose();
    }

    [Fact]
    public void what_a_feature_adds_along_all_paths_is_what_turning_it_off_takes()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph(CircuitTarget.Logit(12) with { Weight = 0.75 }, CircuitTarget.Logit(5) with { Weight = 0.25 });
        var total = GraphPropagation.Total(graph, default);
        int[] nodes = [.. Enumerable.Range(0, graph.FeatureCount)];
        var off = GraphPropagation.Ablated(graph, nodes, direct: false, default);
        foreach (var node in nodes)
            Assert.Equal(-(0.75 * off[node, 0] + 0.25 * off[node, 1]), total[node], 1e-5);
        Assert.Contains(total, effect => Math.Abs(effect) > 0.1);
    }

    [Fact]
    public void a_planted_feature_is_the_whole_circuit()
    {
        using var planted = Planted.Make();
        using var graph = AttributionGraph.Compute(planted.Model, [CircuitTarget.Direction(Site.MlpOut(2), planted.Direction)]);
        var node = planted.Model.Find(2, TinyCircuit.Prompt.Length - 1, planted.Feature);
        Assert.NotNull(node);
        var found = CircuitFaithfulness.Measure(graph, Means(planted.Host, planted.Set));
        foreach (var kind in (FaithfulnessKind[])[FaithfulnessKind.Features, FaithfulnessKind.FeaturesByGradient])
        {
            var curve = found.Curves.Single(one => one.Kind == kind);
            // One feature does all, and it is the first to be kept.
            Assert.All(curve.Points, point => Assert.Equal(point.Kept == 0 ? 0 : 1, point.Strongest!.Value, 1e-3));
            Assert.Contains(curve.Points, point => point is { Kept: > 0, Share: < 0.5 });
        }
        var random = found.Curves.Single(one => one.Kind == FaithfulnessKind.RandomFeatures);
        Assert.True(random.Cpr < found.Curves[0].Cpr, $"{random.Cpr} {found.Curves[0].Cpr}");
        Assert.True(random.Cmd > found.Curves[0].Cmd, $"{random.Cmd} {found.Curves[0].Cmd}");
        Assert.InRange(random.Cpr!.Value, random.CprRange!.Lowest, random.CprRange.Highest);
    }

    [Fact]
    public void random_circuits_do_less_than_the_best()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-pt"));
        using var set = TranscoderSet.Load([Fixtures.Model("demo-scope", "transcoder_all")], model.Config);
        using var prompt = ReplacementModel.Of(model, set, model.Tokenizer.Encode("The people of the United", addBos: true));
        using var graph = AttributionGraph.Compute(prompt, CircuitTarget.TopLogits(prompt, most: 1));
        var means = ReferenceMeans.Of(
            model,
            set,
            [model.Tokenizer.Encode("In spring the river rises, and the fields are wet.", addBos: true)]
        );
        var found = CircuitFaithfulness.Measure(graph, means, new() { RandomOrders = 4, Neurons = false });
        FaithfulnessCurve Curve(FaithfulnessKind kind) => found.Curves.Single(curve => curve.Kind == kind);
        var random = Curve(FaithfulnessKind.RandomFeatures);
        var best = Curve(FaithfulnessKind.FeaturesByGradient);
        Assert.True(random.Cpr < best.Cpr, $"{random.Cpr} {best.Cpr}");
        Assert.True(random.Cmd > best.Cmd, $"{random.Cmd} {best.Cmd}");
        Assert.DoesNotContain(found.Curves, curve => curve.Kind is FaithfulnessKind.Neurons);
        // The same seed, the same circuits.
        var again = CircuitFaithfulness.Measure(graph, means, new() { RandomOrders = 4, Neurons = false });
        Assert.Equal(random.Cpr, again.Curves[2].Cpr);
        var none = CircuitFaithfulness.Measure(graph, means, new() { RandomOrders = 0, Neurons = false });
        Assert.Equal(3, none.Curves.Count);
    }

    [Fact]
    public void what_is_left_out_of_a_graph_by_its_budget_comes_last()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = AttributionGraph.Compute(tiny.Model, [CircuitTarget.Logit(12)], new() { MaxFeatures = 5 });
        var found = CircuitFaithfulness.Measure(graph, Means(tiny.Host, tiny.Set), new() { RandomOrders = 1 });
        Assert.Equal(tiny.Model.Features.Count, found.Curves[0].Nodes);
        AssertEnds(found, graph);
    }

    [Fact]
    public void where_nothing_can_be_kept_that_is_said()
    {
        using var tiny = TinyCircuit.Make(threshold: 1e6f);
        using var graph = tiny.Graph();
        var means = Means(tiny.Host, tiny.Set);
        Assert.Contains(
            "no feature fires",
            Assert.Throws<ArgumentProblemException>(() => CircuitFaithfulness.Measure(graph, means)).Message
        );
        Assert.Throws<ArgumentProblemException>(() => ReferenceMeans.Of(tiny.Host, tiny.Set, []));
        Assert.Throws<ArgumentProblemException>(() =>
            ReferenceMeans.Of(
                tiny.Host,
                tiny.Set,
                [
                    [2],
                ]
            )
        );
        Assert.Throws<ArgumentProblemException>(() => CircuitFaithfulness.Measure(graph, means, new() { RandomOrders = -1 }));
    }

    [Fact]
    public void a_prompt_of_two_tokens_has_curves()
    {
        using var tiny = TinyCircuit.Make(prompt: [2, 64], threshold: 0.6f);
        using var graph = tiny.Graph();
        AssertEnds(CircuitFaithfulness.Measure(graph, Means(tiny.Host, tiny.Set)), graph);
    }

    [Fact]
    public void a_target_that_no_feature_reaches_has_no_faithfulness()
    {
        using var tiny = TinyCircuit.Make(layers: [4]);
        var direction = Enumerable.Range(0, tiny.Host.Config.Width).Select(i => (float)Math.Sin(i)).ToArray();
        using var graph = tiny.Graph(CircuitTarget.Direction(Site.ResidMid(2), direction));
        Assert.All(
            CircuitFaithfulness.Measure(graph, Means(tiny.Host, tiny.Set)).Curves,
            curve => Assert.Equal((null, null, null), (curve.Cpr, curve.Cmd, curve.CprRange))
        );
    }

    private static ReferenceMeans Means(GemmaModel model, TranscoderSet set) => ReferenceMeans.Of(model, set, References);

    private static void AssertEnds(CircuitFaithfulnessResult found, AttributionGraph graph)
    {
        Assert.Equal(Enum.GetValues<FaithfulnessKind>().Length, found.Curves.Count);
        var total = graph.Weights.Sum();
        Assert.Equal(graph.Weights.Select((weight, i) => weight / total * graph.Value(graph.FirstTarget + i)).Sum(), found.Full, 1e-4);
        foreach (var curve in found.Curves)
        {
            Assert.Equal(FaithfulnessCurve.Sizes, curve.Points.Select(point => point.Share));
            Assert.All(curve.Points.Where(point => point.Kept == 0), point => Assert.Equal((0, 0), (point.Helpful, point.Strongest)));
            Assert.Equal(
                curve.Kind is FaithfulnessKind.Neurons
                        ? graph.Model.Transcoders.Layers.Count
                            * (graph.Model.Tokens.Length - 1)
                            * graph.Model.Model.Config.Shapes[0].MlpWidth
                    : curve.Kind is FaithfulnessKind.AsManyNeurons ? graph.Model.Features.Count
                    : curve.Nodes,
                curve.Points[^1].Kept
            );
            // Without errors, and with fewer neurons than there are, all that is kept is not the model.
            if (curve.Kind is not (FaithfulnessKind.FeaturesWithoutErrors or FaithfulnessKind.AsManyNeurons))
                Assert.Equal(1, curve.Points[^1].Helpful!.Value, 2e-3);
            Assert.Equal(
                curve.Points[^1].Helpful!.Value,
                curve.Points[^1].Strongest!.Value,
                curve.Kind is FaithfulnessKind.AsManyNeurons ? 100 : 1e-6
            );
        }
    }

    /// <summary>Each circuit again: every feature and position that is not in it is clamped, in an intervention with nothing frozen. Without
    /// errors the MLPs' outputs are put together by loops.</summary>
    private static void AssertBruteForce(AttributionGraph graph, ReferenceMeans means)
    {
        var model = graph.Model;
        var target = CircuitFaithfulness.Measured(graph).Resolve(model);
        var random = new Random(7);
        foreach (var share in (double[])[0, 0.3, 0.8])
        {
            bool[] kept = [.. model.Features.Select(_ => random.NextDouble() < share)];
            using var clamped = Intervention.Run(
                model,
                [.. Others(model, means, kept)],
                InterventionMode.Free,
                capture: [new Site(SiteKind.FinalNormOut)]
            );
            Assert.Equal(
                target.Measure(clamped),
                Value(model, target, new FeatureCircuit(model, means, errorsKept: true).Edits(kept)),
                2e-3
            );
            Assert.Equal(
                Value(model, target, Loops(model, means, kept)),
                Value(model, target, new FeatureCircuit(model, means, errorsKept: false).Edits(kept)),
                2e-3
            );
        }
    }

    private static IEnumerable<FeatureChange> Others(ReplacementModel model, ReferenceMeans means, bool[] kept)
    {
        foreach (var layer in model.Transcoders.Layers)
            for (var feature = 0; feature < model.Transcoders[layer]!.Features; feature++)
            for (var position = 1; position < model.Tokens.Length; position++)
                if (model.Find(layer, position, feature) is not { } node)
                    yield return FeatureChange.Clamp(layer, feature, 0, Positions.At(position));
                else if (!kept[node])
                    yield return FeatureChange.Clamp(layer, feature, means.Features[layer]![feature], Positions.At(position));
    }

    /// <summary>mlp_out = Σ f W + b + mean error + x W_skip, from z = x · w + b and thresholds, number by number.</summary>
    private static IReadOnlyList<Edit> Loops(ReplacementModel model, ReferenceMeans means, bool[] kept)
    {
        var (set, width, inputs) = (model.Transcoders, model.Model.Config.Width, new Dictionary<int, float[][]>());
        return
        [
            .. set.Layers.Select(layer =>
                Edit.Function(
                    set[layer]!.Input,
                    (rows, _) => inputs[layer] = [.. Enumerable.Range(0, rows.Rows).Select(i => rows.Row(i).ToArray())]
                )
            ),
            .. set.Layers.Select(layer => Edit.Function(Site.MlpOut(layer), (rows, first) => Write(layer, rows, first), 1..)),
        ];

        void Write(int target, MatrixView rows, int first)
        {
            var vector = new float[width];
            for (var i = 0; i < rows.Rows; i++)
            {
                var sum = new double[width];
                var position = first + i;
                foreach (var layer in set.Layers.Where(layer => layer <= target && set[layer]!.Writes(target)))
                {
                    using var one = Tensor.Zeros(1, width);
                    inputs[layer][position].CopyTo(one.Row(0));
                    var live = set[layer]!.Encode(one.AsMatrix(), default);
                    for (var feature = 0; feature < set[layer]!.Features; feature++)
                    {
                        var f =
                            model.Find(layer, position, feature) is not { } node ? 0
                            : kept[node] ? live.Value(0, feature)
                            : means.Features[layer]![feature];
                        if (f == 0)
                            continue;
                        set[layer]!.Decoder(target, feature, vector);
                        for (var c = 0; c < width; c++)
                            sum[c] += (double)f * vector[c];
                    }
                }
                for (var c = 0; c < width; c++)
                    sum[c] += set[target]!.DecoderBias[c] + (double)means.Errors[target]![c];
                if (set[target]!.Skip is { } skip)
                    using (var x = Tensor.Zeros(1, width))
                    using (var y = Tensor.Zeros(1, width))
                    {
                        inputs[target][position].CopyTo(x.Row(0));
                        Compute.Kernels.Multiply(x.AsMatrix(), skip, y.AsMatrix(), Arithmetic.Exact);
                        for (var c = 0; c < width; c++)
                            sum[c] += y.Row(0)[c];
                    }
                for (var c = 0; c < width; c++)
                    rows.Row(i)[c] = (float)sum[c];
            }
        }
    }

    private static double Value(ReplacementModel model, RowTarget target, IReadOnlyList<Edit> edits)
    {
        using var run = model.Model.Run(
            model.Tokens,
            capture: [new Site(SiteKind.FinalNormOut)],
            edits: edits,
            arithmetic: Arithmetic.Exact
        );
        return target.Measure(run);
    }

    /// <summary>A transcoder of layer 2 of which one feature alone writes along the direction that is measured.</summary>
    private sealed class Planted : IDisposable
    {
        public required GemmaModel Host { get; init; }
        public required TranscoderSet Set { get; init; }
        public required ReplacementModel Model { get; init; }
        public required float[] Direction { get; init; }
        public required int Feature { get; init; }

        public static Planted Make()
        {
            var host = GemmaModel.Load(Fixtures.Path("attribution", "models", "gemma3"));
            var width = host.Config.Width;
            const int features = 40;
            float[] Numbers(int seed, int count, float size)
            {
                var random = new Random(seed);
                return [.. Enumerable.Range(0, count).Select(_ => size * (random.NextSingle() - 0.5f))];
            }
            var (encoder, decoder) = (Tensor.Zeros(width, features), Tensor.Zeros(features, width));
            Numbers(1, width * features, 1.2f).CopyTo(encoder.AsSpan());
            Numbers(2, features * width, 1).CopyTo(decoder.AsSpan());
            float[] direction = Numbers(3, width, 2);
            // All others write nothing along it.
            for (var feature = 0; feature < features; feature++)
            {
                var row = decoder.Row(feature);
                TensorPrimitives.MultiplyAdd(
                    direction,
                    -TensorPrimitives.Dot<float>(row, direction) / TensorPrimitives.Dot<float>(direction, direction),
                    row,
                    row
                );
            }
            SparseDictionary Dictionary() =>
                new DictionaryParameters
                {
                    Activation = ActivationFunction.JumpRelu,
                    Encoder = encoder,
                    Decoder = decoder,
                    DecoderBias = new float[width],
                    EncoderBias = new float[features],
                    Threshold = [.. Enumerable.Repeat(0.5f, features)],
                }.ToDictionary("planted", Site.MlpIn(2), Site.MlpOut(2));
            int planted;
            using (var set = TranscoderSet.Of([Dictionary()], host.Config))
            using (var before = ReplacementModel.Of(host, set, TinyCircuit.Prompt, 1))
                planted = before.Features.Last(one => one.Position == TinyCircuit.Prompt.Length - 1).Feature;
            direction.CopyTo(decoder.Row(planted));
            var found = TranscoderSet.Of([Dictionary()], host.Config);
            return new()
            {
                Host = host,
                Set = found,
                Model = ReplacementModel.Of(host, found, TinyCircuit.Prompt, 1),
                Direction = direction,
                Feature = planted,
            };
        }

        public void Dispose()
        {
            Model.Dispose();
            Set.Dispose();
            Host.Dispose();
        }
    }
}
