using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>A mean that was measured.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Interval">Where it would lie with 95 % if other prompts had been drawn (bootstrap).</param>
/// <param name="Count">Of how many values.</param>
public sealed record StudyValue(double Mean, Interval Interval, int Count)
{
    /// <summary>The mean of some values; null without any.</summary>
    public static StudyValue? Of(IReadOnlyList<double>? values, StudyJobOptions options) =>
        values is not { Count: > 0 } || GemmaScope.Evaluation.Interval.OfMean(values, options.Resamples, options.Seed) is not { } interval
            ? null
            : new(values.Average(), interval, values.Count);

    /// <summary>The share of what is so.</summary>
    public static StudyValue? Share(IEnumerable<bool>? values, StudyJobOptions options) =>
        values is null ? null : Of([.. values.Select(value => value ? 1.0 : 0)], options);

    /// <summary>The difference of pairs.</summary>
    public static StudyValue? Change(IReadOnlyList<double>? values, IReadOnlyList<double>? before, StudyJobOptions options) =>
        values is null || before is null ? null : Of([.. values.Zip(before, (a, b) => a - b)], options);
}
