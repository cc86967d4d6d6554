using System.Numerics.Tensors;

namespace GemmaScope.Behaviour.Verbalising;

/// <summary>
/// How much of vectors comes back from their descriptions, beside what would come back anyway. Directions alone are compared, as
/// reconstructors learn nothing else; the published error of vectors of length √d is 2 (1 − cosine).
/// </summary>
/// <param name="Cosines">Of each vector and what was made of its description.</param>
/// <param name="Others">Of each vector and what was made of another's description, each once: what all descriptions have in common.</param>
/// <param name="Means">Of each vector and the mean direction of the others: what one gets without a description.</param>
/// <param name="Explained">Share of the variance of directions that the descriptions explain: 1 − Σ‖v − r‖² / Σ‖v − mean‖²; below 0 where the
/// mean says more. Null for one vector.</param>
public sealed record RoundTrip(IReadOnlyList<double> Cosines, IReadOnlyList<double> Others, IReadOnlyList<double> Means, double? Explained)
{
    /// <summary>Compares vectors with reconstructions.</summary>
    /// <param name="vectors">The vectors.</param>
    /// <param name="reconstructed">What was made of their descriptions.</param>
    /// <exception cref="ArgumentProblemException">There are not as many of both, or they are not as long.</exception>
    public static RoundTrip Of(IReadOnlyList<float[]> vectors, IReadOnlyList<float[]> reconstructed)
    {
        if (vectors.Count != reconstructed.Count || vectors.Zip(reconstructed).Any(pair => pair.First.Length != pair.Second.Length))
            throw new ArgumentProblemException("there must be one of the same length for each vector", "reconstructed");
        float[][] units = [.. vectors.Select(Unit)],
            made = [.. reconstructed.Select(Unit)];
        var count = units.Length;
        if (count < 2)
            return new([.. Cosines(0)], [], [], null);
        var sum = new float[units[0].Length];
        foreach (var unit in units)
            TensorPrimitives.Add(sum, unit, sum);
        return new([.. Cosines(0)], [.. Cosines(1)], [.. units.Select(Rest)], 1 - Errors() / Spread());

        // A step through all vectors is the simplest exchange that leaves none in its place.
        IEnumerable<double> Cosines(int step) => units.Select((unit, i) => (double)TensorPrimitives.Dot(unit, made[(i + step) % count]));

        double Rest(float[] unit)
        {
            var rest = new float[sum.Length];
            TensorPrimitives.Subtract(sum, unit, rest);
            return TensorPrimitives.Dot(unit, Unit(rest));
        }

        double Errors() => units.Zip(made).Sum(pair => Squared(pair.First, pair.Second));

        double Spread()
        {
            var mean = new float[sum.Length];
            TensorPrimitives.Multiply(sum, 1f / count, mean);
            return Math.Max(units.Sum(unit => Squared(unit, mean)), double.Epsilon);
        }
    }

    /// <summary>The numbers of a vector in another order: as long, and with the same numbers, but of another meaning.</summary>
    /// <param name="vector">The vector.</param>
    /// <param name="seed">Decides the order.</param>
    public static float[] Shuffled(float[] vector, int seed)
    {
        float[] other = [.. vector];
        new Random(seed).Shuffle(other);
        return other;
    }

    private static double Squared(float[] a, float[] b)
    {
        var distance = (double)TensorPrimitives.Distance<float>(a, b);
        return distance * distance;
    }

    private static float[] Unit(float[] vector)
    {
        var (norm, unit) = (TensorPrimitives.Norm<float>(vector), new float[vector.Length]);
        if (norm > 0)
            TensorPrimitives.Divide(vector, norm, unit);
        return unit;
    }
}
