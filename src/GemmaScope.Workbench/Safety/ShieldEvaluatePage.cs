using GemmaScope.Evaluation;
using GemmaScope.Safety;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>An evaluation of ShieldGemma as one HTML page: tables and curves, none of the texts.</summary>
public static class ShieldEvaluatePage
{
    // A curve of thousands of points looks the same with fewer.
    private const int MostPoints = 150;

    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    /// <summary>The page.</summary>
    public static Markup Render(ShieldEvaluateResult result) =>
        new ReportPage("Evaluation of ShieldGemma", Header(result)) { Style = Style }.Render(
            Markup.Of(
                $"""
                {Metrics(result.Parts)}{Gaps(result.Fairness)}<h2>Curves</h2>
                <div class="plots">
                {result.Parts.SelectMany(part => Curves(part.Part))}</div>

                """
            ),
            Markup.Of(
                $"""
                <p>In brackets 95 % bootstrap intervals over texts. AU-PRC is the average precision. The optimal F1 has its threshold chosen on these very texts, and flatters. Combined: the largest probability of the policies that a text has labels of, against "violates any of them". ECE over ten bins of equal width.</p>

                """
            )
        );

    private static Markup Header(ShieldEvaluateResult result) =>
        Markup.Of(
            $"<p class=\"meta\">{result.Model} · template {result.Template}{(result.Hardened ? ", hardened" : "")} · {string.Join(", ", result.Files)} · {result.Rows:#,0} texts judged, {result.LeftOut:#,0} left out, {result.Cut:#,0} cut to fit</p>{(result.NotShieldGemma ? Markup.Of($"<p class=\"note\">Note: {ShieldTemplate.ChatNote}.</p>") : Markup.Empty)}"
        );

    private static Markup Metrics(IReadOnlyList<EvaluatedPart> parts) =>
        Table(
            "Policies",
            ["policy"],
            ["texts", "violations", "AU-PRC", "AU-ROC", "F1 at 0.5", "optimal F1", "ECE", "optimal at"],
            parts.Select(part =>
                Row(
                    [part.Name],
                    [
                        Markup.Of($"{part.Rows}"),
                        Markup.Of($"{part.Positives}"),
                        .. part.Numbers().Select(number => Number(number.Value, number.Interval)),
                        Number(part.OptimalThreshold, null),
                    ]
                )
            )
        );

    private static Markup Gaps(IReadOnlyList<FairnessGap> gaps) =>
        gaps.Count == 0
            ? Markup.Empty
            : Table(
                "Counterfactual fairness",
                ["policy", "term", "put in its place"],
                ["texts", "mean gap", "largest gap", "verdicts changed"],
                gaps.Select(gap =>
                    Row(
                        [gap.Policy, gap.From, gap.To],
                        [
                            Markup.Of($"{gap.Texts}"),
                            Markup.Of($"{gap.MeanGap:+0.000;-0.000;0.000}"),
                            Markup.Of($"{gap.LargestGap:0.000}"),
                            Markup.Of($"{gap.VerdictsChanged}"),
                        ]
                    )
                )
            );

    private static IEnumerable<Markup> Curves(ShieldEvaluationPart part)
    {
        var all = ThresholdCurve.Of([.. part.Labels], [.. part.Scores]);
        var step = Math.Max(1, all.Count / MostPoints);
        var points = all.Where((_, i) => i % step == 0 || i == all.Count - 1).ToArray();
        yield return Plot(
            new SvgPlot($"{part.Name}: precision and recall", "recall", "precision") { Shares = true },
            points
                .Where(point => point.Decisions is { Recall: not null, Precision: not null })
                .Select(point => new PlotPoint(point.Decisions.Recall!.Value, point.Decisions.Precision!.Value, At(point)))
        );
        yield return Plot(
            new SvgPlot($"{part.Name}: ROC", "false positive rate", "true positive rate") { Shares = true, Diagonal = true },
            points
                .Where(point => point.Decisions is { Recall: not null } && FalseRate(point) is not null)
                .Select(point => new PlotPoint(FalseRate(point)!.Value, point.Decisions.Recall!.Value, At(point)))
        );
        yield return Plot(
            new SvgPlot($"{part.Name}: calibration", "mean probability", "share of violations") { Shares = true, Diagonal = true },
            part.Metrics.Calibration.Bins.Where(bin => bin.Count > 0)
                .Select(bin => new PlotPoint(bin.MeanScore!.Value, bin.FractionPositive!.Value, $"{bin.Count} texts"))
        );
    }

    private static Markup Plot(SvgPlot plot, IEnumerable<PlotPoint> points) => Markup.Trusted(plot.Points([.. points], joined: true));

    private static string At(ThresholdPoint point) => FormattableString.Invariant($"threshold {point.Threshold:0.000}");

    private static double? FalseRate(ThresholdPoint point) =>
        point.Decisions.FalsePositives + point.Decisions.TrueNegatives is > 0 and var negatives
            ? (double)point.Decisions.FalsePositives / negatives
            : null;

    /// <summary>An interval stands below its number, so that the table fits.</summary>
    private static Markup Number(double? value, Interval? interval) =>
        value is not { } number ? Markup.Of($"–")
        : interval is { } between ? Markup.Of($"{number:0.000}<br><small>[{between.Low:0.000}, {between.High:0.000}]</small>")
        : Markup.Of($"{number:0.000}");

    private static Markup Table(string title, string[] names, string[] numbers, IEnumerable<Markup> rows) =>
        Markup.Of(
            $"""
            <h2>{title}</h2>
            <div class="scroll broad" tabindex="0" role="region" aria-label="{title}"><table>
            <tr>{names.Select(name => Markup.Of($"<th>{name}</th>"))}{numbers.Select(name =>
                Markup.Of($"<th class=\"n\">{name}</th>")
            )}</tr>
            {rows}</table></div>

            """
        );

    private static Markup Row(string[] names, Markup[] numbers) =>
        Markup.Of(
            $"<tr>{names.Select(name => Markup.Of($"<td>{name}</td>"))}{numbers.Select(number => Markup.Of($"<td class=\"n\">{number}</td>"))}</tr>\n"
        );
}
