using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// Gives dead features a new beginning at rows that are reconstructed badly: each takes the direction of a row, drawn without replacement
/// with probability in proportion to its squared loss, for its decoder vector, and for its encoder vector at a fraction of the mean norm of
/// the living ones; its bias becomes 0 and its threshold that of the start (Bricken et al., Towards Monosemanticity, 2023). Second moments
/// become the mean of the living features' instead of 0, from which Adam's next step would be thirty times as long as the others.
/// </summary>
internal sealed class Resampling(
    Recipe recipe,
    TrainerShape shape,
    TrainerParameters parameters,
    Firing firing,
    Counters lastUpdates,
    ulong seed
)
{
    /// <summary>Whether dead features are resampled after a step.</summary>
    /// <param name="step">The step, from 0.</param>
    public bool IsDue(long step) =>
        recipe.ResampleEvery is { } every && (step + 1) % every == 0 && step + 1 <= (recipe.ResampleUntil ?? long.MaxValue);

    /// <summary>Resamples as many of the dead as there are rows.</summary>
    /// <param name="step">The step that was just done, from 0.</param>
    /// <param name="tokens">Rows seen with it.</param>
    /// <param name="x">Its inputs.</param>
    /// <param name="y">Its targets.</param>
    /// <param name="losses">The squared error of each row, up to a factor.</param>
    /// <param name="dead">The dead features, rising.</param>
    /// <returns>How many were resampled.</returns>
    public int Run(long step, long tokens, MatrixView x, MatrixView y, ReadOnlySpan<double> losses, IReadOnlyList<int> dead)
    {
        if (dead.Count == 0 || dead.Count == shape.Features)
            return 0;
        var rows = Draw(step, losses, dead.Count);
        var living = new LivingFeatures(recipe, shape, parameters, lastUpdates, step, dead);
        for (var i = 0; i < rows.Length; i++)
        {
            var (block, row) = shape.Locate(dead[i]);
            Restart(block, row, dead[i], x.Row(rows[i]), y.Row(rows[i]), living);
            lastUpdates[dead[i]] = step + 1;
            firing.Revive(dead[i], tokens);
        }
        return rows.Length;
    }

    /// <summary>Rows by weighted sampling without replacement: those with the smallest −ln(u) / w (Efraimidis and Spirakis, 2006).</summary>
    private int[] Draw(long step, ReadOnlySpan<double> losses, int count)
    {
        var (random, keys) = (new SplitMix(unchecked((long)seed), step), new double[losses.Length]);
        for (var row = 0; row < keys.Length; row++)
            keys[row] = -Math.Log(random.Uniform()) / (losses[row] * losses[row]);
        return [.. Enumerable.Range(0, keys.Length).Where(row => double.IsFinite(keys[row])).OrderBy(row => keys[row]).Take(count)];
    }

    private void Restart(int block, int row, int feature, ReadOnlySpan<float> x, ReadOnlySpan<float> y, LivingFeatures living)
    {
        var place = shape.Blocks[block];
        Span<float> bias = parameters.DecoderBias.Values.AsSpan(),
            encoder = parameters.Encoder[block].Values.Row(row),
            decoder = parameters.Decoder[block].Values.Row(row);
        TensorPrimitives.Subtract(y.Slice(place.OutputStart, place.OutputWidth), bias.Slice(place.OutputStart, place.OutputWidth), decoder);
        DecoderGeometry.Normalise(decoder);
        x.Slice(place.InputStart, place.InputWidth).CopyTo(encoder);
        if (recipe.SubtractDecoderBias && shape.HasOneSite)
            TensorPrimitives.Subtract(encoder, bias, encoder);
        DecoderGeometry.Normalise(encoder);
        TensorPrimitives.Multiply(encoder, (float)(recipe.ResampleScale * living.EncoderNorm(block)), encoder);
        living.GiveRow(parameters.Encoder[block], row);
        living.GiveRow(parameters.Decoder[block], row);
        foreach (var scalar in parameters.OfFeatures)
        {
            scalar.Values.AsSpan()[feature] = scalar == parameters.Threshold ? ParameterStart.Threshold(recipe) : 0;
            living.GiveScalar(scalar, feature);
        }
    }
}

/// <summary>What the features that are not dead have in common.</summary>
internal sealed class LivingFeatures
{
    private readonly Dictionary<Parameter, float[]> _rows = [];
    private readonly Dictionary<Parameter, float> _scalars = [];
    private readonly double[] _norms;

    public LivingFeatures(
        Recipe recipe,
        TrainerShape shape,
        TrainerParameters parameters,
        Counters lastUpdates,
        long step,
        IReadOnlyList<int> dead
    )
    {
        var silent = dead.ToHashSet();
        _norms = new double[shape.Blocks.Count];
        for (int l = 0, first = 0; l < shape.Blocks.Count; first += shape.Blocks[l++].Features)
        {
            var (start, encoder) = (first, parameters.Encoder[l]);
            int[] rows = [.. Enumerable.Range(0, shape.Blocks[l].Features).Where(row => !silent.Contains(start + row))];
            // Rows that were left alone have not decayed since.
            double[] decays = [.. rows.Select(row => Math.Pow(recipe.Beta2, step + 1 - lastUpdates[start + row]))];
            _rows[encoder] = Mean(encoder.Second!, rows, decays);
            _rows[parameters.Decoder[l]] = Mean(parameters.Decoder[l].Second!, rows, decays);
            _norms[l] = rows.Length == 0 ? 1 : rows.Average(row => (double)TensorPrimitives.Norm<float>(encoder.Values.Row(row)));
        }
        foreach (var scalar in parameters.OfFeatures)
            _scalars[scalar] = (float)
                Enumerable
                    .Range(0, shape.Features)
                    .Where(feature => !silent.Contains(feature))
                    .Average(feature => (double)scalar.Second!.AsSpan()[feature]);
    }

    /// <summary>Mean ‖W_enc,i‖ of a block.</summary>
    public double EncoderNorm(int block) => _norms[block];

    /// <summary>Gives a row of a matrix the mean second moments, and no first ones.</summary>
    public void GiveRow(Parameter matrix, int row)
    {
        _rows[matrix].CopyTo(matrix.Second!.Row(row));
        if (matrix.First is { } first)
            first.Row(row).Clear();
    }

    /// <summary>The same for a number of a vector.</summary>
    public void GiveScalar(Parameter vector, int feature)
    {
        vector.Second!.AsSpan()[feature] = _scalars[vector];
        if (vector.First is { } first)
            first.AsSpan()[feature] = 0;
    }

    private static float[] Mean(Tensor moments, int[] rows, double[] weights)
    {
        var sum = new double[moments.Columns];
        for (var k = 0; k < rows.Length; k++)
        {
            var values = moments.Row(rows[k]);
            for (var i = 0; i < sum.Length; i++)
                sum[i] += weights[k] * values[i] / rows.Length;
        }
        return [.. sum.Select(value => (float)value)];
    }
}
