using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>The means of a study, with their intervals over prompts.</summary>
internal static class StudyMeans
{
    /// <summary>The mean of some values; null without any.</summary>
    public static MeanEstimate? Of(IReadOnlyList<double>? values, StudyJobOptions options) =>
        values is null ? null : MeanEstimate.Of(values, options.Resamples, options.Seed);

    /// <summary>The share of what is so.</summary>
    public static MeanEstimate? Share(IEnumerable<bool>? values, StudyJobOptions options) =>
        values is null ? null : Of([.. values.Select(value => value ? 1.0 : 0)], options);

    /// <summary>The difference of pairs.</summary>
    public static MeanEstimate? Change(IReadOnlyList<double>? values, IReadOnlyList<double>? before, StudyJobOptions options) =>
        values is null || before is null ? null : Of([.. values.Zip(before, (a, b) => a - b)], options);
}
