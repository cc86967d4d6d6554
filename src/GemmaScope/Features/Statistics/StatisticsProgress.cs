namespace GemmaScope.Features.Statistics;

/// <summary>How far a step of a long job is.</summary>
/// <param name="Step">What is being done.</param>
/// <param name="Done">0 to 1.</param>
public readonly record struct StatisticsProgress(string Step, double Done)
{
    /// <summary>A progress of one step.</summary>
    internal static IProgress<double>? Of(IProgress<StatisticsProgress>? all, string step) => all is null ? null : new OneStep(all, step);

    private sealed class OneStep(IProgress<StatisticsProgress> all, string step) : IProgress<double>
    {
        public void Report(double value) => all.Report(new(step, value));
    }
}
