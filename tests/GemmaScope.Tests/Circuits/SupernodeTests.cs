using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Circuits;

/// <summary>Features that play one role: planted ones are found, and independent ones stay apart.</summary>
public sealed class SupernodeTests
{
    private const int Layer = 1,
        Features = 12;

    private static readonly int[] Copies = [3, 7, 10];

    [Fact]
    public void a_feature_that_was_split_into_near_copies_is_put_together_again()
    {
        using var planted = new Planted(copies: true);
        var found = planted.Find();
        var groups = found.Where(one => one.Nodes.Any(planted.IsCopy)).ToArray();
        Assert.NotEmpty(groups);
        Assert.All(
            groups,
            group =>
            {
                // All three of one position and nothing else.
                Assert.Equal(Copies, group.Nodes.Select(node => planted.Graph.Feature(node).Feature).Order());
                Assert.Single(group.Nodes.Select(node => planted.Graph.Feature(node).Position).Distinct());
                Assert.True(group.IsValidated, $"{group}");
                Assert.InRange(group.StandIn, 0.7, 1);
                Assert.True(group.ControlMean < group.StandIn - 0.3, $"{group}");
                Assert.InRange(group.CoFiring, 0.95, 1);
                Assert.InRange(group.EdgeSimilarity, 0.9, 1);
                Assert.InRange(group.Agreement, 0.9, 1);
            }
        );
        // At every position where they fire.
        Assert.Equal(planted.Graph.Model.Features.Count(one => one.Layer == Layer && one.Feature == Copies[0]), groups.Length);
    }

    [Fact]
    public void independent_features_are_not_put_together()
    {
        using var random = new Planted(copies: false);
        Assert.DoesNotContain(random.Find(), one => one.IsValidated);
    }

    [Fact]
    public void features_that_fire_alike_and_do_different_things_are_not_put_together()
    {
        using var planted = new Planted(copies: true, sameDecoders: false);
        Assert.DoesNotContain(planted.Find(), one => one.IsValidated && one.Nodes.Any(planted.IsCopy));
    }

    [Fact]
    public void positions_are_mixed_only_where_that_is_asked_for()
    {
        using var planted = new Planted(copies: true);
        int Positions(ProposedSupernode one) => one.Nodes.Select(node => planted.Graph.Feature(node).Position).Distinct().Count();
        Assert.All(planted.Find(), one => Assert.Equal(1, Positions(one)));
        Assert.Contains(
            planted.Find(
                new()
                {
                    AcrossPositions = true,
                    Threshold = 0.2,
                    Controls = 1,
                }
            ),
            one => Positions(one) > 1
        );
    }

    [Fact]
    public void what_cannot_be_is_refused_before_anything_is_run()
    {
        using var planted = new Planted(copies: true);
        foreach (
            var wrong in (SupernodeOptions[])
                [
                    new() { Threshold = 0 },
                    new() { Threshold = 1.1 },
                    new() { MostFeatures = 1 },
                    new() { Controls = 0 },
                    new() { LeastTokens = 0 },
                ]
        )
            Assert.Throws<ArgumentProblemException>(() => planted.Find(wrong));
        Assert.Throws<ArgumentProblemException>(() => planted.Together([new(Layer, Features)]));
        Assert.Throws<ArgumentProblemException>(() => planted.Together([new(99, 0)]));
    }

    [Fact]
    public void correlation_is_that_of_the_activations_over_all_tokens_that_count()
    {
        using var planted = new Planted(copies: true);
        CircuitFeature[] features = [new(Layer, Copies[0]), new(Layer, Copies[1]), new(Layer, 5), new(3, 7)];
        var together = planted.Together(features);
        // By hand, from the dictionaries themselves.
        double[][] values = [.. features.Select(_ => new double[planted.Texts.Sum(text => text.Length - 1)])];
        var row = 0;
        foreach (var text in planted.Texts)
        {
            using var run = planted.Host.Run(text, capture: [new(SiteKind.MlpIn, Layer), new(SiteKind.MlpIn, 3)]);
            for (var i = 0; i < features.Length; i++)
            {
                var site = new Site(SiteKind.MlpIn, features[i].Layer);
                var encoded = planted.Set.Dictionaries[features[i].Layer].Encode(run[site].AsMatrix());
                for (var position = 1; position < text.Length; position++)
                    values[i][row + position - 1] = encoded.Value(position, features[i].Feature);
            }
            row += text.Length - 1;
        }
        Assert.Equal(row, together.Tokens);
        for (var i = 0; i < features.Length; i++)
        {
            Assert.Equal(values[i].Count(value => value != 0), together.Fired(features[i]));
            for (var j = 0; j < features.Length; j++)
                if (Correlation.Pearson(values[i], values[j]) is { } expected)
                    Assert.Equal(expected, together.Correlation(features[i], features[j])!.Value, 1e-6);
        }
    }

    [Fact]
    public void average_linkage_joins_what_is_most_alike_first_and_never_what_is_unknown()
    {
        double?[,] alike =
        {
            { null, 0.9, 0.6, null, 0.1 },
            { 0.9, null, 0.5, null, 0.1 },
            { 0.6, 0.5, null, 0.9, 0.1 },
            { null, null, 0.9, null, 0.1 },
            { 0.1, 0.1, 0.1, 0.1, null },
        };
        var groups = AverageLinkage.Groups(5, (a, b) => alike[a, b], 0.5);
        Assert.Equal(
            [
                [0, 1],
                [2, 3],
            ],
            groups
        );
        // 2 is more alike to 0 and 1 than the threshold, on average.
        Assert.Equal(
            [
                [0, 1, 2],
            ],
            AverageLinkage.Groups(3, (a, b) => alike[a, b], 0.55)
        );
        Assert.Empty(AverageLinkage.Groups(5, (a, b) => alike[a, b], 0.95));
    }

    /// <summary>The tiny model with random transcoders; in one layer a feature may be split into three.</summary>
    private sealed class Planted : IDisposable
    {
        public Planted(bool copies, bool sameDecoders = true)
        {
            Host = GemmaModel.Load(Fixtures.Path("attribution", "models", "gemma3"));
            Set = TranscoderSet.Of(
                [
                    .. Enumerable
                        .Range(0, Host.Config.Layers)
                        .Select(layer => Transcoder(layer, Host.Config.Width, copies && layer == Layer, sameDecoders)),
                ],
                Host.Config
            );
            Model = ReplacementModel.Of(Host, Set, TinyCircuit.Prompt, 1);
            Graph = AttributionGraph.Compute(Model, CircuitTarget.TopLogits(Model));
            var random = new Random(5);
            Texts = [.. Enumerable.Range(0, 30).Select(_ => (int[])[2, .. Enumerable.Range(0, 15).Select(_ => random.Next(12, 112))])];
        }

        public GemmaModel Host { get; }

        public TranscoderSet Set { get; }

        public ReplacementModel Model { get; }

        public AttributionGraph Graph { get; }

        public int[][] Texts { get; }

        public bool IsCopy(int node) => Graph.Feature(node) is var one && one.Layer == Layer && Copies.Contains(one.Feature);

        public CoActivation Together(IReadOnlyList<CircuitFeature> features) =>
            CoActivation.Measure(Host, Set, features, Texts.Chunk(8).Select(some => EvaluationBatch.WithSpecialIds(some, [2], 2)));

        public IReadOnlyList<ProposedSupernode> Find(SupernodeOptions? options = null)
        {
            var nodes = Enumerable.Range(0, Graph.FeatureCount).ToArray();
            return SupernodeProposal.Find(
                Graph,
                nodes,
                Together([.. nodes.Select(node => new CircuitFeature(Graph.Feature(node).Layer, Graph.Feature(node).Feature))]),
                options
            );
        }

        public void Dispose()
        {
            Graph.Dispose();
            Model.Dispose();
            Set.Dispose();
            Host.Dispose();
        }

        /// <summary>A transcoder of independent features: their encoders are orthogonal, and so are their decoders. Of three copies the
        /// others are nearly the first, and each may write what it likes.</summary>
        private static SparseDictionary Transcoder(int layer, int width, bool copies, bool sameDecoders)
        {
            var random = new Random(layer + 1);
            var (encoder, decoder) = (Tensor.Zeros(width, Features), Tensor.Zeros(Features, width));
            var (read, written) = (Orthogonal(random, width), Orthogonal(random, width));
            for (var feature = 0; feature < Features; feature++)
            {
                var original = copies && Copies.Contains(feature) ? Copies[0] : feature;
                for (var i = 0; i < width; i++)
                {
                    encoder.Row(i)[feature] = read[original][i] * Near();
                    decoder.Row(feature)[i] = written[sameDecoders ? original : feature][i] * Near() * 1.5f;
                }

                float Near() => original == feature ? 1 : 1 + 0.1f * (random.NextSingle() - 0.5f);
            }
            return new DictionaryParameters
            {
                Activation = ActivationFunction.JumpRelu,
                Encoder = encoder,
                Decoder = decoder,
                DecoderBias = new float[width],
                EncoderBias = new float[Features],
                Threshold = [.. Enumerable.Repeat(0.5f, Features)],
            }.ToDictionary($"layer {layer}", new Site(SiteKind.MlpIn, layer), Site.MlpOut(layer));
        }

        /// <summary>Orthonormal vectors (Gram and Schmidt).</summary>
        private static float[][] Orthogonal(Random random, int width)
        {
            var made = new List<float[]>();
            for (var k = 0; k < Math.Min(Features, width); k++)
            {
                float[] one = [.. Enumerable.Range(0, width).Select(_ => random.NextSingle() - 0.5f)];
                foreach (var other in made)
                {
                    var part = one.Zip(other, (a, b) => a * b).Sum();
                    one = [.. one.Zip(other, (a, b) => a - part * b)];
                }
                var norm = MathF.Sqrt(one.Sum(value => value * value));
                made.Add(Array.ConvertAll(one, value => value / norm));
            }
            return [.. made];
        }
    }
}
