using GemmaScope.Numerics;

namespace GemmaScope.Tests.Training;

/// <summary>Batches to train on.</summary>
internal static class TrainingSamples
{
    /// <summary>Normal rows with a mean squared norm of 1.</summary>
    public static Tensor Normal(Random random, int rows, int width)
    {
        var x = Tensor.Uninitialized(rows, width);
        foreach (ref var value in x.AsSpan())
            value = (float)(Gauss(random) / Math.Sqrt(width));
        return x;
    }

    /// <summary>Random unit vectors.</summary>
    public static Tensor Directions(Random random, int count, int width)
    {
        var directions = Normal(random, count, width);
        for (var i = 0; i < count; i++)
            GemmaScope.Training.DecoderGeometry.Normalise(directions.Row(i));
        return directions;
    }

    /// <summary>Rows that are sums of a few of the directions, each with its own strength, and a mean squared norm of about 1.</summary>
    public static Tensor Planted(Random random, Tensor directions, int rows, int active)
    {
        var x = Tensor.Zeros(rows, directions.Columns);
        for (var row = 0; row < rows; row++)
        for (var k = 0; k < active; k++)
        {
            var (direction, strength) = (
                directions.Row(random.Next((int)directions.Rows)).ToArray(),
                (0.5 + random.NextDouble()) / Math.Sqrt(active)
            );
            for (var i = 0; i < direction.Length; i++)
                x.Row(row)[i] += (float)strength * direction[i];
        }
        return x;
    }

    /// <summary>Mean over the planted directions of the largest cosine with a decoder vector.</summary>
    public static double MeanMaxCosine(Tensor directions, Tensor decoder)
    {
        double sum = 0;
        for (var i = 0; i < directions.Rows; i++)
        {
            double best = -1;
            for (var j = 0; j < decoder.Rows; j++)
                best = Math.Max(best, System.Numerics.Tensors.TensorPrimitives.CosineSimilarity<float>(directions.Row(i), decoder.Row(j)));
            sum += best / directions.Rows;
        }
        return sum;
    }

    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
