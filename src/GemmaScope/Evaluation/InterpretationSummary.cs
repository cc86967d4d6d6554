namespace GemmaScope.Evaluation;

/// <summary>Scores of the explanations of many features (METHODS §6.1). Features whose score is undefined are counted and left
/// out.</summary>
/// <param name="Features">Features with a score.</param>
/// <param name="Undefined">Features without: one of the two classes is missing.</param>
/// <param name="Mean">Mean score; null where no feature has one.</param>
/// <param name="Median">Median score, of an even number the mean of the middle two.</param>
/// <param name="FrequencyWeighted">Mean weighted by how often features fire, which the often-firing ones, the hardest to explain,
/// dominate.</param>
public sealed record InterpretationSummary(int Features, int Undefined, double? Mean, double? Median, double? FrequencyWeighted)
{
    /// <summary>Sums scores up.</summary>
    /// <param name="scores">Of each feature how often it fires, and its score or null.</param>
    public static InterpretationSummary Of(IReadOnlyList<(double Frequency, double? Score)> scores)
    {
        (double Frequency, double Score)[] defined =
        [
            .. scores.Where(one => one.Score is not null).Select(one => (one.Frequency, one.Score!.Value)),
        ];
        if (defined.Length == 0)
            return new InterpretationSummary(0, scores.Count, null, null, null);
        double[] sorted = [.. defined.Select(one => one.Score).Order()];
        var total = defined.Sum(one => one.Frequency);
        return new InterpretationSummary(
            defined.Length,
            scores.Count - defined.Length,
            sorted.Average(),
            (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2,
            total > 0 ? defined.Sum(one => one.Frequency * one.Score) / total : null
        );
    }
}
