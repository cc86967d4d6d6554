using System.Numerics.Tensors;

namespace GemmaScope.Evaluation;

/// <summary>How far two classes of points lie apart, and where they lie in the plane in which they differ most.</summary>
public static class ClassSeparation
{
    private const int PowerSteps = 200;

    /// <summary>
    /// The mean silhouette (Rousseeuw 1987, Euclidean): for each point (b − a) / max(a, b) with a its mean distance to the others of its
    /// class and b to the other class; 0 for a class of one. From −1 to 1, near 0 where classes overlap.
    /// </summary>
    /// <param name="points">The points.</param>
    /// <param name="labels">Which of them are of the one class.</param>
    /// <returns>Null unless there are both classes.</returns>
    public static double? Silhouette(IReadOnlyList<float[]> points, IReadOnlyList<bool> labels)
    {
        Check(points, labels);
        var positives = labels.Count(label => label);
        if (positives == 0 || positives == points.Count)
            return null;
        double sum = 0;
        for (var i = 0; i < points.Count; i++)
        {
            double same = 0,
                other = 0;
            for (var j = 0; j < points.Count; j++)
                if (labels[j] == labels[i])
                    same += TensorPrimitives.Distance(points[i], points[j]);
                else
                    other += TensorPrimitives.Distance(points[i], points[j]);
            var own = labels[i] ? positives : points.Count - positives;
            if (own == 1)
                continue;
            var (a, b) = (same / (own - 1), other / (points.Count - own));
            if (Math.Max(a, b) > 0)
                sum += (b - a) / Math.Max(a, b);
        }
        return sum / points.Count;
    }

    /// <summary>The places of points in the plane of their two largest principal components, and the share of the variance that each of the
    /// two has. The signs are such that the first coordinate of largest size is positive.</summary>
    /// <param name="points">The points.</param>
    public static PrincipalPlane Plane(IReadOnlyList<float[]> points)
    {
        if (points.Count == 0)
            return new([], 0, 0);
        var mean = new double[points[0].Length];
        foreach (var point in points)
            for (var i = 0; i < mean.Length; i++)
                mean[i] += point[i] / (double)points.Count;
        double[][] centred = [.. points.Select(point => point.Select((value, i) => value - mean[i]).ToArray())];
        // Points are fewer than their dimensions: the components follow from their products.
        var n = centred.Length;
        var products = new double[n, n];
        double total = 0;
        for (var i = 0; i < n; i++)
        for (var j = 0; j <= i; j++)
        {
            products[i, j] = products[j, i] = TensorPrimitives.Dot<double>(centred[i], centred[j]);
            total += i == j ? products[i, i] : 0;
        }
        var (first, one) = Largest(products, []);
        var (second, two) = Largest(products, [first]);
        return new(
            [.. Enumerable.Range(0, n).Select(i => (first[i] * Math.Sqrt(one), second[i] * Math.Sqrt(two)))],
            total > 0 ? one / total : 0,
            total > 0 ? two / total : 0
        );
    }

    private static (double[] Vector, double Value) Largest(double[,] matrix, double[][] without)
    {
        var n = matrix.GetLength(0);
        // Anything that is unlikely to be at a right angle to what is looked for, and the same every time.
        double[] vector = [.. Enumerable.Range(0, n).Select(i => Math.Sin(1 + 1.7 * i))];
        double value = 0;
        for (var step = 0; step < PowerSteps; step++)
        {
            foreach (var other in without)
            {
                var part = TensorPrimitives.Dot<double>(vector, other);
                TensorPrimitives.MultiplyAdd<double>(other, -part, vector, vector);
            }
            var norm = TensorPrimitives.Norm<double>(vector);
            if (norm == 0)
                return (new double[n], 0);
            TensorPrimitives.Divide<double>(vector, norm, vector);
            var next = new double[n];
            for (var i = 0; i < n; i++)
            for (var j = 0; j < n; j++)
                next[i] += matrix[i, j] * vector[j];
            value = TensorPrimitives.Dot<double>(vector, next);
            vector = next;
        }
        foreach (var other in without)
            TensorPrimitives.MultiplyAdd<double>(other, -TensorPrimitives.Dot<double>(vector, other), vector, vector);
        var length = TensorPrimitives.Norm<double>(vector);
        if (length == 0)
            return (vector, 0);
        var sign = vector[TensorPrimitives.IndexOfMaxMagnitude<double>(vector)] < 0 ? -1 : 1;
        TensorPrimitives.Multiply<double>(vector, sign / length, vector);
        return (vector, Math.Max(0, value));
    }

    private static void Check(IReadOnlyList<float[]> points, IReadOnlyList<bool> labels)
    {
        if (points.Count != labels.Count)
            throw new ArgumentProblemException($"{labels.Count} labels for {points.Count} points", "labels");
    }
}

/// <summary>Points in the plane of their two largest principal components.</summary>
/// <param name="Places">Where each lies.</param>
/// <param name="FirstShare">The share of the variance along the first axis.</param>
/// <param name="SecondShare">Along the second.</param>
public sealed record PrincipalPlane(IReadOnlyList<(double X, double Y)> Places, double FirstShare, double SecondShare);
