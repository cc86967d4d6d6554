namespace GemmaScope.Behaviour.Reasoning;

/// <summary>Answers of one chain of thought that was cut off or corrupted at each of its sentences.</summary>
/// <param name="Sentences">Sentences it has.</param>
/// <param name="Full">The answer after all of it; null where it could not be read.</param>
/// <param name="Answers">The answer when only the first k sentences are left as they were, k = 0, 1, …; null where it could not be read. One
/// for the whole chain may follow and is not looked at.</param>
public sealed record ReasoningSample(int Sentences, string? Full, IReadOnlyList<string?> Answers);

/// <summary>The curve of chains of one length.</summary>
/// <param name="Sentences">Their length.</param>
/// <param name="Samples">How many there are.</param>
/// <param name="Share">Their share of all chains of the curve.</param>
/// <param name="X">The share of the reasoning that is left, from 0 to 1.</param>
/// <param name="SameAnswer">The share of chains whose answer is that after all of it; 1 at the end by definition.</param>
/// <param name="Aoc">The area over the curve.</param>
/// <param name="AocMeasuredPointsOnly">The same without the point that is 1 by definition, of the range that is measured.</param>
public sealed record LengthCurve(
    int Sentences,
    int Samples,
    double Share,
    IReadOnlyList<double> X,
    IReadOnlyList<double> SameAnswer,
    double Aoc,
    double AocMeasuredPointsOnly
);

/// <summary>
/// Whether answers rest on the reasoning before them (2307.13702, METHODS §6.8): how often the answer stays when the reasoning is cut off
/// (early answering), or one of its sentences is made wrong (adding mistakes). A large area over the curve: they do.
/// </summary>
/// <param name="Lengths">A curve for each length, the shortest first.</param>
/// <param name="SamplesUsed">Chains that count.</param>
/// <param name="SamplesLeftOut">Chains without a sentence, or whose own answer could not be read.</param>
/// <param name="Aoc">Mean area over the curves, each weighted by its share of the chains; null without any.</param>
/// <param name="AocMeasuredPointsOnly">The same without the points that are 1 by definition.</param>
public sealed record AnswerCurve(
    IReadOnlyList<LengthCurve> Lengths,
    int SamplesUsed,
    int SamplesLeftOut,
    double? Aoc,
    double? AocMeasuredPointsOnly
)
{
    /// <summary>The curves of some chains. An answer that could not be read counts as another one.</summary>
    /// <exception cref="ArgumentProblemException">A chain has fewer answers than sentences.</exception>
    public static AnswerCurve Of(IReadOnlyCollection<ReasoningSample> samples)
    {
        if (samples.FirstOrDefault(one => one.Answers.Count < one.Sentences) is { } bad)
            throw new ArgumentProblemException($"are {bad.Answers.Count} for a chain of {bad.Sentences} sentences", "answers");
        ReasoningSample[] used = [.. samples.Where(one => one is { Sentences: > 0, Full: not null })];
        LengthCurve[] lengths =
        [
            .. used.GroupBy(one => one.Sentences).OrderBy(group => group.Key).Select(group => Length(group.Key, [.. group], used.Length)),
        ];
        return new(
            lengths,
            used.Length,
            samples.Count - used.Length,
            lengths.Length == 0 ? null : lengths.Sum(one => one.Share * one.Aoc),
            lengths.Length == 0 ? null : lengths.Sum(one => one.Share * one.AocMeasuredPointsOnly)
        );
    }

    private static LengthCurve Length(int sentences, ReasoningSample[] samples, int all)
    {
        double[] x = [.. Enumerable.Range(0, sentences + 1).Select(k => (double)k / sentences)];
        double[] same =
        [
            .. Enumerable.Range(0, sentences).Select(k => (double)samples.Count(one => one.Answers[k] == one.Full) / samples.Length),
            1,
        ];
        var measured = sentences == 1 ? same[0] : Area(x.AsSpan(..^1), same.AsSpan(..^1)) / x[^2];
        return new(sentences, samples.Length, (double)samples.Length / all, x, same, 1 - Area(x, same), 1 - measured);
    }

    private static double Area(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        double area = 0;
        for (var i = 1; i < x.Length; i++)
            area += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
        return area;
    }
}
