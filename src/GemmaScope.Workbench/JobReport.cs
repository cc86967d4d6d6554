using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What a job says while it runs. A display turns <see cref="JobStage"/>s into a bar with rate and time left, and
/// <see cref="JobNote"/>s into lines.</summary>
public abstract record JobReport;

/// <summary>How far a stage of a job is. A new name or unit begins a new stage.</summary>
/// <param name="Name">What is being done: "loading demo-pt".</param>
/// <param name="Done">How much of it is done.</param>
/// <param name="Total">How much there is at most; null where nobody knows.</param>
/// <param name="Unit">What is counted: tokens, texts, bytes; empty where nothing is.</param>
/// <param name="Before">How much of what is done was done before this run, and says nothing of its rate.</param>
public sealed record JobStage(string Name, long Done = 0, long? Total = null, string Unit = "", long Before = 0) : JobReport;

/// <summary>Something the user should know.</summary>
/// <param name="Text">One sentence.</param>
/// <param name="Remedy">The settings it speaks of; put behind the sentence.</param>
public sealed record JobNote(string Text, Remedy? Remedy = null) : JobReport;

/// <summary>Shorthands for those who report.</summary>
internal static class JobReports
{
    public static void Note(this IProgress<JobReport>? progress, string text, Remedy? remedy = null) =>
        progress?.Report(new JobNote(text, remedy));

    /// <summary>Says how many rows of a text were left out, where any was.</summary>
    public static void NoteOn(this IProgress<JobReport>? progress, SkippedRows? skipped)
    {
        if (skipped?.Note is { } note)
            progress.Note(note);
    }

    /// <summary>Says where a text writes a BOS that is not its first token.</summary>
    public static void NoteWrittenBos(this IProgress<JobReport>? progress, IReadOnlyList<int> ids, int? bos)
    {
        if (ids.Index().Skip(1).FirstOrDefault(token => token.Item == bos) is { Index: > 0 and var place })
            progress.Note(
                $"token {place} is a BOS that is written in the text; models were trained on one, in front, and take what follows for a new text."
            );
    }

    public static void Stage(this IProgress<JobReport>? progress, string name) => progress?.Report(new JobStage(name));

    /// <summary>Counts towards a total: what science reports as a number.</summary>
    public static IProgress<long>? Counting(this IProgress<JobReport>? progress, string name, string unit, long? total, long before = 0) =>
        progress is null ? null : new Counter(progress, new JobStage(name, before, total, unit, before));

    // Progress<T> would report late, from another thread.
    private sealed class Counter(IProgress<JobReport> progress, JobStage stage) : IProgress<long>
    {
        public void Report(long value) => progress.Report(stage with { Done = value });
    }
}
