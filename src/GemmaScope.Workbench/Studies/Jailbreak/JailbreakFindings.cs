using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>The headlines of a study of jailbreaks, and what it does not show.</summary>
internal static class JailbreakFindings
{
    private const int FewPairs = 50;

    public static IReadOnlyList<StudyFinding> Of(
        IReadOnlyList<JailbreakOutcome> outcomes,
        JailbreakEffect direction,
        IReadOnlyList<JailbreakDictionary> dictionaries,
        IReadOnlyList<StudySeparation> separations
    )
    {
        var all = outcomes[0];
        return
        [
            .. StudyFinding.Of("plain requests refused", all.PlainRefused),
            .. StudyFinding.Of("of these, wrapped forms that are answered", all.Succeeded),
            .. StudyFinding.Of("successful wrappers: refusal score gained, projection moved back", direction.Score, direction.Control),
            .. dictionaries.SelectMany(one =>
                StudyFinding.Of(
                    $"successful wrappers: refusal score gained, features of {one.Dictionary} clamped back",
                    one.Together.Score,
                    one.Together.Control
                )
            ),
            // The other questions have tables of their own.
            .. separations
                .Take(1)
                .SelectMany(one =>
                    one.Separators.SelectMany(by => StudyFinding.Of($"{one.Question}: AUROC by {by.By}", by.Auroc, by.Shuffled))
                ),
        ];
    }

    public static IReadOnlyList<string> NotShown(
        JailbreakStudyJobOptions options,
        IReadOnlyList<JailbreakOutcome> outcomes,
        IReadOnlyList<StudySeparation> separations,
        IReadOnlyList<JailbreakDictionary> dictionaries,
        IReadOnlyList<JailbreakReading> readings,
        string? shield
    )
    {
        List<string> lines = [];
        if (outcomes[0].Pairs < FewPairs)
            lines.Add($"Results rest on {outcomes[0].Pairs} pairs; the intervals are wide.");
        foreach (var one in separations.Where(one => one.Separators.Count == 0))
            lines.Add(
                $"{one.Question}: not asked, as there are too few of one class for two halves ({one.Positives.Sum()} {one.Positive}, {one.Negatives.Sum()} {one.Negative})."
            );
        lines.Add(
            options.MaxTokens == 0
                ? "No replies were written: refusal is judged by the first token alone."
                : $"Replies were cut at {options.MaxTokens} tokens and judged by words of refusal; a reply without them may be useless and need not be harmful."
        );
        lines.Add(
            shield is null ? "No classifier judged requests or replies." : $"{shield} judged requests and replies, and no person did."
        );
        if (readings.Any(one => one.IsEmpty))
            lines.Add($"{readings.Count(one => one.IsEmpty)} replies were empty; they count as no refusal.");
        lines.Add(
            "Halves share no plain request, but they share wrappers: what tells outcomes apart may know the wrapper, as words and length do."
        );
        lines.Add("The direction was given: whether its prompts are among these requests is not known here.");
        lines.Add(
            dictionaries.Count == 0
                ? "No dictionary was named: which features a wrapper changes was not asked."
                : "Features were clamped at the positions behind the request alone; what wrappers change before it acts on."
        );
        lines.Add("One seed, one split, one model: other prompts and other models may behave differently.");
        return lines;
    }
}
