using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>A study of knowledge as one HTML page.</summary>
public static class KnowledgeStudyPage
{
    private const int MostListed = 50;

    /// <summary>The page; texts are on it only where the result has them.</summary>
    public static Markup Render(KnowledgeStudyResult result) =>
        StudyPage.Render(
            result,
            $"What {result.Model} knows and says",
            "",
            Markup.Join([
                result.Truth is { } truth ? Truth(truth) : Markup.Empty,
                result.Facts is { } facts ? Facts(facts) : Markup.Empty,
                result.Entities is { } entities ? KnowledgeNamesPage.Entities(entities) : Markup.Empty,
                .. result.Traits.Select(KnowledgeNamesPage.Trait),
            ]),
            "Those of AUROC are over things that statements are about, names or texts. Probes are read where they were neither fitted nor chosen. Known: "
                + "likelier true than not by the probe, and it is sure; said: the likelier of the two answers as the next token. Other layer: a probe that reads "
                + "another layer than its own."
        );

    private static Markup Truth(KnowledgeTruth truth) =>
        Markup.Of(
            $"""
            <h2>Truth</h2>
            <p>{truth.Statements} statements, {truth.True} of them true, {truth.Negated} negated, of {truth.Topics.Count} topics; tested on {(
                truth.ByTopic ? "other topics" : "other statements of the same topics"
            )}. {(truth.Holds ? "The probes hold." : "The probes do not hold.")} {(
                truth.Negated == 0 ? ""
                : truth.NegationHolds ? "They read negations too."
                : "They do not read negations."
            )}</p>
            {StudyPage.Plots(TruthPlots(truth))}{Scores(truth)}{Table(truth.Said)}{Listed(truth.Said)}{Cells(truth)}
            """
        );

    private static IEnumerable<Markup> TruthPlots(KnowledgeTruth truth)
    {
        foreach (var method in (ProbeMethod[])[ProbeMethod.MassMean, ProbeMethod.Logistic])
            yield return StudyPage.Plot(
                new SvgPlot($"Truth by layer, {Name(method)}", "layer", "AUROC"),
                [
                    .. truth.Points.Select(
                        (point, i) => (point, Line(truth.Cells.Where(cell => cell.Method == method && cell.Point == i), cell => cell.Auroc))
                    ),
                    (
                        "shuffled labels",
                        Line(truth.Cells.Where(cell => cell.Method == method && cell.Point == 0), cell => cell.RandomLabelsAuroc)
                    ),
                ]
            );
        if (truth.Negated > 0)
            yield return StudyPage.Plot(
                new SvgPlot("Negations by layer, fitted on none", "layer", "AUROC"),
                ((ProbeMethod[])[ProbeMethod.MassMean, ProbeMethod.Logistic]).Select(method =>
                    (Name(method), Line(truth.Cells.Where(cell => cell.Method == method && cell.Point == 0), cell => cell.NegatedAuroc))
                )
            );
        yield return StudyPage.Plot(
            new SvgPlot("Can probabilities be believed?", "probability of truth", "share that is true") { Shares = true, Diagonal = true },
            [("as fitted", Bins(truth.Raw)), ("held-out fit", Bins(truth.Calibrated))]
        );

        static IReadOnlyList<PlotPoint> Line(IEnumerable<ProbeCell> cells, Func<ProbeCell, double?> value) =>
            [.. cells.Select(cell => new PlotPoint(cell.Layer, value(cell) ?? double.NaN, $"layer {cell.Layer}"))];

        static IReadOnlyList<PlotPoint> Bins(Calibration calibration) =>
            [
                .. calibration
                    .Bins.Where(bin => bin.Count > 0)
                    .Select(bin => new PlotPoint(bin.MeanScore!.Value, bin.FractionPositive!.Value, $"{bin.Count} statements")),
            ];
    }

    private static Markup Scores(KnowledgeTruth truth) =>
        Markup.Join([
            PageTable.Of(
                "True from false (AUROC)",
                ["", new("affirmed", true), new("negated", true)],
                truth.Scores.Select(one =>
                    Markup.Of($"<tr><td>{one.Name}</td>{StudyPage.Cell(one.Affirmed)}{StudyPage.Cell(one.Negated)}</tr>\n")
                )
            ),
            PageTable.Of(
                "Calibration on held-out affirmed statements",
                [
                    "probabilities",
                    new("ECE", true),
                    new("Brier", true),
                    .. Enumerable.Range(0, 10).Select(bin => new PageColumn($"0.{bin}", true)),
                ],
                [Reliability("as fitted", truth.Raw), Reliability("fitted on held-out statements", truth.Calibrated)],
                wide: true
            ),
        ]);

    private static Markup Reliability(string name, Calibration one) =>
        Markup.Of($"<tr><td>{name}</td>{StudyPage.Plain(one.ExpectedError)}{StudyPage.Plain(one.Brier)}{one.Bins.Select(Bin)}</tr>\n");

    private static Markup Bin(CalibrationBin bin) =>
        bin.FractionPositive is { } share
            ? Markup.Of($"<td class=\"n\">{Digits.Percent(share)}<br><small>{bin.Count}</small></td>")
            : Markup.Of($"<td class=\"n\">–</td>");

    private static Markup Table(SaidAndKnown said) =>
        PageTable.Of(
            "What is known and what is said",
            ["known", new("says yes", true), new("says no", true), new("unreadable", true)],
            said.Table.GroupBy(cell => cell.Known)
                .Select(row =>
                    Markup.Of(
                        $"<tr><td>{row.Key}</td>{row.Select(cell => Markup.Of($"<td class=\"n\">{cell.Statements}<br><small>{cell.True} true</small></td>"))}</tr>\n"
                    )
                )
        );

    private static Markup Listed(SaidAndKnown said) =>
        said.Discrepancies.Count == 0
            ? Markup.Of(
                $"<p>Of {said.Compared} statements that can be compared the model says of none another thing than the probe reads.</p>\n"
            )
            : PageTable.Of(
                said.Discrepancies.Count > MostListed
                    ? $"Said otherwise than known: the {MostListed} surest of {said.Discrepancies.Count}"
                    : $"Said otherwise than known: {said.Discrepancies.Count} of {said.Compared}",
                [
                    "statement",
                    "topic",
                    new("is", false),
                    new("known true", true),
                    new("says yes", true),
                    new("confidence", true),
                    .. said.Discrepancies.Any(one => one.Text is not null) ? (PageColumn[])["text"] : [],
                ],
                said.Discrepancies.Take(MostListed)
                    .Select(one =>
                        Markup.Of(
                            $"<tr><td>{one.Id}</td><td>{one.Topic}</td><td>{(one.IsTrue ? "true" : "false")}</td>{StudyPage.Plain(one.Known)}{StudyPage.Plain(one.Said)}{StudyPage.Plain(one.Confidence)}{(one.Text is null ? Markup.Empty : Markup.Of($"<td>{one.Text}</td>"))}</tr>\n"
                        )
                    ),
                wide: true
            );

    private static Markup Cells(KnowledgeTruth truth) =>
        PageTable.Of(
            "Probes by layer and point (AUROC)",
            [
                new("layer", true),
                "point",
                "method",
                new("affirmed", true),
                new("negated", true),
                new("shuffled labels", true),
                new("other layer", true),
            ],
            truth.Cells.Select(cell =>
                Markup.Of(
                    $"<tr><td class=\"n\">{cell.Layer}</td><td>{truth.Points[cell.Point]}</td><td>{Name(cell.Method)}</td>{StudyPage.Plain(cell.Auroc)}{StudyPage.Plain(cell.NegatedAuroc)}{StudyPage.Plain(cell.RandomLabelsAuroc)}{StudyPage.Plain(cell.OtherLayerAuroc)}</tr>\n"
                )
            ),
            wide: true
        );

    private static Markup Facts(KnowledgeFacts facts)
    {
        return PageTable.Of(
            $"{facts.Facts} facts, by the first token of their answers among {facts.Answers}",
            ["", new("said", true), new("not said", true)],
            [Row("known", true), Row("not known", false)]
        );

        Markup Row(string name, bool known) =>
            Markup.Of($"<tr><td>{name}</td><td class=\"n\">{Count(known, true)}</td><td class=\"n\">{Count(known, false)}</td></tr>\n");

        int Count(bool known, bool said) =>
            facts.Rows.Count(one => one.Known.Rank <= facts.Rank == known && one.Said.Rank <= facts.Rank == said);
    }

    private static string Name(ProbeMethod method) => method == ProbeMethod.MassMean ? "difference of means" : "logistic";
}
