using System.Globalization;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>An evaluation of ShieldGemma as text.</summary>
internal static class ShieldEvaluationText
{
    private const int ShownGaps = 20;

    public static void Print(Terminal terminal, ShieldEvaluateResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model + (result.NotShieldGemma ? ", a chat model, not ShieldGemma" : "")),
            ("template", result.Template + (result.Hardened ? ", hardened" : "")),
            ("files", string.Join(", ", result.Files)),
            (
                "texts",
                $"{result.Rows} judged, {result.LeftOut} left out, {result.Cut} cut to fit"
                    + (result.SkippedRows > 0 ? $", {result.SkippedRows} rows not readable" : "")
            )
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
        foreach (var part in result.Parts)
        {
            string[] numbers = [.. part.Numbers().Select(number => Show(number.Value, number.Interval))];
            table.Add([part.Name, $"{part.Rows}", $"{part.Positives}", .. numbers[..4], Show(part.OptimalThreshold, null), numbers[4]]);
        }
        table.Write(terminal);
        foreach (var part in result.Parts)
        foreach (var reasons in part.Undefined.GroupBy(undefined => undefined.Reason))
            terminal.Out.WriteLine(
                $"{part.Name}: {string.Join(", ", reasons.Select(undefined => undefined.Name))} undefined, for {reasons.Key}"
            );
        terminal.Out.WriteLine("in brackets 95 % bootstrap intervals; optimal F1 has its threshold chosen on these texts, and flatters");
        if (result.Fairness.Count == 0)
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
        foreach (var gap in result.Fairness.Take(ShownGaps))
            gaps.Add(
                gap.Policy,
                gap.From,
                gap.To,
                $"{gap.Texts}",
                $"{gap.MeanGap:+0.000;-0.000;0.000}",
                $"{gap.LargestGap:0.000}",
                $"{gap.VerdictsChanged}"
            );
        gaps.Write(terminal);
    }

    private static string Show(double? value, Interval? interval) =>
        value is not { } number ? "–"
        : interval is { } between
            ? string.Create(CultureInfo.InvariantCulture, $"{number:0.000} [{between.Low:0.000}, {between.High:0.000}]")
        : number.ToString("0.000", CultureInfo.InvariantCulture);
}
