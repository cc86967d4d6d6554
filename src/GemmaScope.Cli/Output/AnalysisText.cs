using GemmaScope.Features;
using Spectre.Console;

namespace GemmaScope.Cli.Output;

/// <summary>An analysis for people: tables and a shaded text on a terminal, plain lines in a pipe.</summary>
internal static class AnalysisText
{
    // From pale to deep blue; the text is light where the ground is dark.
    private static readonly Color Pale = new(222, 235, 247),
        Deep = new(8, 81, 156);

    public static void Write(Terminal terminal, AnalysisView view, int? shadedBy)
    {
        Summary(terminal, view.Analysis);
        if (terminal is { OutputIsTerminal: true, Colors: true })
            Shaded(terminal, view, shadedBy);
        Tokens(terminal, view, shadedBy);
        TopFeatures(terminal, view);
    }

    public static void NextTokens(Terminal terminal, TextAnalysis analysis) =>
        terminal.Out.WriteLine(
            "most likely next tokens (logit): "
                + string.Join("  ", analysis.Next.Select(next => $"{Format.Quoted(next.Display)} ({next.Logit:0.00})"))
        );

    private static void Summary(Terminal terminal, TextAnalysis analysis)
    {
        var excluded = analysis.ExcludedPositions.Count;
        Properties.Write(
            terminal,
            ("model", analysis.Model),
            (
                "dictionary",
                $"{analysis.Dictionary} ({analysis.Family}), {analysis.Width} features, reads {string.Join(", ", analysis.InputSites)}"
            ),
            ("arithmetic", $"{analysis.Arithmetic}, {analysis.Kernels}"),
            ("tokens", $"{analysis.Tokens.Count - excluded}, and {excluded} left out of all sums and means (BOS and other special tokens)"),
            ("mean L0", $"{Format.Defined(analysis.MeanL0, "0.0")} active features a token"),
            ("FVU", $"{Format.Defined(analysis.Fvu, "0.0000")}, the fraction of variance that is not explained"),
            (
                "variance explained",
                $"{Format.Defined(analysis.TutorialVarianceExplained, "0.0000")} by the tutorial's formula (one global mean; never below 1 - FVU)"
            ),
            ("norm", $"{analysis.BosNorm:0.0} at position 0, {Format.Defined(analysis.MeanNorm, "0.0")} on average")
        );
        foreach (var warning in analysis.Warnings)
            terminal.Error.WriteLine($"warning: {warning}");
    }

    private static void Shaded(Terminal terminal, AnalysisView view, int? feature)
    {
        var shades = feature is { } chosen ? view.ShadesBy(chosen) : view.ShadesByStrongest();
        var text = new Paragraph();
        foreach (var token in view.Analysis.Tokens)
            text.Append(
                Format.Visible(view.TextOf(token)),
                token.Counted ? StyleOf(shades[token.Position]) : new Style(decoration: Decoration.Dim)
            );
        terminal.Out.WriteLine();
        terminal.Console.Write(text);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(feature is { } shown ? $"(shaded by feature {shown})" : "(shaded by each token's strongest feature)");
    }

    private static void Tokens(Terminal terminal, AnalysisView view, int? feature)
    {
        Column[] first = [new("position", true), "token", new("L0", true)];
        Column strongest = "strongest features (activation)";
        var table = new DataTable(feature is { } chosen ? [.. first, new($"feature {chosen}", true), strongest] : [.. first, strongest]);
        foreach (var token in view.Analysis.Tokens)
        {
            string[] cells = [$"{token.Position}", Format.Quoted(view.TextOf(token)) + (token.Counted ? "" : " *"), $"{token.L0}"];
            var top = string.Join("  ", token.Top.Select(report => $"{report.Index} ({report.Activation:0.00})"));
            table.Add(
                feature is { } shown ? [.. cells, $"{view.Analysis.Features.Value(token.Position, shown):0.00}", top] : [.. cells, top]
            );
        }
        terminal.Out.WriteLine();
        table.Write(terminal);
        if (view.Analysis.ExcludedPositions.Count > 0)
            terminal.Out.WriteLine("* left out of all sums and means");
    }

    private static void TopFeatures(Terminal terminal, AnalysisView view)
    {
        if (view.Analysis.WholeTextTop.Count == 0)
            return;
        var labelled = view.Analysis.WholeTextTop.Any(feature => feature.Label is not null);
        Column[] columns = [new("feature", true), new("sum", true), new("largest", true), "at", new("tokens", true)];
        var table = new DataTable(labelled ? [.. columns, "label"] : columns);
        foreach (var (feature, largest, at, tokens) in view.TopFeatures)
        {
            string[] cells =
            [
                $"{feature.Index}",
                $"{feature.Activation:0.00}",
                $"{largest:0.00}",
                $"{at} {Format.Quoted(view.TextOf(view.Analysis.Tokens[at]))}",
                $"{tokens}",
            ];
            table.Add(labelled ? [.. cells, feature.Label ?? ""] : cells);
        }
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("strongest features of the whole text:");
        table.Write(terminal);
        // Outside the table, which would break long addresses.
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("their dashboards:");
        foreach (var feature in view.Analysis.WholeTextTop)
            terminal.Out.WriteLine($"{feature.Index, 7}  {view.Page(feature)}  {feature.Neuronpedia}".TrimEnd());
    }

    private static Style StyleOf(float shade) =>
        shade <= 0 ? Style.Plain : new Style(shade < 0.55 ? Color.Black : Color.White, Pale.Blend(Deep, shade));
}
