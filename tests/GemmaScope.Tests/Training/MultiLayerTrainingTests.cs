using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Training;
using Xunit;
using Tensor = GemmaScope.Numerics.Tensor;

namespace GemmaScope.Tests.Training;

public class MultiLayerTrainingTests
{
    private const int Layers = 3,
        Width = 16,
        Features = 40,
        Rows = 64;

    private static readonly double[] InputScales = [0.5, 2, 7],
        OutputScales = [3, 0.25, 11];

    private static readonly Recipe Recipe = new()
    {
        LearningRate = 3e-3,
        WarmupSteps = 2,
        Lambda = 0.01,
        LambdaWarmupSteps = 4,
        Epsilon = 0.05,
        ThresholdStart = 0.2,
        DecoderBiasStart = DecoderBiasStart.Mean,
    };

    public static TheoryData<bool, bool, bool> Kinds =>
        new()
        {
            { false, false, false },
            { false, true, true },
            { true, false, true },
            { true, true, false },
        };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void a_dictionary_of_raw_rows_does_what_the_trainer_does_and_survives_its_files(bool reconstructs, bool log, bool skip)
    {
        using var trainer = Trained(
            Recipe with
            {
                LogThreshold = log,
                Skip = skip,
            },
            TrainerShape.CrossLayer(Width, [Features, 30, 35], reconstructs),
            8
        );
        var (inputScales, outputScales) = (InputScales, reconstructs ? InputScales : OutputScales);
        var inputs = Enumerable.Range(4, Layers).Select(l => reconstructs ? Site.ResidPost(l) : Site.MlpIn(l)).ToArray();
        var outputs = Enumerable.Range(4, Layers).Select(l => reconstructs ? Site.ResidPost(l) : Site.MlpOut(l)).ToArray();
        using var dictionary = trainer.ToDictionary("trained", inputScales, outputScales, inputs, outputs);
        Assert.Equal(reconstructs ? DictionaryKind.Crosscoder : DictionaryKind.CrossLayerTranscoder, dictionary.Kind);
        using var folder = new TemporaryFolder();
        DictionaryWriter.Write(dictionary, folder.File("dictionary"), DictionaryForm.Scope2);
        using var loaded = SparseDictionary.Load(folder.File("dictionary"));
        Assert.Equal(dictionary.Kind, loaded.Kind);
        Assert.Equal(inputs, loaded.InputSites);
        Assert.Equal(outputs, loaded.OutputSites);
        foreach (var one in (SparseDictionary[])[dictionary, loaded])
            DoesTheSame(trainer, one, inputScales, outputScales, feature => inputScales[((MultiLayerDictionary)one).BlockOf(feature)]);
    }

    [Fact]
    public void a_crosscoder_with_one_feature_space_becomes_a_dictionary_too()
    {
        var recipe = Recipe with
        {
            Architecture = Architecture.Relu,
            Sparsity = SparsityTerm.L1,
            NormWeighted = true,
            SumLayerNorms = true,
            UnitNormDecoder = false,
            ProjectDecoderGradient = false,
        };
        using var trainer = Trained(recipe, TrainerShape.Crosscoder(Layers, Width, Features), 8);
        var sites = Enumerable.Range(0, Layers).Select(Site.ResidPost).ToArray();
        using var dictionary = trainer.ToDictionary("trained", InputScales, InputScales, sites, sites);
        Assert.Equal(DictionaryKind.Crosscoder, dictionary.Kind);
        DoesTheSame(trainer, dictionary, InputScales, InputScales, _ => 1);
    }

    /// <summary>METHODS §8, test 8.</summary>
    [Fact]
    public void with_decoders_to_their_own_layers_only_it_trains_like_transcoders_side_by_side()
    {
        var own = new TrainerShape(
            Layers * Width,
            Layers * Width,
            Layers,
            false,
            [.. Enumerable.Range(0, Layers).Select(l => new FeatureBlock(Features, l * Width, Width, l * Width, Width))]
        );
        var recipe = Recipe with { Skip = true };
        using var together = DictionaryTrainer.Create(recipe, own, 1);
        var alone = Enumerable
            .Range(0, Layers)
            .Select(l => DictionaryTrainer.Create(recipe, TrainerShape.Transcoder(Width, Width, Features), (ulong)l + 5))
            .ToArray();
        for (var l = 0; l < Layers; l++)
        {
            alone[l].Parameters.Encoder[0].Values.AsSpan().CopyTo(together.Parameters.Encoder[l].Values.AsSpan());
            alone[l].Parameters.Decoder[0].Values.AsSpan().CopyTo(together.Parameters.Decoder[l].Values.AsSpan());
        }
        var (x, y) = Batch(false);
        for (var step = 0; step < 6; step++)
        {
            var report = together.Train(x.AsMatrix(), y.AsMatrix());
            var parts = alone
                .Select((one, l) => one.Train(x.AsMatrix().SliceColumns(l * Width, Width), y.AsMatrix().SliceColumns(l * Width, Width)))
                .ToArray();
            Assert.Equal(parts.Sum(part => part.Total), report.Total, 1e-5 * report.Total);
            Assert.Equal(parts.Sum(part => part.L0), report.L0, 1e-9);
            Assert.True(report.L0 > 1);
        }
        for (var l = 0; l < Layers; l++)
        {
            var (one, start) = (alone[l].Parameters, l * Features);
            Close(one.Encoder[0].Values.AsSpan(), together.Parameters.Encoder[l].Values.AsSpan());
            Close(one.Decoder[0].Values.AsSpan(), together.Parameters.Decoder[l].Values.AsSpan());
            Close(one.Skip[0].Values.AsSpan(), together.Parameters.Skip[l].Values.AsSpan());
            Close(one.Threshold!.Values.AsSpan(), together.Parameters.Threshold!.Values.AsSpan().Slice(start, Features));
            Close(one.EncoderBias.Values.AsSpan(), together.Parameters.EncoderBias.Values.AsSpan().Slice(start, Features));
            alone[l].Dispose();
        }
    }

    [Fact]
    public void a_crosscoder_with_one_feature_space_is_not_written_under_the_name_of_one_site()
    {
        using var trainer = DictionaryTrainer.Create(Recipe, TrainerShape.Crosscoder(Layers, Width, Features), 1);
        var sites = Enumerable.Range(0, Layers).Select(Site.ResidPost).ToArray();
        using var dictionary = trainer.ToDictionary("trained", InputScales, InputScales, sites, sites);
        using var folder = new TemporaryFolder();
        foreach (var form in Enum.GetValues<DictionaryForm>())
            Assert.Contains(
                "3 sites at once",
                Assert.Throws<ArgumentProblemException>(() => DictionaryWriter.Write(dictionary, folder.File("dictionary"), form)).Message
            );
    }

    [Fact]
    public void a_report_says_how_each_layer_does()
    {
        using var trainer = Trained(Recipe, TrainerShape.CrossLayer(Width, [Features, Features, Features], false), 2);
        var (x, y) = Batch(false);
        y.Row(0).Slice(Width, Width).Fill(9);
        var report = trainer.Train(x.AsMatrix(), y.AsMatrix());
        double[] errors = [.. Enumerable.Range(0, Layers).Select(l => report.Parts[$"mse_layer_{l}"])],
            shares = [.. Enumerable.Range(0, Layers).Select(l => report.Parts[$"fvu_layer_{l}"])];
        Assert.Equal(report.Mse, errors.Sum(), 1e-5 * report.Mse);
        Assert.Equal(report.Fvu, errors.Sum() / errors.Zip(shares, (error, share) => error / share).Sum(), 1e-5);
        Assert.True(errors[1] > 5 * errors[0] && errors[1] > 5 * errors[2]);
    }

    [Fact]
    public void the_target_of_l0_may_begin_higher_and_fall()
    {
        var recipe = Recipe with { Sparsity = SparsityTerm.L0Target, L0Target = 10, L0TargetStart = 40, L0TargetSteps = 30 };
        Assert.Equal([40, 25, 11, 10, 10], new long[] { 0, 15, 29, 30, 1000 }.Select(step => Schedules.L0Target(recipe, step)));
        var shape = TrainerShape.CrossLayer(Width, [Features, Features, Features], false);
        using var falling = DictionaryTrainer.Create(recipe, shape, 1);
        using var high = DictionaryTrainer.Create(recipe with { L0Target = 40, L0TargetStart = null }, shape, 1);
        var (x, y) = Batch(false);
        Assert.Equal(high.Train(x.AsMatrix(), y.AsMatrix()).Sparsity, falling.Train(x.AsMatrix(), y.AsMatrix()).Sparsity);
        Assert.NotEqual(high.Train(x.AsMatrix(), y.AsMatrix()).Sparsity, falling.Train(x.AsMatrix(), y.AsMatrix()).Sparsity);
    }

    [Fact]
    public void features_of_all_layers_begin_equally_far_from_their_thresholds()
    {
        using var trainer = DictionaryTrainer.Create(
            Recipe with
            {
                EncoderStartScale = 0.7,
            },
            TrainerShape.CrossLayer(Width, [Features, Features, Features], true),
            1
        );
        foreach (var encoder in trainer.Parameters.Encoder)
            for (var i = 0; i < Features; i++)
                Assert.Equal(0.7, TensorPrimitives.Norm<float>(encoder.Values.Row(i)), 1e-5);
    }

    [Fact]
    public void the_triangle_of_earlier_layers_is_never_allocated()
    {
        using var trainer = DictionaryTrainer.Create(Recipe, TrainerShape.CrossLayer(Width, [Features, Features, Features], false), 1);
        Assert.Equal([3 * Width, 2 * Width, Width], trainer.Parameters.Decoder.Select(decoder => decoder.Values.Columns));
    }

    [Fact]
    public void a_trained_transcoder_of_all_layers_can_be_evaluated_on_the_model()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-pt"));
        Site[] inputs = [.. Enumerable.Range(0, model.Config.Layers).Select(Site.MlpIn)],
            outputs = [.. Enumerable.Range(0, model.Config.Layers).Select(Site.MlpOut)];
        int[][] sequences =
        [
            model.Tokenizer.Encode("The president of the United States said that the weather would be cold.", addBos: true),
        ];
        using var run = model.Run(sequences, capture: [.. inputs, .. outputs], logits: LogitRows.None);
        using Tensor rawX = SparseDictionary.Beside(run, inputs),
            rawY = SparseDictionary.Beside(run, outputs);
        var (x, y) = (rawX.AsMatrix().SliceRows(1, (int)rawX.Rows - 1), rawY.AsMatrix().SliceRows(1, (int)rawY.Rows - 1));
        var (inputScales, outputScales) = (Normalise(x, inputs.Length), Normalise(y, outputs.Length));

        var width = model.Config.Width;
        using var trainer = DictionaryTrainer.Create(
            Recipe with
            {
                Lambda = 1e-4,
                ThresholdStart = 0.1,
            },
            TrainerShape.CrossLayer(width, [.. Enumerable.Repeat(48, inputs.Length)], false),
            1
        );
        for (var step = 0; step < 30; step++)
            trainer.Train(x, y);
        using var dictionary = trainer.ToDictionary("trained", inputScales, outputScales, inputs, outputs);
        var evaluator = new Evaluator(model, [dictionary]);
        evaluator.Add(
            EvaluationBatch.WithSpecialIds(sequences, [model.Config.BosId], model.Config.BosId),
            TestContext.Current.CancellationToken
        );

        // The trainer's own numbers on the same rows, which are all but BOS, at the scale of the model.
        using var own = trainer.Gradients(x, y);
        double error = 0;
        for (var row = 0; row < y.Rows; row++)
        for (var i = 0; i < y.Columns; i++)
            error += Math.Pow(outputScales[i / width] * (y.Row(row)[i] - own.Reconstruction.Row(row)[i]), 2) / y.Rows;
        var sums = evaluator.Sums.Dictionaries[0];
        Assert.True(own.Report.L0 > 1);
        Assert.Equal(own.Report.L0, sums.Sparsity.L0, 1e-9);
        Assert.Equal(error, sums.Reconstruction.MeanSquaredError, 1e-4 * error);
        Assert.InRange(own.Report.Fvu, 0, 1);
    }

    private static DictionaryTrainer Trained(Recipe recipe, TrainerShape shape, int steps)
    {
        var trainer = DictionaryTrainer.Create(recipe, shape, 3);
        var (x, y) = Batch(shape.Reconstructs);
        trainer.Prepare(y.AsMatrix());
        for (var step = 0; step < steps; step++)
            trainer.Train(x.AsMatrix(), y.AsMatrix());
        return trainer;
    }

    /// <summary>Rows of all layers, each layer of unit mean square.</summary>
    private static (Tensor X, Tensor Y) Batch(bool reconstructs)
    {
        var x = TrainingSamples.Normal(new Random(1), Rows, Layers * Width);
        TensorPrimitives.Multiply(x.AsSpan(), MathF.Sqrt(Layers), x.AsSpan());
        if (reconstructs)
            return (x, x);
        var y = TrainingSamples.Normal(new Random(2), Rows, Layers * Width);
        TensorPrimitives.Add(x.AsSpan(), y.AsSpan(), y.AsSpan());
        return (x, y);
    }

    private static void DoesTheSame(
        DictionaryTrainer trainer,
        SparseDictionary dictionary,
        double[] inputScales,
        double[] outputScales,
        Func<int, double> factor
    )
    {
        var (x, y) = Batch(trainer.Shape.Reconstructs);
        using var own = trainer.Gradients(x.AsMatrix(), y.AsMatrix());
        using var raw = Tensor.Uninitialized(Rows, Layers * Width);
        Scaled(x.AsMatrix(), inputScales, raw.AsMatrix());
        var features = dictionary.Encode(raw.AsMatrix());
        Assert.True(features.Count > Rows);
        for (var row = 0; row < Rows; row++)
        {
            Assert.Equal(own.Features.Indices(row).ToArray(), features.Indices(row).ToArray());
            Close(
                [.. own.Features.Values(row).ToArray().Select((f, i) => (float)(f * factor(own.Features.Indices(row)[i])))],
                features.Values(row)
            );
        }
        using var decoded = dictionary.Decode(features, raw.AsMatrix());
        using var want = Tensor.Uninitialized(Rows, Layers * Width);
        Scaled(own.Reconstruction.AsMatrix(), outputScales, want.AsMatrix());
        for (var layer = 0; layer < Layers; layer++)
        for (var row = 0; row < Rows; row++)
            Close(want.Row(row).Slice(layer * Width, Width), decoded.Row(row).Slice(layer * Width, Width));
    }

    private static void Scaled(MatrixView rows, double[] scales, MatrixView result)
    {
        for (var layer = 0; layer < Layers; layer++)
        for (var row = 0; row < rows.Rows; row++)
            TensorPrimitives.Multiply(
                rows.Row(row).Slice(layer * Width, Width),
                (float)scales[layer],
                result.Row(row).Slice(layer * Width, Width)
            );
    }

    /// <summary>Divides each layer by the root of its mean squared norm.</summary>
    private static double[] Normalise(MatrixView rows, int layers)
    {
        var (scales, width) = (new double[layers], rows.Columns / layers);
        for (var layer = 0; layer < layers; layer++)
        {
            for (var row = 0; row < rows.Rows; row++)
                scales[layer] += TensorPrimitives.SumOfSquares<float>(rows.Row(row).Slice(layer * width, width)) / rows.Rows;
            scales[layer] = Math.Sqrt(scales[layer]);
            for (var row = 0; row < rows.Rows; row++)
                TensorPrimitives.Divide(
                    rows.Row(row).Slice(layer * width, width),
                    (float)scales[layer],
                    rows.Row(row).Slice(layer * width, width)
                );
        }
        return scales;
    }

    private static void Close(ReadOnlySpan<float> want, ReadOnlySpan<float> got)
    {
        Assert.Equal(want.Length, got.Length);
        float scale = 1e-6f,
            worst = 0;
        for (var i = 0; i < want.Length; i++)
            (scale, worst) = (Math.Max(scale, Math.Abs(want[i])), Math.Max(worst, Math.Abs(want[i] - got[i])));
        Assert.True(worst <= 1e-5f * scale, $"{worst / scale:g3}");
    }
}
