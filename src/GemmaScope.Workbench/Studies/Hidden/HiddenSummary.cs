using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What is made of the numbers of a study of hidden knowledge.</summary>
internal static class HiddenSummary
{
    /// <summary>What each readout finds, beside what it says where there is nothing.</summary>
    public static IReadOnlyList<StudyFinding> Findings(IReadOnlyList<HiddenReadout> readouts, int top) =>
        [
            .. readouts.SelectMany(one =>
                StudyFinding.Of(
                    $"{one.Condition}, {one.Method}{(one.Layer is { } layer ? $" behind layer {layer}" : "")}: the secret among the first {top}",
                    one.Success,
                    one.Control
                )
            ),
        ];

    /// <summary>What the study does not show.</summary>
    public static IReadOnlyList<string> NotShown(
        HiddenStudyJobOptions options,
        IReadOnlyList<HiddenReadout> readouts,
        int words,
        bool hasDictionary,
        bool hasLens
    )
    {
        var chance = (double)options.Top / words;
        List<string> lines = [];
        foreach (var one in readouts)
            if (one.Success is null)
                lines.Add($"Anything by {one.Method} ({one.Condition}): every reply said the secret.");
            else if (!IsFound(one, chance))
                lines.Add(
                    one.Condition == HiddenStudyRun.Told
                        ? $"That {one.Method} finds a secret that was told: its success is not above chance and control."
                        : $"That {one.Method} finds what is there: not even the planted secret. What it says of told ones proves nothing."
                );
        foreach (var one in readouts.Where(one => one.Condition == HiddenStudyRun.Told && one.Success is not null && IsFound(one, chance)))
            if (readouts.Any(other => other.Method == one.Method && other.Condition == HiddenStudyRun.Planted && !IsFound(other, chance)))
                lines.Add($"Why {one.Method} finds what was told and not what was planted.");
        lines.Add(
            "That the model would act on the secret: it is read where the word stands in the conversation before, and attention can carry a word "
                + "along without use."
        );
        lines.Add($"Secrets outside the list: readouts rank {words} given words, and a guess is right with {100 * chance:0} %.");
        if (!hasDictionary)
            lines.Add("What features of a dictionary show: none was named.");
        if (!hasLens)
            lines.Add("What a fitted lens shows: none was named.");
        lines.Add($"Replies were cut at {options.MaxTokens} tokens; a secret that is said later was not seen.");
        lines.Add("One seed, one split, one model, and few words and conversations.");
        return lines;
    }

    private static bool IsFound(HiddenReadout one, double chance) =>
        one.Success is { } found && found.Low > chance && (one.Control is not { } control || found.Low > control.Mean);
}
