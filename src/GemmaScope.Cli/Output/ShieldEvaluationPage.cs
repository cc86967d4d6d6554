using System.Text;
using GemmaScope.Evaluation;
using GemmaScope.Safety;

namespace GemmaScope.Cli.Output;

/// <summary>An evaluation of ShieldGemma as one HTML page: tables and curves, none of the texts.</summary>
internal static class ShieldEvaluationPage
{
    // A curve of thousands of points looks the same with fewer.
    private const int MostPoints = 150;

    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }
        th, td { padding: .4rem .6rem; }

        """;

    public static string Render(ShieldEvaluationView view)
    {
        var html = new StringBuilder(
            Html.Begin(
                "Evaluation of ShieldGemma",
                Style,
                $"<p class=\"meta\">{Html.Encode(view.Model)} · template {view.Options.Template.Name}{(view.Options.Hardened ? ", hardened" : "")} · {Html.Encode(string.Join(", ", view.Files))} · {view.Rows:#,0} texts judged, {view.LeftOut:#,0} left out, {view.Cut:#,0} cut to fit</p>"
            )
        );
        Metrics(html, view);
        Gaps(html, view.Gaps);
        html.Append("<h2>Curves</h2>\n<div class=\"plots\">\n");
        foreach (var part in view.Parts)
            Curves(html, part);
        return html.Append(
                """
                </div>
                </main>
                <footer>
                <p>In brackets 95 % bootstrap intervals over texts. AU-PRC is the average precision. The optimal F1 has its threshold chosen on these very texts, and flatters. Combined: the largest probability of the policies that a text has labels of, against "violates any of them". ECE over ten bins of equal width.</p>
                </footer>
                </body>
                </html>

                """
            )
            .ToString();
    }

    private static void Metrics(StringBuilder html, ShieldEvaluationView view)
    {
        Begin(html, "Policies", ["policy"], ["texts", "violations", "AU-PRC", "AU-ROC", "F1 at 0.5", "optimal F1", "ECE", "optimal at"]);
        foreach (var part in view.Parts)
            Row(
                html,
                [part.Name],
                [
                    $"{part.Metrics.Rows}",
                    $"{part.Metrics.Positives}",
                    .. ShieldEvaluationView.Numbers(part).Select(number => Two(ShieldEvaluationView.Show(number.Value, number.Interval))),
                    ShieldEvaluationView.Show(part.Metrics.Ranking.OptimalThreshold, null),
                ]
            );
        html.Append("</table></div>\n");
    }

    private static void Gaps(StringBuilder html, IReadOnlyList<FairnessGap> gaps)
    {
        if (gaps.Count == 0)
            return;
        Begin(
            html,
            "Counterfactual fairness",
            ["policy", "term", "put in its place"],
            ["texts", "mean gap", "largest gap", "verdicts changed"]
        );
        foreach (var gap in gaps)
            Row(
                html,
                [gap.Policy, gap.From, gap.To],
                [$"{gap.Texts}", $"{gap.MeanGap:+0.000;-0.000;0.000}", $"{gap.LargestGap:0.000}", $"{gap.Flips}"]
            );
        html.Append("</table></div>\n");
    }

    private static void Curves(StringBuilder html, ShieldEvaluationPart part)
    {
        var all = ThresholdCurve.Of([.. part.Labels], [.. part.Scores]);
        var step = Math.Max(1, all.Count / MostPoints);
        var points = all.Where((_, i) => i % step == 0 || i == all.Count - 1).ToArray();
        html.Append(
            new SvgPlot($"{part.Name}: precision and recall", "recall", "precision") { Shares = true }.Points(
                [
                    .. points
                        .Where(point => point.Decisions is { Recall: not null, Precision: not null })
                        .Select(point => new PlotPoint(point.Decisions.Recall!.Value, point.Decisions.Precision!.Value, At(point))),
                ],
                joined: true
            )
        );
        html.Append(
            new SvgPlot($"{part.Name}: ROC", "false positive rate", "true positive rate") { Shares = true, Diagonal = true }.Points(
                [
                    .. points
                        .Where(point => point.Decisions is { Recall: not null } && FalseRate(point) is not null)
                        .Select(point => new PlotPoint(FalseRate(point)!.Value, point.Decisions.Recall!.Value, At(point))),
                ],
                joined: true
            )
        );
        html.Append(
            new SvgPlot($"{part.Name}: calibration", "mean probability", "share of violations") { Shares = true, Diagonal = true }.Points(
                [
                    .. part
                        .Metrics.Calibration.Bins.Where(bin => bin.Count > 0)
                        .Select(bin => new PlotPoint(bin.MeanScore!.Value, bin.FractionPositive!.Value, $"{bin.Count} texts")),
                ],
                joined: true
            )
        );

        static string At(ThresholdPoint point) => FormattableString.Invariant($"threshold {point.Threshold:0.000}");
        static double? FalseRate(ThresholdPoint point) =>
            point.Decisions.FalsePositives + point.Decisions.TrueNegatives is > 0 and var negatives
                ? (double)point.Decisions.FalsePositives / negatives
                : null;
    }

    /// <summary>An interval stands below its number, so that the table fits.</summary>
    private static string Two(string number) =>
        number.Split(" [") is [var value, var interval] ? $"{value}<br><small>[{interval}</small>" : number;

    private static void Begin(StringBuilder html, string title, string[] names, string[] numbers) =>
        html.Append(
            $"<h2>{title}</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\"><table>\n<tr>{string.Concat(names.Select(name => $"<th>{name}</th>"))}{string.Concat(numbers.Select(name => $"<th class=\"n\">{name}</th>"))}</tr>\n"
        );

    private static void Row(StringBuilder html, string[] names, string[] numbers) =>
        html.Append(
            $"<tr>{string.Concat(names.Select(name => $"<td>{Html.Encode(name)}</td>"))}{string.Concat(numbers.Select(number => $"<td class=\"n\">{number}</td>"))}</tr>\n"
        );
}
