using GemmaScope.Features;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Spectre.Console;
using Digits = GemmaScope.Workbench.Html.Digits;

namespace GemmaScope.Cli.Output;

/// <summary>An analysis for people: tables and a shaded text on a terminal, plain lines in a pipe.</summary>
internal static class AnalyzeText
{
    // From pale to deep blue; the text is light where the ground is dark.
    private static readonly Color Pale = new(222, 235, 247),
        Deep = new(8, 81, 156);

    /// <summary>Features of a token where they have labels, which take room; without labels all that the result has.</summary>
    private const int Labelled = 2;

    private const int ShortLabel = 36,
        LongLabel = 70;

    /// <param name="terminal">Where to write.</param>
    /// <param name="result">The analysis.</param>
    /// <param name="perToken">Features of each token; null for as many as are read easily.</param>
    public static void Write(Terminal terminal, AnalyzeResult result, int? perToken = null)
    {
        Summary(terminal, result);
        if (terminal is { OutputIsTerminal: true, Colors: true })
            Shaded(terminal, result);
        Tokens(terminal, result, perToken);
        TopFeatures(terminal, result);
    }

    /// <summary>What to try next, with the most telling feature of this text.</summary>
    public static void GoOn(Terminal terminal, AnalyzeResult result)
    {
        if (result.WholeTextTop.Count == 0)
            return;
        var feature = result.WholeTextTop[0].Feature;
        var same = result.Model == MicroscopeOptions.DemoModel ? "" : $" --model {result.Model} --sae …";
        terminal.Out.WriteLine();
        terminal.Out.WriteLine("go on:");
        terminal.Out.WriteLine(
            $"  gemmascope analyze \"…\" --feature {feature}{same}    see where one feature fires in another text, or write a page with --html"
        );
        terminal.Out.WriteLine($"  gemmascope steer \"…\" --feature {feature} --strength 4{same}    make the model say more of it");
        terminal.Out.WriteLine("  gemmascope serve    open the microscope: every feature with its examples, search, steering");
    }

    public static void NextTokens(Terminal terminal, AnalyzeResult result) =>
        terminal.Out.WriteLine(
            "most likely next tokens: "
                + string.Join("  ", result.Analysis.Next.Select(next => $"{Format.Quoted(next.Display)} ({next.Probability:0.0 %})"))
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
        foreach (var warning in result.Analysis.Warnings)
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
        terminal.Out.WriteLine(
            result.Feature is { } shown ? $"(shaded by feature {shown})"
            : result.Analysis.IsTelling ? "(shaded by each token's most telling feature)"
            : "(shaded by each token's strongest feature)"
        );
    }

    private static void Tokens(Terminal terminal, AnalyzeResult result, int? perToken)
    {
        var feature = result.Feature;
        var labelled = result.Tokens.Any(token => token.TopFeatures.Any(one => one.Label is not null));
        var shownFeatures = perToken ?? (labelled ? Labelled : int.MaxValue);
        Column[] first = [new("position", true), "token", new("L0", true)];
        Column strongest = result.Analysis.IsTelling ? "most telling features (activation)" : "strongest features (activation)";
        var table = new DataTable(feature is { } chosen ? [.. first, new($"feature {chosen}", true), strongest] : [.. first, strongest]);
        foreach (var token in result.Tokens)
        {
            string[] cells = [$"{token.Position}", Format.Quoted(token.Text) + (token.Counted ? "" : " *"), $"{token.L0}"];
            var top = string.Join(
                "  ",
                token.TopFeatures.Take(shownFeatures).Select(one => $"{one.Feature}{Short(one.Label, ShortLabel)} ({one.Activation:0.00})")
            );
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
        var known = result.WholeTextTop.Any(feature => feature.Density is not null);
        var labelled = result.WholeTextTop.Any(feature => feature.Label is not null);
        List<Column> columns = [new("feature", true), new("sum", true), new("largest", true), "at", new("tokens", true)];
        if (known)
            columns.Add(new("fires at", true));
        if (labelled)
            columns.Add("label (score)");
        var table = new DataTable([.. columns]);
        foreach (var top in result.WholeTextTop)
        {
            List<string> cells =
            [
                $"{top.Feature}",
                $"{top.Sum:0.00}",
                $"{top.Largest:0.00}",
                $"{top.LargestPosition} {Format.Quoted(result.Tokens[top.LargestPosition].Text)}",
                $"{top.Tokens}",
            ];
            if (known)
                cells.Add(top.Density is { } density ? Share(density) : "");
            if (labelled)
                cells.Add(Short(top.Label, LongLabel).TrimStart() + (top.LabelScore is { } score ? $" ({score:0.00})" : ""));
            table.Add([.. cells]);
        }
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            result.Analysis.IsTelling
                ? "most telling features of the whole text (strong here, silent at most tokens elsewhere; * fires nearly everywhere):"
                : "strongest features of the whole text:"
        );
        table.Write(terminal);
        Addresses(terminal, result.WholeTextTop);
    }

    /// <summary>Where the features have dashboards; outside the table, which would break long addresses.</summary>
    private static void Addresses(Terminal terminal, IReadOnlyList<TextFeature> features)
    {
        var first = features[0].Page;
        var served = Dashboards.AreServed(first);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(served ? "their dashboards:" : Dashboards.HowToServe(first));
        foreach (var top in features.Where(top => served || top.Neuronpedia is not null))
            terminal.Out.WriteLine($"{top.Feature, 7}  {(served ? $"{top.Page}  " : "")}{top.Neuronpedia}".TrimEnd());
    }

    /// <summary>A label as it stands behind the number of its feature.</summary>
    public static string Named(string? label) => Short(label, ShortLabel);

    /// <summary>A label behind a number, cut where a list of words can be.</summary>
    private static string Short(string? label, int most)
    {
        if (label is null)
            return "";
        if (label.Length <= most)
            return $" {label}";
        var end = label.LastIndexOf(", ", most - 1, StringComparison.Ordinal);
        return $" {label[..(end > most / 2 ? end : most - 1)]} …";
    }

    /// <summary>A share of tokens; one who fires nearly everywhere is marked.</summary>
    private static string Share(double density) => Digits.Percent(density) + (density > FeatureMeaning.DenseFrom ? " *" : "");

    private static Style StyleOf(float shade) =>
        shade <= 0 ? Style.Plain : new Style(shade < 0.55 ? Color.Black : Color.White, Pale.Blend(Deep, shade));
}
