using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>The first parameters (METHODS §2.3): random decoder directions, the encoder their transpose, biases zero.</summary>
internal static class ParameterStart
{
    public static void Fill(TrainerParameters parameters, Recipe recipe, TrainerShape shape, ulong seed)
    {
        for (var l = 0; l < shape.Blocks.Count; l++)
        {
            var (decoder, encoder) = (parameters.Decoder[l].Values, parameters.Encoder[l].Values);
            Workers.For(shape.Blocks[l].Features, new DirectionJob(decoder, (float)recipe.DecoderStartNorm, Mix(seed + 2 * (ulong)l)));
            if (recipe.TiedStart && shape.Reconstructs)
                for (var i = 0; i < encoder.Rows; i++)
                {
                    // A block that writes further layers too is tied to the part that it writes to its own, at the norm of the whole: else
                    // features of
                    // early layers, whose vectors are spread over more layers, would hardly reach their threshold.
                    decoder.Row(i)[..encoder.Columns].CopyTo(encoder.Row(i));
                    if (decoder.Columns > encoder.Columns)
                    {
                        DecoderGeometry.Normalise(encoder.Row(i));
                        TensorPrimitives.Multiply(encoder.Row(i), (float)recipe.DecoderStartNorm, encoder.Row(i));
                    }
                    TensorPrimitives.Multiply(encoder.Row(i), (float)recipe.EncoderStartScale, encoder.Row(i));
                }
            else
                Workers.For(
                    shape.Blocks[l].Features,
                    new DirectionJob(encoder, (float)recipe.EncoderStartScale, Mix(seed + 2 * (ulong)l + 1))
                );
        }
        parameters.Threshold?.Values.AsSpan().Fill(Threshold(recipe));
    }

    /// <summary>θ of a new feature, or its logarithm where that is trained.</summary>
    public static float Threshold(Recipe recipe) => (float)(recipe.LogThreshold ? Math.Log(recipe.ThresholdStart) : recipe.ThresholdStart);

    /// <summary>The point with the smallest sum of distances to the rows, by Weiszfeld's iteration from their mean.</summary>
    public static float[] GeometricMedian(MatrixView rows)
    {
        double[] point = Mean(rows);
        for (var round = 0; round < 100; round++)
        {
            var (next, weights, moved) = (new double[point.Length], 0.0, 0.0);
            for (var row = 0; row < rows.Rows; row++)
            {
                var x = rows.Row(row);
                var square = 0.0;
                for (var i = 0; i < point.Length; i++)
                    square += (x[i] - point[i]) * (x[i] - point[i]);
                var weight = 1 / Math.Max(Math.Sqrt(square), 1e-8);
                weights += weight;
                for (var i = 0; i < point.Length; i++)
                    next[i] += weight * x[i];
            }
            for (var i = 0; i < point.Length; i++)
            {
                next[i] /= weights;
                moved += (next[i] - point[i]) * (next[i] - point[i]);
            }
            point = next;
            if (Math.Sqrt(moved) < 1e-6 * Math.Sqrt(point.Sum(value => value * value)))
                break;
        }
        return [.. point.Select(value => (float)value)];
    }

    /// <summary>Mean of the rows.</summary>
    public static double[] Mean(MatrixView rows)
    {
        var mean = new double[rows.Columns];
        for (var row = 0; row < rows.Rows; row++)
        for (var i = 0; i < mean.Length; i++)
            mean[i] += rows.Row(row)[i] / rows.Rows;
        return mean;
    }

    private static ulong Mix(ulong counter) => SplitMix.Mix(counter * SplitMix.Golden);

    // Each row has a generator of its own, so that all threads fill one matrix and the result is always the same.
    private readonly struct DirectionJob(Tensor matrix, float norm, ulong key) : IJob
    {
        public void Run(int index)
        {
            var row = matrix.Row(index);
            var state = Mix(key + (ulong)index + 1);
            for (var i = 0; i < row.Length; i++)
                row[i] = (Mix(state + (ulong)i + 1) >> 40) * (2f / (1 << 24)) - 1;
            DecoderGeometry.Normalise(row);
            TensorPrimitives.Multiply(row, norm, row);
        }
    }
}
