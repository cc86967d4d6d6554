using System.Text;
using System.Text.Json;
using GemmaScope.Features;
using GemmaScope.Safety;

namespace GemmaScope.Cli.Output;

/// <summary>What an explanation of verdicts shows.</summary>
internal sealed record ShieldWhyView(string Model, ShieldOptions Options, IReadOnlyList<VerdictExplanation> Found, int Top, FeatureLabels? Labels)
{
    public const string Meaning =
        "direct: the feature's share of the raw gap, straight through the final norm (its scale frozen) and the unembedding; above 0 it speaks for Yes. " +
        "measured: how much smaller the raw gap was when the feature was taken out at the last position and the rest was run again, by every path. " +
        "The final soft cap bends the gap, so the probability is made of the capped one.";

    public static IEnumerable<(string Name, double Value)> Parts(VerdictExplanation one) =>
    [
        ($"{one.Features.Count} active features", one.FeatureTotal), ("the dictionary's bias", one.Bias), ("its error", one.Error), ("elsewhere", one.Elsewhere), ("raw gap", one.RawGap), ("gap after the soft cap", one.Gap),
    ];

    public IEnumerable<string[]> Rows(VerdictExplanation one) => one.Features.Take(Top).Select(feature => (string[])
    [
        $"{feature.Feature}", $"{feature.Activation:0.00}", Signed(feature.Direct), feature.Removed is { } removed ? Signed(removed.Change) : "", feature.Removed is { } without ? $"{without.Probability:0.0000}" : "",
        Labels?[feature.Feature] ?? "",
    ]);

    public static string Signed(double value) => $"{value:+0.0000;-0.0000;0.0000}";

    /// <summary>The features that were removed together: predicted and measured.</summary>
    public static (int Count, double Direct, Removal Measured)? Together(VerdictExplanation one) => one.RemovedTogether is not { } measured ? null
        : (one.Features.Count(feature => feature.Removed is not null), one.Features.Where(feature => feature.Removed is not null).Sum(feature => feature.Direct), measured);

    public static string Verdict(VerdictExplanation one) => $"{one.Score.Policy.Key}: {one.Score.Probability:0.0000}, {(one.Score.IsViolated ? "violated" : "not violated")}";
}

/// <summary>An explanation of verdicts as text, JSON and a page.</summary>
internal static class ShieldWhyOutput
{
    public static void Print(Terminal terminal, ShieldWhyView view)
    {
        foreach (var one in view.Found)
        {
            terminal.Out.WriteLine($"{ShieldWhyView.Verdict(one)}; features of {one.Dictionary} at position {one.Position}, FVU {Format.Defined(double.IsFinite(one.Fvu) ? one.Fvu : null, "0.000")}");
            terminal.Out.WriteLine();
            var parts = new DataTable("part of the Yes-No gap", new("logits", true));
            foreach (var (name, value) in ShieldWhyView.Parts(one)) parts.Add(name, ShieldWhyView.Signed(value));
            parts.Write(terminal);
            terminal.Out.WriteLine();
            var table = new DataTable(new("feature", true), new("activation", true), new("direct", true), new("measured", true), new("probability without", true), "label");
            foreach (var row in view.Rows(one)) table.Add(row);
            if (ShieldWhyView.Together(one) is { } together)
                table.Add($"{together.Count} together", "", ShieldWhyView.Signed(together.Direct), ShieldWhyView.Signed(together.Measured.Change), $"{together.Measured.Probability:0.0000}", "");
            table.Write(terminal);
            terminal.Out.WriteLine();
        }
        terminal.Out.WriteLine(ShieldWhyView.Meaning);
        terminal.Out.Flush();
        foreach (var warning in view.Found.SelectMany(one => one.Warnings).Distinct()) terminal.Error.WriteLine($"note: {warning}");
    }

    public static void Write(Utf8JsonWriter json, ShieldWhyView view)
    {
        ShieldJson.Setting(json, view.Model, view.Options);
        json.Objects("verdicts", view.Found, one =>
        {
            ShieldJson.Score(json, one.Score);
            json.WriteString("dictionary", one.Dictionary);
            json.WriteString("site", one.Site);
            json.WriteNumber("position", one.Position);
            json.Number("raw_gap", one.RawGap);
            json.Number("gap", one.Gap);
            json.Number("features_direct", one.FeatureTotal);
            json.Number("bias_direct", one.Bias);
            json.Number("error_direct", one.Error);
            json.Number("elsewhere", one.Elsewhere);
            json.Number("fvu", one.Fvu);
            json.WriteNumber("active_features", one.Features.Count);
            json.Objects("features", one.Features.Take(view.Top), feature =>
            {
                json.WriteNumber("feature", feature.Feature);
                json.Number("activation", feature.Activation);
                json.Number("direct", feature.Direct);
                json.Number("measured", feature.Removed?.Change);
                json.Number("probability_without", (double?)feature.Removed?.Probability);
                json.WriteString("label", view.Labels?[feature.Feature]);
            });
            if (ShieldWhyView.Together(one) is { } together) json.Object("together", () =>
            {
                json.WriteNumber("features", together.Count);
                json.Number("direct", together.Direct);
                json.Number("measured", together.Measured.Change);
                json.Number("probability_without", together.Measured.Probability);
            });
            json.Strings("warnings", one.Warnings);
        });
    }

    public static string Page(ShieldWhyView view)
    {
        var html = new StringBuilder(Html.Begin("Why a verdict came out so", "", $"<p class=\"meta\">{Html.Encode(view.Model)} · template {view.Options.Template.Name}</p>"));
        foreach (var warning in view.Found.SelectMany(one => one.Warnings).Distinct()) html.Append($"<p><b>{Html.Encode(warning)}</b></p>\n");
        foreach (var one in view.Found)
        {
            html.Append($"<h2>{Html.Encode(ShieldWhyView.Verdict(one))}</h2>\n<p class=\"meta\">features of {Html.Encode(one.Dictionary)} at {one.Site}, position {one.Position}, FVU {one.Fvu:0.000}</p>\n");
            Table(html, ["part of the Yes-No gap", "logits"], ShieldWhyView.Parts(one).Select(part => (string[])[part.Name, ShieldWhyView.Signed(part.Value)]), 1);
            var together = ShieldWhyView.Together(one) is { } all
                ? (string[][])[[$"{all.Count} together", "", ShieldWhyView.Signed(all.Direct), ShieldWhyView.Signed(all.Measured.Change), $"{all.Measured.Probability:0.0000}", ""]]
                : [];
            Table(html, ["feature", "activation", "direct", "measured", "probability without", "label"], view.Rows(one).Concat(together), 4);
        }
        return html.Append($"</main>\n<footer><p>{Html.Encode(ShieldWhyView.Meaning)}</p></footer>\n</body>\n</html>\n").ToString();
    }

    private static void Table(StringBuilder html, string[] head, IEnumerable<string[]> rows, int numbers)
    {
        html.Append($"<div class=\"scroll\"><table>\n<tr>{string.Concat(head.Select(name => $"<th>{name}</th>"))}</tr>\n");
        foreach (var row in rows)
            html.Append($"<tr>{string.Concat(row.Select((cell, i) => $"<td{(i > 0 && i <= numbers ? " class=\"n\"" : "")}>{Html.Encode(cell)}</td>"))}</tr>\n");
        html.Append("</table></div>\n");
    }
}
