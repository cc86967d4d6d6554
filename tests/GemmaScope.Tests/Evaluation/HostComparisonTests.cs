using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Tests.Models;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public sealed class HostComparisonTests : IDisposable
{
    private const string Tiny = "gemma2-f32-smallcaps";

    private const int Last = 3,
        Planted = 7;

    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Path("host", Tiny));

    public void Dispose() => _model.Dispose();

    [Fact]
    public void a_model_is_exactly_itself()
    {
        using var same = GemmaModel.Load(Fixtures.Path("host", Tiny));
        using var dictionary = Coordinates();
        var comparison = new HostComparison(_model, same, [dictionary]);
        comparison.Add(Batch(1, 2));
        var sums = comparison.Sums;
        Assert.All(sums.Residuals, at => Assert.Equal((0, 0), (at.MeanSquaredError, at.Fvu)));
        Assert.Equal(0, sums.Logits.Second.Divergence());
        Assert.Equal(0, sums.Logits.Second.DeltaLoss(sums.Logits.First));
        Assert.Equal(1, sums.Logits.TopAgreement);
        foreach (var survival in (SurvivalSums[])[sums.Dictionaries[0].Survival, sums.Dictionaries[0].Noise])
        {
            Assert.True(survival.First > 100);
            Assert.Equal((1, 1, 0, 0, 1), (survival.Survival, survival.Jaccard, survival.FlipsOff, survival.FlipsOn, survival.TopKept));
        }
    }

    /// <summary>The last norm of the last MLP cannot write one coordinate any more; all others stay what they are to the bit.</summary>
    [Fact]
    public void of_a_model_in_which_one_feature_cannot_fire_exactly_that_feature_dies()
    {
        using var folder = new ModelFolder(Tiny).Weights(tensors =>
        {
            var name = $"model.layers.{Last}.post_feedforward_layernorm.weight";
            var gain = tensors[name].ToF32();
            // Norms multiply by 1 + w.
            gain.AsSpan()[Planted] = -1;
            tensors[name] = gain;
        });
        using var other = GemmaModel.Load(folder.Path);
        using var dictionary = Coordinates();
        var comparison = new HostComparison(_model, other, [dictionary]);
        comparison.Add(Batch(1, 2, 3));
        var survival = comparison.Sums.Dictionaries[0].Survival;
        Assert.True(survival.FirstCount(Planted) > 5);
        Assert.Equal((0, 0), (survival.SecondCount(Planted), survival.BothCount(Planted)));
        Assert.Equal(0, survival.SurvivalOf(Planted));
        foreach (var feature in Enumerable.Range(0, survival.Width).Where(feature => feature != Planted))
        {
            Assert.Equal(survival.FirstCount(feature), survival.SecondCount(feature));
            Assert.Equal(survival.FirstCount(feature), survival.BothCount(feature));
            Assert.Equal(1, survival.Pearson(feature), 1e-12);
        }
        Assert.Equal(survival.First - survival.FirstCount(Planted), survival.Both);
        Assert.Equal(0, survival.FlipsOn);
        Assert.All(comparison.Sums.Residuals.Take(Last), at => Assert.Equal(0, at.MeanSquaredError));
        Assert.True(comparison.Sums.Residuals[Last].MeanSquaredError > 0);
        Assert.True(comparison.Sums.Logits.Second.Divergence() > 0);
        // As large an error, spread over all coordinates, kills nothing and flips others.
        var noise = comparison.Sums.Dictionaries[0].Noise;
        Assert.True(noise.SecondCount(Planted) > 0);
        Assert.True(noise.FlipsOn > 0);
    }

    /// <summary>Losses and likeliest tokens, recomputed from the logits of two runs.</summary>
    [Fact]
    public void losses_divergence_and_errors_are_those_of_both_runs()
    {
        using var folder = Shifted();
        using var other = GemmaModel.Load(folder.Path);
        var (batch, comparison) = (Batch(5), new HostComparison(_model, other, []));
        comparison.Add(batch);
        var ids = batch.Sequences[0];
        Site site = Site.ResidPost(1);
        using var one = _model.Run([ids], [site], logits: LogitRows.All);
        using var two = other.Run([ids], [site], logits: LogitRows.All);
        double first = 0,
            second = 0,
            divergence = 0,
            error = 0,
            norm = 0;
        var (predictions, same) = (0, 0);
        // Position 0 is BOS; the last predicts nothing.
        for (var t = 1; t < ids.Length; t++)
        {
            for (var d = 0; d < _model.Config.Width; d++)
            {
                double x = one[site].Row(t)[d];
                error += Math.Pow(two[site].Row(t)[d] - x, 2);
                norm += x * x;
            }
            if (t == ids.Length - 1)
                continue;
            var (p, q) = (LogProbabilities(one.Logits!.Row(t)), LogProbabilities(two.Logits!.Row(t)));
            first -= p[ids[t + 1]];
            second -= q[ids[t + 1]];
            divergence += p.Zip(q, (a, b) => Math.Exp(a) * (a - b)).Sum();
            same += Array.IndexOf(p, p.Max()) == Array.IndexOf(q, q.Max()) ? 1 : 0;
            predictions++;
        }
        var logits = comparison.Sums.Logits;
        Assert.Equal(predictions, logits.First.Predictions());
        Assert.Equal(first / predictions, logits.First.CrossEntropy(), 1e-5);
        Assert.Equal(second / predictions, logits.Second.CrossEntropy(), 1e-5);
        Assert.Equal(divergence / predictions, logits.Second.Divergence(), 1e-5);
        Assert.Equal((double)same / predictions, logits.TopAgreement, 1e-12);
        var residual = comparison.Sums.Residuals[1];
        Assert.Equal(error / norm, residual.MeanSquaredError / residual.MeanSquaredNorm, 1e-9);
        Assert.InRange(error / norm, 1e-6, 1);
    }

    [Fact]
    public void batches_add_up_to_the_whole_and_the_control_does_not_depend_on_them()
    {
        using var folder = Shifted();
        using var other = GemmaModel.Load(folder.Path);
        using var dictionary = Coordinates();
        HostComparison whole = new(_model, other, [dictionary]),
            parts = new(_model, other, [dictionary]);
        whole.Add(Batch(1, 2, 3));
        parts.Add(Batch(1));
        parts.Add(Batch(2, 3));
        var (a, b) = (whole.Sums.Dictionaries[0], parts.Sums.Dictionaries[0]);
        Assert.Equal((a.Survival.First, a.Survival.Second, a.Survival.Both), (b.Survival.First, b.Survival.Second, b.Survival.Both));
        Assert.Equal((a.Noise.Second, a.Noise.Both), (b.Noise.Second, b.Noise.Both));
        Assert.Equal(a.Second.Fvu, b.Second.Fvu, 1e-6);
        Assert.Equal(whole.Sums.Logits.Second.Divergence(), parts.Sums.Logits.Second.Divergence(), 1e-6);
        Assert.True(a.Survival.FlipsOff > 0);
    }

    [Fact]
    public void without_losses_no_logits_are_compared()
    {
        var comparison = new HostComparison(_model, _model, [], new() { Losses = false });
        comparison.Add(Batch(1));
        Assert.Equal(0, comparison.Sums.Logits.First.Predictions());
        Assert.Equal(19, comparison.Sums.Residuals[0].Rows);
    }

    [Fact]
    public void a_model_of_another_shape_is_refused()
    {
        using var other = GemmaModel.Load(Fixtures.Path("host", "gemma3-text"));
        Assert.Contains("layers of width", Assert.Throws<ArgumentProblemException>(() => new HostComparison(_model, other, [])).Message);
    }

    /// <summary>A model that computes a little differently from the first layer on.</summary>
    private static ModelFolder Shifted() =>
        new ModelFolder(Tiny).Weights(tensors =>
        {
            var name = "model.layers.0.mlp.up_proj.weight";
            var wide = tensors[name].ToF32();
            // Of half the neurons: a factor of all would be lost in the norm behind them.
            foreach (ref var weight in wide.AsSpan()[..(int)(wide.Length / 2)])
                weight *= 1.2f;
            tensors[name] = wide;
        });

    /// <summary>A feature for each coordinate of what the last MLP writes, which fires where that is above 0.</summary>
    private SparseDictionary Coordinates()
    {
        var width = _model.Config.Width;
        Tensor encoder = Tensor.Zeros(width, width),
            decoder = Tensor.Zeros(width, width);
        for (var i = 0; i < width; i++)
            encoder.Row(i)[i] = decoder.Row(i)[i] = 1;
        return new DictionaryParameters
        {
            Activation = ActivationFunction.Relu,
            Encoder = encoder,
            Decoder = decoder,
            DecoderBias = new float[width],
            EncoderBias = new float[width],
        }.ToDictionary("coordinates", Site.MlpOut(Last));
    }

    private static double[] LogProbabilities(ReadOnlySpan<float> logits)
    {
        double[] wide = [.. logits.ToArray()];
        var sum = Math.Log(wide.Sum(Math.Exp));
        return [.. wide.Select(logit => logit - sum)];
    }

    private static EvaluationBatch Batch(params int[] seeds) =>
        EvaluationBatch.WithSpecialIds([.. seeds.Select(Sequence)], [0, 1, 2], bos: 2);

    private static int[] Sequence(int seed)
    {
        var random = new Random(seed);
        return [2, .. Enumerable.Range(0, 19).Select(_ => random.Next(3, 300))];
    }
}
