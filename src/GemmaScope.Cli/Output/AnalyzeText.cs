using GemmaScope.Text;
using GemmaScope.Workbench;
using Spectre.Console;

namespace GemmaScope.Cli.Output;

/// <summary>An analysis for people: tables and a shaded text on a terminal, plain lines in a pipe.</summary>
internal static class AnalyzeText
{
    // From pale to deep blue; the text is light where the ground is dark.
    private static readonly Color Pale = new(222, 235, 247),
        Deep = new(8, 81, 156);

    public static void Write(Terminal terminal, AnalyzeResult result)
    {
        Summary(terminal, result);
        if (terminal is { OutputIsTerminal: true, Colors: true })
            Shaded(terminal, result);
        Tokens(terminal, result);
        TopFeatures(terminal, result);
    }

    public static void NextTokens(Terminal terminal, AnalyzeResult result) =>
        terminal.Out.WriteLine(
            "most likely next tokens (logit): "
                + string.Join("  ", result.Analysis.Next.Select(next => $"{Format.Quoted(next.Display)} ({next.Logit:0.00})"))
        );

    private static void Summary(Terminal terminal, AnalyzeResult result)
    {
        var excluded = result.ExcludedPositions.Count;
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("dictionary", $"{result.Dictionary} ({result.Family}), {result.Width} features, reads {string.Join(", ", result.InputSites)}"),
            ("arithmetic", $"{result.Arithmetic}, {result.Kernels}"),
            ("tokens", $"{result.Tokens.Count - excluded}, and {excluded} left out of all sums and means (BOS and other special tokens)"),
            ("mean L0", $"{Format.Defined(result.MeanL0, "0.0")} active features a token"),
            ("FVU", $"{Format.Defined(result.Fvu, "0.0000")}, the fraction of variance that is not explained"),
            (
                "variance explained",
                $"{Format.Defined(result.TutorialVarianceExplained, "0.0000")} by the tutorial's formula "
                    + "(one global mean; never below 1 - FVU)"
            ),
            ("norm", $"{result.BosNorm:0.0} at position 0, {Format.Defined(result.MeanNorm, "0.0")} on average")
        );
        foreach (var warning in result.Warnings)
            terminal.Error.WriteLine($"warning: {warning}");
    }

    private static void Shaded(Terminal terminal, AnalyzeResult result)
    {
        var shades = result.Shades();
        var text = new Paragraph();
        foreach (var token in result.Tokens)
            text.Append(
                VisibleText.Of(token.Text),
                token.Counted ? StyleOf(shades[token.Position]) : new Style(decoration: Decoration.Dim)
            );
        terminal.Out.WriteLine();
        terminal.Console.Write(text);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(result.Feature is { } shown ? $"(shaded by feature {shown})" : "(shaded by each token's strongest feature)");
    }

    private static void Tokens(Terminal terminal, AnalyzeResult result)
    {
        var feature = result.Feature;
        Column[] first = [new("position", true), "token", new("L0", true)];
        Column strongest = "strongest features (activation)";
        var table = new DataTable(feature is { } chosen ? [.. first, new($"feature {chosen}", true), strongest] : [.. first, strongest]);
        foreach (var token in result.Tokens)
        {
            string[] cells = [$"{token.Position}", Format.Quoted(token.Text) + (token.Counted ? "" : " *"), $"{token.L0}"];
            var top = string.Join("  ", token.TopFeatures.Select(one => $"{one.Feature} ({one.Activation:0.00})"));
            table.Add(
                feature is { } shown ? [.. cells, $"{result.Analysis.Features.Value(token.Position, shown):0.00}", top] : [.. cells, top]
            );
        }
        terminal.Out.WriteLine();
        table.Write(terminal);
        if (result.ExcludedPositions.Count > 0)
            terminal.Out.WriteLine("* left out of all sums and means");
    }

    private static void TopFeatures(Terminal terminal, AnalyzeResult result)
    {
        if (result.WholeTextTop.Count == 0)
            return;
        var labelled = result.WholeTextTop.Any(feature => feature.Label is not null);
        Column[] columns = [new("feature", true), new("sum", true), new("largest", true), "at", new("tokens", true)];
        var table = new DataTable(labelled ? [.. columns, "label"] : columns);
        foreach (var top in result.WholeTextTop)
        {
            string[] cells =
            [
                $"{top.Feature}",
                $"{top.Sum:0.00}",
                $"{top.Largest:0.00}",
                $"{top.LargestPosition} {Format.Quoted(result.Tokens[top.LargestPosition].Text)}",
                $"{top.Tokens}",
            ];
            table.Add(labelled ? [.. cells, top.Label ?? ""] : cells);
        }
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("strongest features of the whole text:");
        table.Write(terminal);
        // Outside the table, which would break long addresses.
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("their dashboards:");
        foreach (var top in result.WholeTextTop)
            terminal.Out.WriteLine($"{top.Feature, 7}  {top.Page}  {top.Neuronpedia}".TrimEnd());
    }

    private static Style StyleOf(float shade) =>
        shade <= 0 ? Style.Plain : new Style(shade < 0.55 ? Color.Black : Color.White, Pale.Blend(Deep, shade));
}
