using System.Globalization;
using GemmaScope.Features;
using GemmaScope.Text;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>
/// An analysis as one HTML page that needs nothing else: no script, no outside resource. What shades the text is chosen with
/// radio buttons and CSS alone, so the page works in any viewer and cannot do anything but be read.
/// </summary>
public static class AnalyzePage
{
    private const int LongestTitle = 60;

    private static readonly Markup IsChecked = Markup.Trusted(" checked");

    /// <summary>The page, shaded at first by the feature that was asked for, else by each token's strongest.</summary>
    public static Markup Render(AnalyzeResult result) =>
        new ReportPage(VisibleText.Short(result.Text, LongestTitle), Header(result)) { Style = ChoiceStyle(result) }.Render(
            Markup.Of($"{Figures(result)}{Text(result)}{TopFeatures(result)}{Tokens(result)}{NextTokens(result.Analysis)}"),
            Footer
        );

    private static Markup Header(AnalyzeResult result) =>
        Markup.Of(
            $"<p class=\"meta\">{result.Model} · {string.Join(", ", result.InputSites)} · {result.Dictionary} "
                + $"({result.Width:#,0} features) · {result.Arithmetic} arithmetic, {result.Kernels}</p>{Quantised(result)}"
                + $"{DictionaryNotes.Markup(result.Warnings)}"
        );

    private static Markup Quantised(AnalyzeResult result) =>
        QuantisedHost.Note(result.Quantised) is { } note ? Markup.Of($"\n<p class=\"note\">{note}</p>") : Markup.Empty;

    private static Markup Figures(AnalyzeResult result)
    {
        var excluded = result.ExcludedPositions.Count;
        return Markup.Of(
            $"""
            <dl class="figures">
            <div><dt>tokens</dt><dd>{result.Tokens.Count - excluded}</dd><dd class="of">and {excluded} left out (BOS, special)</dd></div>
            <div><dt>mean L0</dt><dd>{Defined(result.MeanL0, "0.0")}</dd><dd class="of">active features a token</dd></div>
            <div><dt>FVU</dt><dd>{Defined(result.Fvu, "0.000")}</dd><dd class="of">variance not explained</dd></div>
            <div><dt>variance explained</dt><dd>{Defined(
                result.TutorialVarianceExplained,
                "0.000"
            )}</dd><dd class="of">by the tutorial’s formula</dd></div>
            </dl>

            """
        );
    }

    private static Markup Text(AnalyzeResult result)
    {
        // A feature that is not among the strongest of the text has no row below to be chosen in.
        var own =
            result.Feature is { } feature && result.WholeTextTop.All(top => top.Feature != feature)
                ? Markup.Of(
                    $"<p><label><input type=\"radio\" name=\"shade\" id=\"shade{feature}\" checked> "
                        + $"shaded by feature {feature}</label></p>\n"
                )
                : Markup.Empty;
        var strongest = result.Shades(null);
        var shades = Choices(result).Select(choice => (Feature: choice, Values: result.Shades(choice))).ToArray();
        return Markup.Of(
            $"""
            <p><label><input type="radio" name="shade" id="strongest"{Checked(
                result,
                null
            )}> each token shaded by its strongest feature</label></p>
            {own}<p class="text">{result.Tokens.Select(Shaded)}</p>
            <p class="note">Point at a token for its values; click it for its features; choose a feature below to see where it fires.</p>

            """
        );

        Markup Shaded(AnalyzedToken token)
        {
            var t = token.Position;
            var others = shades
                .Where(shade => shade.Values[t] > 0)
                .Select(shade => Markup.Of($";--f{shade.Feature}:{shade.Values[t]:0.##}"));
            return Markup.Of(
                $"<a class=\"t{(token.Counted ? "" : " out")}\" href=\"#t{t}\" style=\"--s:{strongest[t]:0.##}{others}\" "
                    + $"data-tip=\"{Tip(token)}\">{HtmlText.Visible(token.Text)}</a>"
            );
        }
    }

    private static Markup TopFeatures(AnalyzeResult result)
    {
        var labelled = result.WholeTextTop.Any(top => top.Label is not null);
        var published = result.WholeTextTop.Any(top => top.Neuronpedia is not null);
        return PageTable.Of(
            "Strongest features of the whole text",
            [
                "shade",
                "feature",
                .. labelled ? (PageColumn[])["label"] : [],
                "at",
                .. (PageColumn[])[new("sum", true), new("largest", true), new("tokens", true)],
                .. published ? (PageColumn[])["Neuronpedia"] : [],
            ],
            result.WholeTextTop.Select(Row)
        );

        Markup Row(TextFeature top)
        {
            var (feature, at) = (top.Feature, top.LargestPosition);
            return Markup.Of(
                $"<tr><td><input type=\"radio\" name=\"shade\" id=\"shade{feature}\" aria-label=\"shade by feature {feature}\""
                    + $"{Checked(result, feature)}></td><td>{Link(feature, top.Page, top.Label)}</td>"
                    + $"{(labelled ? Markup.Of($"<td class=\"label\">{top.Label}</td>") : Markup.Empty)}<td class=\"p\">"
                    + $"<a href=\"#t{at}\">{HtmlText.Visible(result.Tokens[at].Text)}</a></td><td class=\"n\">{top.Sum:0.00}</td>"
                    + $"<td class=\"n\">{top.Largest:0.00}</td><td class=\"n\">{top.Tokens}</td>"
                    + $"{(published ? Markup.Of($"<td>{Published(top.Neuronpedia)}</td>") : Markup.Empty)}</tr>\n"
            );
        }
    }

    private static Markup Tokens(AnalyzeResult result) =>
        PageTable.Of(
            "Token by token",
            [new("position", true), "token", new("L0", true), "strongest features"],
            result.Tokens.Select(token =>
                Markup.Of(
                    $"<tr id=\"t{token.Position}\"><td class=\"n\">{token.Position}</td><td class=\"p\">{HtmlText.Visible(token.Text)}</td>"
                        + $"<td class=\"n\">{token.L0}</td><td>{(token.Counted ? Markup.Empty : LeftOut)}"
                        + $"{token.TopFeatures.Select(Chip)}</td></tr>\n"
                )
            )
        );

    private static Markup Chip(TokenFeature one) =>
        Markup.Of($"<span class=\"chip\">{Link(one.Feature, one.Page, one.Label)} <span>{one.Activation:0.00}</span></span>");

    private static Markup NextTokens(TextAnalysis analysis) =>
        analysis.Next.Count == 0
            ? Markup.Empty
            : Markup.Of(
                $"""
                <h2>Most likely next tokens</h2>
                <p>{analysis.Next.Select(next =>
                    Markup.Of($"<span class=\"chip\"><code>{next.Display}</code> <span>{next.Probability:0.0 %}</span></span>")
                )}</p>

                """
            );

    private static Markup LeftOut { get; } = Markup.Trusted("<span class=\"out\">left out of sums and means</span> ");

    private static Markup Footer { get; } =
        Markup.Trusted(
            "<p>The numbers of features lead to their pages, which open while gemmascope serve runs. Position 0 (BOS) and special tokens are shown but left out of sums, L0 and FVU. L0 counts the features above 0. "
                + "FVU = Σ‖x − x̂‖² / Σ‖x − x̄‖² with one mean per dimension. The tutorial’s variance explained, "
                + "1 − mean((x̂ − x)²) / var(x) around one global mean, is never below 1 − FVU.</p>\n"
        );

    private static string Tip(AnalyzedToken token) =>
        string.Join(
            '\n',
            [
                $"position {token.Position} · id {token.Id} · L0 {token.L0}",
                .. token.TopFeatures.Select(one => $"{one.Feature}  {one.Activation:0.00}  {one.Label}"),
            ]
        );

    private static Markup Link(int feature, string page, string? label) =>
        Markup.Of($"<a href=\"{page}\" title=\"{label ?? "dashboard"}\">{feature}</a>");

    private static Markup Published(string? address) => address is null ? Markup.Empty : Markup.Of($"<a href=\"{address}\">dashboard</a>");

    /// <summary>The features that can shade the text.</summary>
    private static int[] Choices(AnalyzeResult result)
    {
        var top = result.WholeTextTop.Select(one => one.Feature);
        return [.. result.Feature is { } feature ? top.Union([feature]) : top];
    }

    /// <summary>One rule for each feature that can be chosen: its values take the place of the strongest ones.</summary>
    private static string ChoiceStyle(AnalyzeResult result) =>
        string.Concat(Choices(result).Select(feature => $"body:has(#shade{feature}:checked) .t {{ --a: var(--f{feature}, 0); }}\n"));

    private static Markup Checked(AnalyzeResult result, int? feature) => feature == result.Feature ? IsChecked : Markup.Empty;

    private static string Defined(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "undefined";
}
