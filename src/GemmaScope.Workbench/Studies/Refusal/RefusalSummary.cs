using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What is made of the numbers of a study of refusal.</summary>
internal static class RefusalSummary
{
    private const int FewPrompts = 50;

    /// <summary>Every part of every set, in order.</summary>
    public static IEnumerable<(string Part, string Set, IReadOnlyList<AskedPrompt> Prompts)> All(RefusalSets sets)
    {
        foreach (
            var (set, split) in ((string, AskedSplit)[])
                [(RefusalSets.Harmful, sets.HarmfulSplit), (RefusalSets.Harmless, sets.HarmlessSplit)]
        )
        {
            yield return ("train", set, split.Train);
            yield return ("validation", set, split.Validation);
            yield return ("test", set, split.Test);
        }
        if (sets.Over.Count > 0)
            yield return ("test", RefusalSets.OverRefusal, sets.Over);
    }

    public static IReadOnlyList<RefusalPart> Parts(RefusalSets sets, Dictionary<string, double[]> scores) =>
        [
            .. All(sets)
                .Select(one => new RefusalPart(
                    one.Part,
                    one.Set,
                    one.Prompts.Count,
                    scores[$"{one.Part} {one.Set}"].Count(score => one.Set == RefusalSets.Harmful ? score > 0 : score < 0)
                )),
        ];

    public static RefusalEffect Of(RefusalRun run, RefusalRun clean, StudyJobOptions options) =>
        new(
            run.Edit,
            run.Strength,
            run.Direction,
            [
                .. run.Sets.Select(set => new RefusalSetEffect(
                    set.Set,
                    StudyMeans.Of(set.Scores, options),
                    StudyMeans.Share(set.Scores.Select(score => score > 0), options),
                    StudyMeans.Share(set.Refused, options),
                    StudyMeans.Share(set.Violations?.Select(one => one >= 0.5), options),
                    StudyMeans.Of(set.Divergences, options),
                    set.Unreadable
                )),
            ],
            StudyMeans.Change(run.CrossEntropy, clean.CrossEntropy, options),
            StudyMeans.Share(run.Solved, options)
        );

    /// <summary>The numbers that a reader looks for first: what the strongest edits do to the side that they should change, beside the
    /// control that does most.</summary>
    public static IReadOnlyList<StudyFinding> Findings(IReadOnlyList<RefusalEffect> effects)
    {
        var byWords = effects[0].Sets[0].Substring is not null;
        MeanEstimate? Refused(RefusalEffect effect, int set) => byWords ? effect.Sets[set].Substring : effect.Sets[set].FirstToken;
        var judge = byWords ? "refused, by words in replies" : "refused, by the first token";
        List<StudyFinding> findings =
        [
            .. StudyFinding.Of($"harmful requests {judge}", Refused(effects[0], 0)),
            .. StudyFinding.Of($"harmless requests {judge}", Refused(effects[0], 1)),
        ];
        foreach (var edit in (string[])[RefusalEdits.Ablate, RefusalEdits.Subtract, RefusalEdits.Add])
        {
            var (set, side) = edit == RefusalEdits.Add ? (1, "harmless") : (0, "harmful");
            var strongest = effects.Last(effect => effect.Edit == edit && !effect.IsControl);
            var controls = effects
                .Where(effect => effect.Edit == edit && effect.IsControl && effect.Strength == strongest.Strength)
                .Select(effect => Refused(effect, set))
                .OfType<MeanEstimate>()
                .OrderBy(value => set == 0 ? value.Mean : -value.Mean);
            findings.AddRange(
                StudyFinding.Of(
                    FormattableString.Invariant($"{side} requests {judge}: {edit} × {strongest.Strength}"),
                    Refused(strongest, set),
                    controls.FirstOrDefault()
                )
            );
        }
        return findings;
    }

    /// <summary>What the study does not show: a reader should not have to find out.</summary>
    public static IReadOnlyList<string> NotShown(
        RefusalStudyJobOptions options,
        RefusalDirection direction,
        IReadOnlyList<RefusalEffect> effects,
        IReadOnlyList<RefusalFeatures> features,
        string? shield,
        int textTokens,
        int? tasks
    )
    {
        List<string> lines = [];
        var harmful = effects[0].Sets[0];
        if (harmful.Score!.Count < FewPrompts)
            lines.Add($"Results rest on {harmful.Score.Count} harmful prompts; the intervals are wide.");
        if (direction.Passes == false)
            lines.Add("No direction passed the rule: the one studied was the best of those that did not, and its damage is part of it.");
        if (options.Controls == 0)
            lines.Add("Nothing was compared with random directions.");
        if (options.MaxTokens == 0)
            lines.Add("No replies were written: refusal is judged by the first token alone.");
        else
        {
            lines.Add($"Replies were cut at {options.MaxTokens} tokens; a refusal that comes later was not seen.");
            lines.Add(
                shield is null
                    ? "No classifier judged replies: words of refusal that are missing do not make a reply harmful."
                    : $"{shield} judged replies to harmful requests only, and no person did."
            );
        }
        if (options.OverRefusal is null)
            lines.Add("Over-refusal was counted on the harmless prompts only, none of which were made to look harmful.");
        if (effects.Any(effect => effect.Sets.Any(set => set.Unreadable > 0)))
            lines.Add("Some replies were empty; they count as no refusal.");
        lines.Add(
            $"Damage is KL of the first token and cross-entropy on {textTokens} tokens of plain text"
                + (
                    tasks is { } count
                        ? $", and how many of {count} tasks are solved by their first token."
                        : "; no set of tasks was solved with edits."
                )
        );
        lines.Add(
            features.Count == 0
                ? "No dictionary was named: which features carry the direction was not asked."
                : "Features were chosen by cosine and by attribution, of one dictionary at a time; what flows past dictionaries was not asked."
        );
        lines.Add("One seed, one split, one model: other prompts and other models may behave differently.");
        return lines;
    }
}
