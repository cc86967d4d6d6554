using System.Text;
using System.Text.Json;
using GemmaScope.Features;
using GemmaScope.Safety;
using GemmaScope.Server.Shield;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Cli.Output;

/// <summary>What an explanation of verdicts shows.</summary>
internal sealed record ShieldWhyView(
    string Model,
    ShieldOptions Options,
    IReadOnlyList<VerdictExplanation> Found,
    int Top,
    FeatureLabels? Labels
)
{
    public IEnumerable<string[]> Rows(VerdictExplanation one) =>
        one
            .Features.Take(Top)
            .Select(feature =>
                (string[])
                    [
                        $"{feature.Feature}",
                        $"{feature.Activation:0.00}",
                        ExplanationMarkup.Signed(feature.Direct),
                        feature.Removed is { } removed ? ExplanationMarkup.Signed(removed.Change) : "",
                        feature.Removed is { } without ? $"{without.Probability:0.0000}" : "",
                        Labels?[feature.Feature] ?? "",
                    ]
            );
}

/// <summary>An explanation of verdicts as text, JSON and a page.</summary>
internal static class ShieldWhyOutput
{
    public static void Print(Terminal terminal, ShieldWhyView view)
    {
        foreach (var one in view.Found)
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
            foreach (var row in view.Rows(one))
                table.Add(row);
            if (ExplanationMarkup.Together(one) is { } together)
                table.Add(
                    $"{together.Count} together",
                    "",
                    ExplanationMarkup.Signed(together.Direct),
                    ExplanationMarkup.Signed(together.Measured.Change),
                    $"{together.Measured.Probability:0.0000}",
                    ""
                );
            table.Write(terminal);
            terminal.Out.WriteLine();
        }
        terminal.Out.WriteLine(ExplanationMarkup.Meaning);
        terminal.Out.Flush();
        foreach (var warning in view.Found.SelectMany(one => one.Warnings).Distinct())
            terminal.Error.WriteLine($"note: {warning}");
    }

    public static void Write(Utf8JsonWriter json, ShieldWhyView view)
    {
        ShieldJson.Setting(json, view.Model, view.Options);
        json.Objects(
            "verdicts",
            view.Found,
            one =>
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
                json.Objects(
                    "features",
                    one.Features.Take(view.Top),
                    feature =>
                    {
                        json.WriteNumber("feature", feature.Feature);
                        json.Number("activation", feature.Activation);
                        json.Number("direct", feature.Direct);
                        json.Number("measured", feature.Removed?.Change);
                        json.Number("probability_without", (double?)feature.Removed?.Probability);
                        json.WriteString("label", view.Labels?[feature.Feature]);
                    }
                );
                if (ExplanationMarkup.Together(one) is { } together)
                    json.Object(
                        "together",
                        () =>
                        {
                            json.WriteNumber("features", together.Count);
                            json.Number("direct", together.Direct);
                            json.Number("measured", together.Measured.Change);
                            json.Number("probability_without", together.Measured.Probability);
                        }
                    );
                json.Strings("warnings", one.Warnings);
            }
        );
    }

    public static string Page(ShieldWhyView view)
    {
        var html = new StringBuilder(
            Html.Begin(
                "Why a verdict came out so",
                "",
                $"<p class=\"meta\">{Html.Encode(view.Model)} · template {view.Options.Template.Name}</p>"
            )
        );
        foreach (var warning in view.Found.SelectMany(one => one.Warnings).Distinct())
            html.Append($"<p class=\"note\">Note: {Html.Encode(warning)}.</p>\n");
        foreach (var one in view.Found)
            html.Append(new ExplanationMarkup(one, view.Top, feature => view.Labels?[feature], _ => null).Render());
        return html.Append($"</main>\n<footer><p>{Html.Encode(ExplanationMarkup.Meaning)}</p></footer>\n</body>\n</html>\n").ToString();
    }
}
