using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What a study of knowledge found first of all, and what it does not show.</summary>
internal static class KnowledgeSummary
{
    private const int FewStatements = 100,
        FewPairs = 20;

    private const double OneSided = 0.95,
        Unlikely = 0.1;

    /// <summary>The numbers that a reader looks for first.</summary>
    public static IEnumerable<StudyFinding> Findings(
        KnowledgeTruth? truth,
        KnowledgeFacts? facts,
        KnowledgeEntities? entities,
        IReadOnlyList<KnowledgeTrait> traits
    )
    {
        if (truth is not null)
        {
            var random = truth.Scores.First(one => one.Name == TruthStudy.RandomLabels);
            var where = truth.ByTopic ? "other topics" : "other statements";
            foreach (
                var finding in (IEnumerable<StudyFinding>)
                    [
                        .. StudyFinding.Of($"AUROC of truth on {where}", truth.Scores[0].Affirmed, random.Affirmed),
                        .. StudyFinding.Of($"AUROC of truth on negations of {where}", truth.Scores[0].Negated, random.Negated),
                        .. StudyFinding.Of("said otherwise than known (control: by chance)", truth.Said.Discrepant, truth.Said.ByChance),
                        .. StudyFinding.Of("the probe is right where they differ", truth.Said.ProbeRight),
                    ]
            )
                yield return finding;
        }
        if (facts is not null)
            foreach (
                var finding in (IEnumerable<StudyFinding>)
                    [
                        .. StudyFinding.Of("facts known (control: answers of other facts)", facts.Known, facts.KnownControl),
                        .. StudyFinding.Of("facts said (control: answers of other facts)", facts.Said, facts.SaidControl),
                        .. StudyFinding.Of("known facts that are not said", facts.NotSaid),
                    ]
            )
                yield return finding;
        if (entities is not null)
            foreach (
                var finding in (IEnumerable<StudyFinding>)
                    [
                        .. StudyFinding.Of(
                            "AUROC of known names (control: their number of tokens)",
                            entities.Scores[0].Unmatched,
                            entities.Scores[1].Unmatched
                        ),
                        .. StudyFinding.Of(
                            "the same of names that match in length and frequency",
                            entities.Scores[0].Matched,
                            entities.Scores[1].Matched
                        ),
                    ]
            )
                yield return finding;
        foreach (var trait in traits)
        {
            var worst = trait.Shifts.MinBy(shift => shift.Auroc)!;
            if (worst is { Auroc: { } auroc, Interval: { } interval })
                yield return new(
                    $"AUROC of {trait.Trait} in its worst style, {worst.Style} (control: shuffled labels)",
                    new(trait.Tested, auroc, interval.Low, interval.High),
                    new(trait.Tested, worst.NullMean, worst.NullMean, worst.NullMean)
                );
        }
    }

    /// <summary>What the study does not show.</summary>
    public static IEnumerable<string> NotShown(
        KnowledgeStudyJobOptions options,
        KnowledgeTruth? truth,
        KnowledgeFacts? facts,
        KnowledgeEntities? entities,
        IReadOnlyList<KnowledgeTrait> traits
    )
    {
        foreach (var line in (string[])[.. Truth(options, truth), .. Facts(facts), .. Entities(options, entities), .. Traits(traits)])
            yield return line;
        yield return "Probes are linear and read one layer at a time: what is not linear, or lies in several, was not looked for.";
        yield return "One seed, one split, one model: other statements and other models may behave differently.";
    }

    private static IEnumerable<string> Truth(KnowledgeStudyJobOptions options, KnowledgeTruth? truth)
    {
        if (truth is null)
        {
            yield return "No statements were given: whether the model says what it holds true was not asked.";
            yield break;
        }
        var said = truth.Said;
        if (!truth.Holds)
            yield return truth.Scores[0].Affirmed is { Low: <= 0.5 }
                ? "The probes do not tell true statements from false ones where they were not fitted: that the model holds anything true is not shown, "
                    + "and the table of what is known means nothing."
                : "The probes do no better than words, lengths or shuffled labels do: that they read truth is not shown, and the table of what is known "
                    + "means nothing.";
        if (truth is { Negated: > 0, NegationHolds: false })
            yield return "The probes do not read negated statements, which the table leaves out: what they read of affirmed ones may be what goes together, "
                + "and not what is true.";
        if (truth.Negated == 0)
            yield return "No negated statements were given: that a probe reads truth, and not what goes together, is not shown.";
        if (!truth.ByTopic)
            yield return "Statements have fewer than three topics: probes were tested on other statements, not on other topics.";
        if (truth.Statements < FewStatements)
            yield return $"Results rest on {truth.Statements} statements; the intervals are wide.";
        if (said.Readable == 0)
            yield return Digits(
                $"The model answers none of the statements: '{options.Yes}' and '{options.No}' together are {said.Mass:P1} of its next token."
            );
        else if (said.Mass < Unlikely)
            yield return Digits($"The two answers are {said.Mass:P1} of the next token: the model is hardly about to say either.");
        if (said.Yes is { } yes && (yes.Mean > OneSided || yes.Mean < 1 - OneSided))
            yield return Digits(
                $"The model says '{(yes.Mean > 0.5 ? options.Yes : options.No)}' to {Math.Max(yes.Mean, 1 - yes.Mean):P0} of the statements whatever they say: "
            ) + "a discrepancy then shows its bias, and not that it hides something.";
        if (said.ProbeRight is { High: < 0.5 })
            yield return "Where probe and answer differ the answer is right more often: these are errors of the probe.";
    }

    private static IEnumerable<string> Facts(KnowledgeFacts? facts)
    {
        if (facts is null)
            yield break;
        if (facts.Known is { } known && facts.KnownControl is { } control && known.Low <= control.High)
            yield return "The answers of facts rank no higher than those of other facts do: that the model knows any of them is not shown.";
        yield return "A fact is known by the first token of its answer, in one form of words; answers that begin alike are not told apart.";
    }

    private static IEnumerable<string> Entities(KnowledgeStudyJobOptions options, KnowledgeEntities? entities)
    {
        if (entities is null)
            yield break;
        if (entities.Scores[0].Matched is null)
            yield return $"Too few pairs of tested names match in length and frequency ({entities.Pairs}): that anything but these separates the names is not shown.";
        else
        {
            if (entities.Pairs < FewPairs)
                yield return $"Only {entities.Pairs} pairs of tested names match in length and frequency.";
            if (entities.Scores[0] is { Unmatched.Low: > 0.5, Matched.Low: <= 0.5 })
                yield return "The direction does not separate names that match in length and frequency: what it separated before may have been these.";
        }
        if (entities.Scores.Where(IsInside).All(one => one.Unmatched is null or { Low: <= 0.5 }))
            yield return "Neither the direction nor any feature separates names that did not choose it: what steering with them does is not about knowledge.";
        foreach (var side in (string[])["unknown", "known"])
        {
            var steered = entities.Steered.Where(one => one.Towards == side && !one.IsControl && one.Phrase is not null).ToArray();
            var random = entities.Steered.Where(one => one.Towards == side && one.IsControl && one.Phrase is not null).ToArray();
            if (steered.Length > 0 && random.Length > 0 && !steered.Any(one => Beyond(one.Phrase!, random, side)))
                yield return $"Steering to the side of the {side} does no more to the words of not knowing than random edits do.";
        }
        if (options.Controls == 0)
            yield return "Steering was compared with no random directions or features.";
        if (options.MaxTokens > 0 && entities.Steered.All(one => one.Words is null or { Mean: 0 }))
            yield return "No reply to a question about a name holds words of not knowing, steered or not: the model does not say it.";
    }

    private static bool IsInside(EntityScore one) => one.Name is not (EntityStudy.Tokens or EntityStudy.Frequency or EntityStudy.Words);

    private static bool Beyond(MeanEstimate one, EntitySteering[] random, string side) =>
        side == "unknown" ? one.Low > random.Max(control => control.Phrase!.Mean) : one.High < random.Min(control => control.Phrase!.Mean);

    private static IEnumerable<string> Traits(IReadOnlyList<KnowledgeTrait> traits)
    {
        if (traits.Count == 0)
            yield break;
        foreach (var trait in traits.Where(trait => trait.Dies.Count > 0))
            yield return $"The probe of {trait.Trait} is {trait.Verdict}.";
        yield return "Styles are rules for writing, not other writers; a shift of another kind was not tried.";
        if (traits.Count > 1)
            yield return $"Of {traits.Count} traits with {traits[0].Shifts.Count} shifts each, one in twenty p values is below 0.05 by chance; none is corrected for that.";
    }

    private static string Digits(FormattableString text) => FormattableString.Invariant(text);
}
