using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>A study of chains of thought as one HTML page.</summary>
public static class CotStudyPage
{
    /// <summary>The page; texts of questions and chains are on it only where the result has them.</summary>
    public static Markup Render(CotStudyResult result) =>
        StudyPage.Render(
            result,
            $"Chains of thought of {result.Model}",
            $"{result.Questions.Count} questions, {result.Questions.Sum(one => one.Chains.Count)} chains"
                + (result.Thinking ? " of thoughts" : "")
                + (result.Task is { } task ? $", {task}" : ""),
            Markup.Of(
                $"""
                <p><strong>{result.Verdict}</strong></p>
                {StudyPage.Plots(CotStudyPlots.All(result))}{Gain(result)}{Curves(result)}{Filler(result)}{Paraphrase(result)}{Hints(result)}{Mediation(
                    result
                )}{Faithful(result)}{Attribution(result)}{result.Features.Select(Features)}{Questions(result)}
                """
            ),
            "Intervals are over questions (of features and attribution: over chains). AOC: the area over the curve of how often the answer "
                + "stays; large where it rests on the reasoning. Shuffled: reasoning of another question; random: as many random tokens; "
                + "unchanged: nothing made wrong, only written anew from there. Mediation: other reasoning in the place of a chain."
        );

    private static Markup Gain(CotStudyResult result)
    {
        var gain = result.Gain;
        return PageTable.Of(
            "What reasoning changes",
            ["", new("accuracy", true)],
            [
                Row("by chance", Number(result.Chance)),
                Row("without reasoning", StudyPage.Cell(gain.Without)),
                Row("with reasoning", StudyPage.Cell(gain.With)),
                Row("with reasoning of another question", StudyPage.Cell(gain.Shuffled)),
                Row("with random tokens", StudyPage.Cell(gain.Random)),
                .. gain.ByLength.SelectMany(one =>
                    (Markup[])
                        [
                            Row($"sums of {one.Operands}, without", StudyPage.Cell(one.Without)),
                            Row($"sums of {one.Operands}, with", StudyPage.Cell(one.With)),
                        ]
                ),
                Row("same answer with and without", StudyPage.Cell(gain.SameAnswer)),
                Row("answers that could be read", StudyPage.Cell(gain.Readable)),
                Row("probability of all options together", StudyPage.Cell(gain.Mass)),
            ]
        );
    }

    private static Markup Curves(CotStudyResult result) =>
        result.Early.Count + result.Mistakes.Count == 0
            ? Markup.Empty
            : PageTable.Of(
                "How often the answer stays",
                [
                    "",
                    "reasoning",
                    new("chains", true),
                    new("AOC", true),
                    new("AOC, weighted by length", true),
                    new("measured points only", true),
                ],
                result
                    .Early.Select(one => ("cut off", one))
                    .Concat(result.Mistakes.Select(one => ("a sentence replaced", one)))
                    .Select(one =>
                        Markup.Of(
                            $"<tr><td>{one.Item1}</td><td>{one.one.Reasoning}</td><td class=\"n\">{one.one.Curve.SamplesUsed}</td>{StudyPage.Cell(one.one.Aoc)}{StudyPage.Plain(one.one.Curve.Aoc)}{StudyPage.Plain(one.one.Curve.AocMeasuredPointsOnly)}</tr>\n"
                        )
                    )
            );

    private static Markup Filler(CotStudyResult result) =>
        Table(
            "Tokens without meaning",
            ["tokens", new("most", true), new("accuracy without", true), new("accuracy with most", true), new("gain of most", true)],
            result
                .Filler.Where(one => one.Table.Steps.Count > 0)
                .Select(one =>
                    Markup.Of(
                        $"<tr><td>{one.Tokens}</td><td class=\"n\">{one.Table.Steps[^1].FillerTokens}</td>{StudyPage.Plain(one.Table.Steps[0].Accuracy)}{StudyPage.Plain(one.Table.Steps[^1].Accuracy)}{StudyPage.Cell(one.Gain)}</tr>\n"
                    )
                )
        );

    private static Markup Paraphrase(CotStudyResult result) =>
        Table(
            "In other words",
            ["words", new("accuracy as reasoned", true), new("accuracy with all of it", true), new("loss", true)],
            result.Paraphrase.Select(one =>
                Markup.Of(
                    $"<tr><td>{one.Words}</td>{StudyPage.Plain(one.Table.AccuracyOriginal)}{StudyPage.Plain(one.Table.AccuracyFullyParaphrased)}{StudyPage.Cell(one.Loss)}</tr>\n"
                )
            )
        );

    private static Markup Hints(CotStudyResult result) =>
        result.Hints is not { } hints
            ? Markup.Empty
            : Table(
                "Hints",
                ["", new("share", true)],
                [
                    Row($"follow the hint ({hints.Score.Eligible} chains that did not answer so)", StudyPage.Cell(hints.Switched)),
                    Row("another chain without it answers so", StudyPage.Cell(hints.Resampled)),
                    Row($"mention it ({hints.Score.Switched} chains that follow)", StudyPage.Cell(hints.Verbalised)),
                    Row("have its words without it", StudyPage.Cell(hints.MentionedWithout)),
                    Row("carry the answer behind the question without it", StudyPage.Cell(hints.Transplanted)),
                    Row(
                        $"right without it ({hints.Score.RowsHintWrong} chains whose hint is wrong)",
                        StudyPage.Plain(hints.Score.AccuracyUnbiased)
                    ),
                    Row("right with it", StudyPage.Plain(hints.Score.AccuracyBiased)),
                ]
            );

    private static Markup Mediation(CotStudyResult result) =>
        Table(
            "Reasoning swapped",
            ["reasoning put in", new("chains", true), new("answer changes", true), new("becomes what it argues for", true)],
            result.Mediation.Select(one =>
                Markup.Of(
                    $"<tr><td>{one.Reasoning}</td><td class=\"n\">{one.Score.Samples}</td>{StudyPage.Cell(one.Changed)}{StudyPage.Cell(one.Follows)}</tr>\n"
                )
            )
        );

    private static Markup Faithful(CotStudyResult result) =>
        Table(
            "Faithful at least once in k chains",
            [new("k", true), new("mentions the hint it follows", true), new("answer goes with the reasoning", true)],
            result.FaithfulAt.Select(one =>
                Markup.Of($"<tr><td class=\"n\">{one.K}</td>{StudyPage.Cell(one.Verbalised)}{StudyPage.Cell(one.Mediated)}</tr>\n")
            )
        );

    private static Markup Attribution(CotStudyResult result) =>
        Table(
            "What tokens add to the answer",
            [
                "reasoning",
                new("its share", true),
                new("share over its share of tokens", true),
                new("adds (logits)", true),
                new("the rest adds", true),
            ],
            result.Attribution.Select(one =>
                Markup.Of(
                    $"<tr><td>{one.Reasoning}</td>{StudyPage.Cell(one.Share)}{StudyPage.Cell(one.SharePerToken)}{StudyPage.Cell(one.Sum)}{StudyPage.Cell(one.Rest)}</tr>\n"
                )
            )
        );

    private static Markup Features(CotFeatures one) =>
        Markup.Join([
            Table(
                $"Features of {one.Dictionary} at {one.Site} before the answer",
                ["reasoning", new("same features active", true), new("support left", true)],
                one.Effects.Select(effect =>
                    Markup.Of($"<tr><td>{effect.Reasoning}</td>{StudyPage.Cell(effect.Overlap)}{StudyPage.Cell(effect.Support)}</tr>\n")
                )
            ),
            Markup.Of(
                $"<p>With the full reasoning {Digits.Number(one.Active?.Mean ?? 0)} features are active there, {Digits.Number(one.Supporting?.Mean ?? 0)} of them add to the answer ({one.Chains} chains).</p>\n"
            ),
        ]);

    private static Markup Questions(CotStudyResult result) =>
        Table(
            "Questions",
            [
                "id",
                "truth",
                "without reasoning",
                "answers",
                new("sentences", true),
                .. result.Questions.Any(one => one.Text is not null) ? (PageColumn[])["question", "first chain"] : [],
            ],
            result.Questions.Select(one =>
                Markup.Of(
                    $"<tr><td>{one.Id}</td><td>{one.Truth}</td><td>{one.Without ?? "–"}</td><td>{string.Join(' ', one.Chains.Select(chain => chain.Answer ?? "–"))}</td>{StudyPage.Plain(one.Chains.Count == 0 ? null : one.Chains.Average(chain => chain.Sentences))}{(one.Text is null ? Markup.Empty : Markup.Of($"<td>{one.Text}</td><td>{one.Chains[0].Text}</td>"))}</tr>\n"
                )
            ),
            wide: true
        );

    private static Markup Table(string title, IEnumerable<PageColumn> columns, IEnumerable<Markup> rows, bool wide = false) =>
        rows.ToArray() is { Length: > 0 } shown ? PageTable.Of(title, columns, shown, wide) : Markup.Empty;

    private static Markup Row(string name, Markup cell) => Markup.Of($"<tr><td>{name}</td>{cell}</tr>\n");

    private static Markup Number(double value) => StudyPage.Plain(value);
}
