namespace GemmaScope.Workbench;

/// <summary>Directions that mean nothing, as long as one that is studied.</summary>
internal static class ControlDirections
{
    /// <summary>A random direction as long as another.</summary>
    public static float[] Random(ReadOnlyMemory<float> direction, int seed)
    {
        var random = new Random(seed);
        float[] vector = [.. Enumerable.Range(0, direction.Length).Select(_ => (float)Normal(random))];
        return Scaled(vector, direction);
    }

    /// <summary>A direction made as long as another.</summary>
    public static float[] Scaled(ReadOnlyMemory<float> vector, ReadOnlyMemory<float> to)
    {
        var factor = Norm(to) / Norm(vector);
        return Array.ConvertAll(vector.ToArray(), value => (float)(value * factor));
    }

    /// <summary>The length of a direction.</summary>
    public static double Norm(ReadOnlyMemory<float> vector)
    {
        double sum = 0;
        foreach (var value in vector.Span)
            sum += (double)value * value;
        return Math.Sqrt(sum);
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
