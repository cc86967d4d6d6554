using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Cli.Output;

/// <summary>An explanation of verdicts as text.</summary>
internal static class ShieldWhyText
{
    public static void Print(Terminal terminal, ExplainVerdictResult result)
    {
        if (result.NotShieldGemma)
            terminal.Out.WriteLine($"{result.Model} as a chat model, not ShieldGemma:\n");
        foreach (var one in result.Verdicts)
        {
            terminal.Out.WriteLine(
                $"{ExplanationMarkup.Verdict(one)}; features of {one.Dictionary} at position {one.Position}, FVU {Format.Defined(double.IsFinite(one.Fvu) ? one.Fvu : null, "0.000")}"
            );
            terminal.Out.WriteLine();
            var parts = new DataTable("part of the Yes-No gap", new("logits", true));
            foreach (var (name, value) in ExplanationMarkup.Parts(one))
                parts.Add(name, ExplanationMarkup.Signed(value));
            parts.Write(terminal);
            terminal.Out.WriteLine();
            var table = new DataTable(
                new("feature", true),
                new("activation", true),
                new("direct", true),
                new("measured", true),
                new("probability without", true),
                "label"
            );
            foreach (var feature in one.Features)
                table.Add(
                    $"{feature.Feature}",
                    $"{feature.Activation:0.00}",
                    ExplanationMarkup.Signed(feature.Direct),
                    feature.Measured is { } change ? ExplanationMarkup.Signed(change) : "",
                    feature.ProbabilityWithout is { } without ? $"{without:0.0000}" : "",
                    feature.Label ?? ""
                );
            if (one.Together is { } together)
                table.Add(
                    $"{together.Features} together",
                    "",
                    ExplanationMarkup.Signed(together.Direct),
                    ExplanationMarkup.Signed(together.Measured),
                    $"{together.ProbabilityWithout:0.0000}",
                    ""
                );
            table.Write(terminal);
            terminal.Out.WriteLine();
        }
        terminal.Out.WriteLine(ExplanationMarkup.Meaning);
        terminal.Out.Flush();
        foreach (var warning in result.Verdicts.SelectMany(one => one.Warnings).Distinct())
            terminal.Error.WriteLine($"note: {warning}");
    }
}
