using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>
/// What tells two classes of prompts apart in the residual stream: for each layer and each of the last positions the mean of the one class
/// minus the mean of the other (2406.11717, METHODS §6.6). All prompts end with the same tokens, so that a position means the same in each.
/// </summary>
public sealed class ClassDirections
{
    private readonly double[][] _positive,
        _negative;
    private readonly float[][] _differences;

    private ClassDirections(int layers, int positions, double[][] positive, double[][] negative)
    {
        (Layers, Positions, _positive, _negative) = (layers, positions, positive, negative);
        _differences = [.. positive.Zip(negative, (a, b) => a.Zip(b, (x, y) => (float)(x - y)).ToArray())];
    }

    /// <summary>Layers, each read at its input (resid_pre).</summary>
    public int Layers { get; }

    /// <summary>How many positions, counted from the end: −<see cref="Positions"/> to −1.</summary>
    public int Positions { get; }

    /// <summary>Mean of the positives minus mean of the negatives, as long as the residual stream is wide; all zero where both classes have
    /// the same token and no layer has read others yet.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="position">The position from the end, −1 for the last.</param>
    public ReadOnlyMemory<float> this[int layer, int position] => _differences[Place(layer, position)];

    /// <summary>Reads prompts and takes the differences of their means.</summary>
    /// <param name="model">The model.</param>
    /// <param name="positives">Token ids of the prompts of one class, BOS included.</param>
    /// <param name="negatives">Of the other.</param>
    /// <param name="positions">How many of the last positions.</param>
    /// <param name="progress">Told how many prompts are read.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    /// <exception cref="ArgumentProblemException">A class is empty, or a prompt is shorter than the positions.</exception>
    public static ClassDirections Of(
        GemmaModel model,
        IReadOnlyList<int[]> positives,
        IReadOnlyList<int[]> negatives,
        int positions,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (positives.Count == 0 || negatives.Count == 0)
            throw new ArgumentProblemException("there are prompts of one class only; a direction tells two apart", "prompts");
        if (positions < 1 || positives.Concat(negatives).Any(prompt => prompt.Length < positions))
            throw new ArgumentProblemException($"must be from 1 to the length of the shortest prompt, is {positions}", "positions");
        var done = 0L;
        var positive = Means(positives);
        return new(model.Config.Layers, positions, positive, Means(negatives));

        double[][] Means(IReadOnlyList<int[]> prompts)
        {
            var layers = model.Config.Layers;
            var sums = Enumerable.Range(0, layers * positions).Select(_ => new double[model.Config.Width]).ToArray();
            Site[] sites = [.. Enumerable.Range(0, layers).Select(Site.ResidPre)];
            foreach (var batch in PromptBatches.Of(prompts))
            {
                using var run = model.Run(batch, capture: sites, cancellationToken: cancellationToken);
                for (var s = 0; s < batch.Length; s++)
                for (var place = 0; place < sums.Length; place++)
                {
                    var (start, count) = run.RowsOf(s);
                    var row = run[sites[place / positions]].Row(start + count - positions + place % positions);
                    for (var i = 0; i < row.Length; i++)
                        sums[place][i] += row[i];
                }
                progress?.Report(done += batch.Length);
            }
            foreach (var sum in sums)
                for (var i = 0; i < sum.Length; i++)
                    sum[i] /= prompts.Count;
            return sums;
        }
    }

    /// <summary>How far the means of the classes are apart; 0 where there is no direction.</summary>
    public double Norm(int layer, int position) => Length(Difference(Place(layer, position)));

    /// <summary>Cosine of the directions of two places; null where one is zero.</summary>
    public double? Cosine(int layer, int position, int otherLayer, int otherPosition) =>
        Cosine(Difference(Place(layer, position)), Difference(Place(otherLayer, otherPosition)));

    /// <summary>Norms of the means of both classes and of their difference, and the cosines between the three, at one place.</summary>
    public ClassMeans Means(int layer, int position)
    {
        var place = Place(layer, position);
        var (positive, negative, difference) = (_positive[place], _negative[place], Difference(place));
        return new(
            Length(positive),
            Length(negative),
            Length(difference),
            Cosine(positive, negative),
            Cosine(positive, difference),
            Cosine(negative, difference)
        );
    }

    private int Place(int layer, int position)
    {
        if ((uint)layer >= (uint)Layers)
            throw new ArgumentProblemException($"there is no layer {layer}; there are 0 to {Layers - 1}", "layer");
        if (position >= 0 || position < -Positions)
            throw new ArgumentProblemException($"is {position}; positions are counted from the end, -{Positions} to -1", "position");
        return layer * Positions + Positions + position;
    }

    private double[] Difference(int place) => [.. _positive[place].Zip(_negative[place], (a, b) => a - b)];

    private static double Length(double[] vector) => Math.Sqrt(vector.Sum(value => value * value));

    private static double? Cosine(double[] a, double[] b)
    {
        var norms = Length(a) * Length(b);
        return norms > 0 ? a.Zip(b, (x, y) => x * y).Sum() / norms : null;
    }
}

/// <summary>The means of two classes at one place, and their difference.</summary>
/// <param name="PositiveNorm">Norm of the mean of the positives.</param>
/// <param name="NegativeNorm">Norm of the mean of the negatives.</param>
/// <param name="DifferenceNorm">Norm of the direction.</param>
/// <param name="PositiveNegative">Cosine of the two means.</param>
/// <param name="PositiveDifference">Cosine of the positives' mean and the direction; null where there is none.</param>
/// <param name="NegativeDifference">Cosine of the negatives' mean and the direction; null where there is none.</param>
public readonly record struct ClassMeans(
    double PositiveNorm,
    double NegativeNorm,
    double DifferenceNorm,
    double? PositiveNegative,
    double? PositiveDifference,
    double? NegativeDifference
);
