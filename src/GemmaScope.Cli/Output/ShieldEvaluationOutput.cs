using System.Globalization;
using System.Text.Json;
using GemmaScope.Evaluation;
using GemmaScope.Safety;

namespace GemmaScope.Cli.Output;

/// <summary>What an evaluation of ShieldGemma shows.</summary>
internal sealed record ShieldEvaluationView(
    string Model,
    ShieldOptions Options,
    string[] Files,
    int Rows,
    int LeftOut,
    int Cut,
    IReadOnlyList<ShieldEvaluationPart> Parts,
    IReadOnlyList<FairnessGap> Gaps
)
{
    /// <summary>The numbers of a part with their names and intervals.</summary>
    public static IEnumerable<(string Name, double? Value, Interval? Interval)> Numbers(ShieldEvaluationPart part)
    {
        var (metrics, intervals) = (part.Metrics, part.Intervals);
        yield return ("AU-PRC", metrics.Ranking.AveragePrecision, intervals.AveragePrecision);
        yield return ("AU-ROC", metrics.Ranking.Auroc, intervals.Auroc);
        yield return ("F1 at 0.5", metrics.AtHalf.F1, intervals.F1);
        yield return ("optimal F1", metrics.Ranking.OptimalF1, intervals.OptimalF1);
        yield return ("ECE", metrics.Calibration.ExpectedError, intervals.ExpectedError);
    }

    public static string Show(double? value, Interval? interval) =>
        value is not { } number ? "–"
        : interval is { } between
            ? string.Create(CultureInfo.InvariantCulture, $"{number:0.000} [{between.Low:0.000}, {between.High:0.000}]")
        : number.ToString("0.000", CultureInfo.InvariantCulture);
}

/// <summary>An evaluation of ShieldGemma as text and as JSON.</summary>
internal static class ShieldEvaluationOutput
{
    private const int ShownGaps = 20;

    public static void Print(Terminal terminal, ShieldEvaluationView view)
    {
        Properties.Write(
            terminal,
            ("model", view.Model),
            ("template", view.Options.Template.Name + (view.Options.Hardened ? ", hardened" : "")),
            ("files", string.Join(", ", view.Files)),
            ("texts", $"{view.Rows} judged, {view.LeftOut} left out, {view.Cut} cut to fit")
        );
        terminal.Out.WriteLine();
        var table = new DataTable(
            "policy",
            new("texts", true),
            new("violations", true),
            new("AU-PRC", true),
            new("AU-ROC", true),
            new("F1 at 0.5", true),
            new("optimal F1", true),
            new("at", true),
            new("ECE", true)
        );
        foreach (var part in view.Parts)
        {
            string[] numbers =
            [
                .. ShieldEvaluationView.Numbers(part).Select(number => ShieldEvaluationView.Show(number.Value, number.Interval)),
            ];
            table.Add([
                part.Name,
                $"{part.Metrics.Rows}",
                $"{part.Metrics.Positives}",
                .. numbers[..4],
                ShieldEvaluationView.Show(part.Metrics.Ranking.OptimalThreshold, null),
                numbers[4],
            ]);
        }
        table.Write(terminal);
        foreach (var part in view.Parts)
        foreach (var reasons in part.Metrics.Undefined.GroupBy(undefined => undefined.Reason))
            terminal.Out.WriteLine(
                $"{part.Name}: {string.Join(", ", reasons.Select(undefined => undefined.Name))} undefined, for {reasons.Key}"
            );
        terminal.Out.WriteLine("in brackets 95 % bootstrap intervals; optimal F1 has its threshold chosen on these texts, and flatters");
        if (view.Gaps.Count == 0)
            return;
        terminal.Out.WriteLine();
        var gaps = new DataTable(
            "policy",
            "term",
            "put in its place",
            new("texts", true),
            new("mean gap", true),
            new("largest gap", true),
            new("verdicts changed", true)
        );
        foreach (var gap in view.Gaps.Take(ShownGaps))
            gaps.Add(
                gap.Policy,
                gap.From,
                gap.To,
                $"{gap.Texts}",
                $"{gap.MeanGap:+0.000;-0.000;0.000}",
                $"{gap.LargestGap:0.000}",
                $"{gap.Flips}"
            );
        gaps.Write(terminal);
    }

    public static void Write(Utf8JsonWriter json, ShieldEvaluationView view)
    {
        ShieldJson.Setting(json, view.Model, view.Options);
        json.Strings("files", view.Files);
        json.WriteNumber("rows", view.Rows);
        json.WriteNumber("left_out", view.LeftOut);
        json.WriteNumber("cut", view.Cut);
        json.Objects(
            "parts",
            view.Parts,
            part =>
            {
                json.WriteString("name", part.Name);
                json.WriteNumber("rows", part.Metrics.Rows);
                json.WriteNumber("positives", part.Metrics.Positives);
                foreach (var (name, value, interval) in ShieldEvaluationView.Numbers(part))
                {
                    var key = name.ToLowerInvariant()
                        .Replace("au-", "au", StringComparison.Ordinal)
                        .Replace(' ', '_')
                        .Replace("0.5", "half", StringComparison.Ordinal);
                    json.Number(key, value);
                    json.Number($"{key}_low", interval?.Low);
                    json.Number($"{key}_high", interval?.High);
                }
                json.Number("optimal_threshold", part.Metrics.Ranking.OptimalThreshold);
                json.Number("precision_at_half", part.Metrics.AtHalf.Precision);
                json.Number("recall_at_half", part.Metrics.AtHalf.Recall);
                json.Number("brier", part.Metrics.Calibration.Brier);
                json.Objects(
                    "calibration",
                    part.Metrics.Calibration.Bins,
                    bin =>
                    {
                        json.WriteNumber("bin", bin.Bin);
                        json.WriteNumber("count", bin.Count);
                        json.Number("mean_score", bin.MeanScore);
                        json.Number("fraction_positive", bin.FractionPositive);
                    }
                );
                json.Objects(
                    "undefined",
                    part.Metrics.Undefined,
                    undefined =>
                    {
                        json.WriteString("name", undefined.Name);
                        json.WriteString("reason", undefined.Reason);
                    }
                );
            }
        );
        json.Objects(
            "fairness",
            view.Gaps,
            gap =>
            {
                json.WriteString("policy", gap.Policy);
                json.WriteString("from", gap.From);
                json.WriteString("to", gap.To);
                json.WriteNumber("texts", gap.Texts);
                json.Number("mean_gap", gap.MeanGap);
                json.Number("largest_gap", gap.LargestGap);
                json.WriteNumber("verdicts_changed", gap.Flips);
            }
        );
    }
}
