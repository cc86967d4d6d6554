namespace GemmaScope.Models;

/// <summary>Unit vectors at right angles to each other with the span of given directions (Gram-Schmidt, twice, in double
/// precision).</summary>
internal static class OrthonormalBasis
{
    // What is left of a direction that others span is rounding: the directions come in f32.
    private const double Dependent = 1e-6;

    /// <summary>The basis: at most as many vectors as directions, one less for each that depends on those before it.</summary>
    /// <exception cref="ArgumentProblemException">There is no direction, one is zero or not finite, or their lengths differ.</exception>
    public static float[][] Of(IReadOnlyList<ReadOnlyMemory<float>> directions)
    {
        if (directions.Count == 0)
            throw new ArgumentProblemException("there is none", "directions");
        List<double[]> basis = [];
        foreach (var direction in directions)
        {
            if (direction.Length != directions[0].Length)
                throw new ArgumentProblemException(
                    $"have {directions[0].Length} and {direction.Length} numbers; they must be of one site",
                    "directions"
                );
            double[] rest = [.. direction.ToArray().Select(value => (double)value)];
            var length = Norm(rest);
            if (!(length > 0) || double.IsInfinity(length))
                throw new ArgumentProblemException("must be finite and not zero", "direction");
            Scale(rest, 1 / length);
            for (var pass = 0; pass < 2; pass++)
                foreach (var unit in basis)
                {
                    var part = rest.Zip(unit, (a, b) => a * b).Sum();
                    for (var i = 0; i < rest.Length; i++)
                        rest[i] -= part * unit[i];
                }
            var left = Norm(rest);
            if (left <= Dependent)
                continue;
            Scale(rest, 1 / left);
            basis.Add(rest);
        }
        return [.. basis.Select(unit => unit.Select(value => (float)value).ToArray())];
    }

    private static double Norm(double[] vector) => Math.Sqrt(vector.Sum(value => value * value));

    private static void Scale(double[] vector, double factor)
    {
        for (var i = 0; i < vector.Length; i++)
            vector[i] *= factor;
    }
}
