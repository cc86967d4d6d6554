using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public sealed class LayerwiseSpliceTests : IDisposable
{
    private const int Features = 24;
    private static readonly SplicedRun[] Runs =
    [
        SplicedRun.Spliced,
        SplicedRun.SplicedBosToo,
        SplicedRun.SplicedEverywhere,
        SplicedRun.ZeroAblated,
        SplicedRun.ZeroAblatedEverywhere,
    ];

    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Path("evaluation", "spliced", "models", "gemma2"));

    private int Layers => _model.Config.Layers;

    private int Width => _model.Config.Width;

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void one_that_writes_only_its_own_layers_costs_what_transcoders_spliced_together_cost(bool skip)
    {
        Part[] parts = [.. Enumerable.Range(0, Layers).Select(l => Random(l, Layers, skip, later: false))];
        using var whole = Whole(parts, Site.MlpIn, Site.MlpOut);
        SparseDictionary[] transcoders = [.. parts.Select((part, l) => part.Alone(l))];
        var evaluator = new Evaluator(
            _model,
            [whole, .. transcoders],
            new()
            {
                Runs = Runs,
                Uniformity = false,
                Sets = [new("whole", [0]), new("stacked", [.. Enumerable.Range(1, Layers)])],
            }
        );
        evaluator.Add(Batch());
        var (one, stacked) = (evaluator.Sums.Sets[0], evaluator.Sums.Sets[1]);
        foreach (var run in Runs)
        {
            Assert.Equal(stacked.Runs[run].Total.CrossEntropy(), one.Runs[run].Total.CrossEntropy());
            Assert.Equal(stacked.Runs[run].Total.Divergence(), one.Runs[run].Total.Divergence());
            Assert.NotEqual(0, one.Runs[run].Total.DeltaLoss(evaluator.Sums.Clean.Total));
        }
        Assert.Equal(stacked.Inside.Sum(inside => inside.Sparsity.L0), one.Inside[0].Sparsity.L0, 1e-9);
        Assert.Equal(
            stacked.Inside.Sum(inside => inside.Reconstruction.MeanSquaredError),
            one.Inside[0].Reconstruction.MeanSquaredError,
            1e-6
        );
        Assert.InRange(one.Inside[0].Sparsity.L0, 1, Layers * Features - 1);
    }

    [Fact]
    public void a_target_gets_what_all_layers_up_to_it_made_of_the_run_as_it_is()
    {
        using var whole = Whole(
            [.. Enumerable.Range(0, Layers).Select(l => Random(l, Layers, skip: true, later: true))],
            Site.MlpIn,
            Site.MlpOut
        );
        var batch = Batch();
        using var spliced = _model.Run(batch.Sequences, edits: Splice.Edits(SplicedRun.Spliced, [whole], batch), logits: LogitRows.All);

        // The same from the whole dictionary's own encoding and decoding of a row, of which only the part up to the target is filled.
        using var x = Tensor.Zeros(batch.Rows, Layers * Width);
        var edits = Enumerable
            .Range(0, Layers)
            .SelectMany(l =>
                (Edit[])
                    [
                        Edit.OfAllSequences(
                            Site.MlpIn(l),
                            rows => Copy(rows, x.AsMatrix().SliceColumns(l * Width, Width), batch.Everywhere)
                        ),
                        Edit.OfAllSequences(
                            Site.MlpOut(l),
                            rows =>
                            {
                                using var all = whole.Decode(whole.Encode(x.AsMatrix()), x.AsMatrix());
                                Copy(all.AsMatrix().SliceColumns(l * Width, Width), rows, batch.Counted);
                            }
                        ),
                    ]
            );
        using var want = _model.Run(batch.Sequences, edits: edits, logits: LogitRows.All);
        AssertSame(want.Logits!, spliced.Logits!);

        // Which is another thing than what it makes of the clean run.
        using var clean = _model.Run(batch.Sequences, capture: [.. whole.InputSites], logits: LogitRows.All);
        using var read = SparseDictionary.Beside(clean, whole.InputSites);
        using var reconstruction = whole.Decode(whole.Encode(read.AsMatrix()), read.AsMatrix());
        using var outside = _model.Run(
            batch.Sequences,
            edits: Enumerable
                .Range(0, Layers)
                .Select(l =>
                    Edit.OfAllSequences(
                        Site.MlpOut(l),
                        rows => Copy(reconstruction.AsMatrix().SliceColumns(l * Width, Width), rows, batch.Counted)
                    )
                ),
            logits: LogitRows.All
        );
        Assert.True(Distance(outside.Logits!, want.Logits!) > 0.01);
    }

    [Fact]
    public void a_crosscoder_that_repeats_what_it_reads_costs_nothing()
    {
        using var identity = Whole([.. Enumerable.Range(0, Layers).Select(l => Identity(l))], Site.ResidPost, Site.ResidPost);
        var evaluator = new Evaluator(
            _model,
            [identity],
            new() { Runs = [SplicedRun.SplicedEverywhere, SplicedRun.ZeroAblated], Uniformity = false }
        );
        evaluator.Add(Batch());
        var runs = evaluator.Sums.Sets[0].Runs;
        Assert.Equal(0, runs[SplicedRun.SplicedEverywhere].Total.DeltaLoss(evaluator.Sums.Clean.Total));
        Assert.NotEqual(0, runs[SplicedRun.ZeroAblated].Total.DeltaLoss(evaluator.Sums.Clean.Total));
    }

    [Fact]
    public void a_layer_reads_what_an_earlier_one_left()
    {
        // The first puts zeros in place; the second repeats what the run has at its site after that.
        var (silent, identity) = (Identity(0, gain: 0), Identity(1));
        using var dictionary = Whole([silent, identity], Site.ResidPost, Site.ResidPost);
        var batch = Batch();
        using var spliced = _model.Run(
            batch.Sequences,
            edits: Splice.Edits(SplicedRun.SplicedEverywhere, [dictionary], batch),
            logits: LogitRows.All
        );
        using var want = _model.Run(batch.Sequences, edits: [Edit.Zero(Site.ResidPost(0))], logits: LogitRows.All);
        AssertSame(want.Logits!, spliced.Logits!);
    }

    [Fact]
    public void what_would_need_later_activations_is_not_spliced()
    {
        Part[] parts = [.. Enumerable.Range(0, 2).Select(l => Random(l, 2, skip: false, later: true))];
        using var backwards = Whole(parts, l => Site.ResidPost(1 - l), l => Site.ResidPost(1 - l));
        using var early = Whole(parts, Site.MlpOut, Site.MlpIn);
        foreach (var one in (SparseDictionary[])[backwards, early])
        {
            Assert.False(Evaluator.CanSplice(one));
            Assert.Contains(
                "computed later",
                Assert.Throws<ArgumentProblemException>(() => new Evaluator(_model, [one], new() { Sets = [new("one", [0])] })).Message
            );
        }
    }

    /// <summary>One layer's parameters, towards itself and the layers after it.</summary>
    private sealed record Part(Tensor Encoder, float[] Bias, float[] Threshold, Tensor[] Decoders, float[] DecoderBias, Tensor? Skip)
    {
        public SparseDictionary Alone(int layer) =>
            new DictionaryParameters
            {
                Activation = ActivationFunction.JumpRelu,
                Encoder = Encoder,
                EncoderBias = Bias,
                Threshold = Threshold,
                Decoder = Decoders[0],
                DecoderBias = DecoderBias,
                Skip = Skip,
            }.ToDictionary($"transcoder {layer}", Site.MlpIn(layer), Site.MlpOut(layer));

        public LayerBlock Block(int layer, int start) =>
            new(
                new FeatureEncoder(
                    WeightView.Of(Encoder, WeightLayout.InOut),
                    new ThresholdSelector(ActivationFunction.JumpRelu, Bias, Threshold, keepNegative: true)
                ),
                start,
                [
                    .. Enumerable.Repeat<DecoderRows?>(null, layer),
                    .. Decoders.Select(decoder => new DecoderRows(decoder, 0, decoder.Columns, (int)decoder.Columns)),
                ],
                DecoderBias,
                Skip is null ? null : WeightView.Of(Skip, WeightLayout.InOut)
            );
    }

    private static MultiLayerDictionary Whole(Part[] parts, Func<int, Site> reads, Func<int, Site> writes)
    {
        Site[] inputs = [.. parts.Select((_, l) => reads(l))],
            outputs = [.. parts.Select((_, l) => writes(l))];
        var kind = inputs.SequenceEqual(outputs) ? DictionaryKind.Crosscoder : DictionaryKind.CrossLayerTranscoder;
        var origin = new DictionaryOrigin
        {
            Path = "test",
            Layers = [.. parts.Select((_, l) => l)],
            Type = DType.F32,
        };
        return new(
            new DictionaryDescription("whole", "own", kind, inputs, outputs, origin, [], new MemoryStream()),
            [.. parts.Select((part, l) => part.Block(l, parts[..l].Sum(before => (int)before.Encoder.Columns)))]
        );
    }

    private Part Random(int layer, int layers, bool skip, bool later)
    {
        var random = new Random(layer + 1);
        float[] Values(int count, double scale, double mean = 0) =>
            [.. Enumerable.Range(0, count).Select(_ => (float)(mean + scale * (2 * random.NextDouble() - 1)))];
        Tensor Matrix(int rows, int columns, double scale) => Tensor.From(Values(rows * columns, scale), rows, columns);
        return new(
            Matrix(Width, Features, 0.3),
            Values(Features, 0.1),
            Values(Features, 0.1, mean: 0.2),
            [
                .. Enumerable
                    .Range(0, layers - layer)
                    .Select(t => t == 0 || later ? Matrix(Features, Width, 0.3) : Tensor.Zeros(Features, Width)),
            ],
            Values(Width, 0.1),
            skip ? Matrix(Width, Width, 0.1) : null
        );
    }

    /// <summary>x = max(x, 0) − max(−x, 0), towards its own layer.</summary>
    private Part Identity(int layer, float gain = 1)
    {
        Tensor encoder = Tensor.Zeros(Width, 2 * Width),
            decoder = Tensor.Zeros(2 * Width, Width);
        for (var i = 0; i < Width; i++)
        {
            (encoder.Row(i)[i], encoder.Row(i)[Width + i]) = (1, -1);
            (decoder.Row(i)[i], decoder.Row(Width + i)[i]) = (gain, -gain);
        }
        return new(
            encoder,
            new float[2 * Width],
            new float[2 * Width],
            [decoder, .. Enumerable.Range(layer + 1, Layers - layer - 1).Select(_ => Tensor.Zeros(2 * Width, Width))],
            new float[Width],
            null
        );
    }

    private static EvaluationBatch Batch()
    {
        var random = new Random(5);
        int[][] sequences =
        [
            .. Enumerable.Range(0, 3).Select(s => (int[])[2, .. Enumerable.Range(0, 12 + s).Select(_ => random.Next(3, 200))]),
        ];
        return EvaluationBatch.WithSpecialIds(sequences, [0, 1, 2], bos: 2);
    }

    private static void Copy(MatrixView from, MatrixView to, bool[] where)
    {
        for (var row = 0; row < from.Rows; row++)
            if (where[row])
                from.Row(row).CopyTo(to.Row(row));
    }

    private static void AssertSame(Tensor want, Tensor got) => Assert.Equal(0, Distance(want, got), 1e-5);

    private static double Distance(Tensor a, Tensor b)
    {
        double worst = 0;
        for (var i = 0; i < a.AsSpan().Length; i++)
            worst = Math.Max(worst, Math.Abs(a.AsSpan()[i] - b.AsSpan()[i]));
        return worst;
    }
}
