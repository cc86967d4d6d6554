using System.Text;
using GemmaScope.Features;

namespace GemmaScope.Cli.Output;

/// <summary>
/// An analysis as one HTML page that needs nothing else: no script, no outside resource. What shades the text is chosen with
/// radio buttons and CSS alone, so the page works in any viewer and cannot do anything but be read.
/// </summary>
internal sealed class AnalysisPage
{
    private readonly AnalysisView _view;
    private readonly TextAnalysis _analysis;
    private readonly TextFeature[] _top;
    private readonly int? _chosen;
    private readonly int[] _choices;
    private readonly StringBuilder _html = new();

    private AnalysisPage(AnalysisView view, int? chosen)
    {
        (_view, _analysis, _top, _chosen) = (view, view.Analysis, [.. view.TopFeatures], chosen);
        var top = _top.Select(feature => feature.Report.Index);
        _choices = [.. chosen is { } feature ? top.Union([feature]) : top];
    }

    /// <summary>The page, shaded at first by one feature or, where none is chosen, by each token's strongest.</summary>
    public static string Render(AnalysisView view, int? chosen = null)
    {
        var page = new AnalysisPage(view, chosen);
        page.Head();
        page.Figures();
        page.Text();
        page.TopFeatures();
        page.Tokens();
        page.NextTokens();
        page.Foot();
        return page._html.ToString();
    }

    private void Head() =>
        _html.Append(
            Html.Begin(
                Shortened(_analysis.Text),
                ChoiceStyle(),
                $"""<p class="meta">{Encode(_analysis.Model)} · {string.Join(", ", _analysis.InputSites)} · {Encode(_analysis.Dictionary)} ({_analysis.Width:#,0} features) · {_analysis.Arithmetic} arithmetic, {Encode(_analysis.Kernels)}</p>"""
            )
        );

    private void Figures() =>
        _html.Append(
            $"""
            <dl class="figures">
            <div><dt>tokens</dt><dd>{_analysis.Tokens.Count
                - _analysis.ExcludedPositions.Count}</dd><dd class="of">and {_analysis.ExcludedPositions.Count} left out (BOS, special)</dd></div>
            <div><dt>mean L0</dt><dd>{Format.Defined(_analysis.MeanL0, "0.0")}</dd><dd class="of">active features a token</dd></div>
            <div><dt>FVU</dt><dd>{Format.Defined(_analysis.Fvu, "0.000")}</dd><dd class="of">variance not explained</dd></div>
            <div><dt>variance explained</dt><dd>{Format.Defined(
                _analysis.TutorialVarianceExplained,
                "0.000"
            )}</dd><dd class="of">by the tutorial’s formula</dd></div>
            </dl>

            """
        );

    private void Text()
    {
        _html.Append(
            $"<p><label><input type=\"radio\" name=\"shade\" id=\"strongest\"{Checked(null)}> each token shaded by its strongest feature</label></p>\n"
        );
        // A feature that is not among the strongest of the text has no row below to be chosen in.
        if (_chosen is { } own && _top.All(top => top.Report.Index != own))
            _html.Append(
                $"<p><label><input type=\"radio\" name=\"shade\" id=\"shade{own}\" checked> shaded by feature {own}</label></p>\n"
            );
        _html.Append("<p class=\"text\">");
        var strongest = _view.ShadesByStrongest();
        var shades = _choices.Select(feature => (Index: feature, Values: _view.ShadesBy(feature))).ToArray();
        foreach (var token in _analysis.Tokens)
        {
            var t = token.Position;
            var style = string.Concat(
                shades.Where(shade => shade.Values[t] > 0).Select(shade => $";--f{shade.Index}:{shade.Values[t]:0.##}")
            );
            _html.Append(
                $"<a class=\"t{(token.Counted ? "" : " out")}\" href=\"#t{t}\" style=\"--s:{strongest[t]:0.##}{style}\" data-tip=\"{Encode(Tip(token))}\">{Encode(Format.Visible(_view.TextOf(token)))}</a>"
            );
        }
        _html.Append(
            "</p>\n<p class=\"note\">Point at a token for its values; click it for its features; choose a feature below to see where it fires.</p>\n"
        );
    }

    private void TopFeatures()
    {
        var labelled = _top.Any(top => top.Report.Label is not null);
        var published = _top.Any(top => top.Report.Neuronpedia is not null);
        Table(
            "Strongest features of the whole text",
            $"<th>shade</th><th>feature</th><th class=\"n\">sum</th><th class=\"n\">largest</th><th>at</th><th class=\"n\">tokens</th>{(labelled ? "<th>label</th>" : "")}{(published ? "<th>Neuronpedia</th>" : "")}"
        );
        foreach (var (feature, largest, at, tokens) in _top)
        {
            _html.Append(
                $"<tr><td><input type=\"radio\" name=\"shade\" id=\"shade{feature.Index}\" aria-label=\"shade by feature {feature.Index}\"{Checked(feature.Index)}></td><td>{Link(feature)}</td>"
            );
            _html.Append(
                $"<td class=\"n\">{feature.Activation:0.00}</td><td class=\"n\">{largest:0.00}</td><td class=\"p\"><a href=\"#t{at}\">{Encode(Format.Visible(_view.TextOf(_analysis.Tokens[at])))}</a></td><td class=\"n\">{tokens}</td>"
            );
            if (labelled)
                _html.Append($"<td>{Encode(feature.Label ?? "")}</td>");
            if (published)
                _html.Append($"<td>{(feature.Neuronpedia is { } address ? $"<a href=\"{Encode(address)}\">dashboard</a>" : "")}</td>");
            _html.Append("</tr>\n");
        }
        _html.Append("</table></div>\n");
    }

    private void Tokens()
    {
        Table("Token by token", "<th class=\"n\">position</th><th>token</th><th class=\"n\">L0</th><th>strongest features</th>");
        foreach (var token in _analysis.Tokens)
        {
            _html.Append(
                $"<tr id=\"t{token.Position}\"><td class=\"n\">{token.Position}</td><td class=\"p\">{Encode(Format.Visible(_view.TextOf(token)))}</td><td class=\"n\">{token.L0}</td><td>"
            );
            if (!token.Counted)
                _html.Append("<span class=\"out\">left out of sums and means</span> ");
            foreach (var feature in token.Top)
                _html.Append($"<span class=\"chip\">{Link(feature)} <span>{feature.Activation:0.00}</span></span>");
            _html.Append("</td></tr>\n");
        }
        _html.Append("</table></div>\n");
    }

    private void NextTokens()
    {
        if (_analysis.Next.Count == 0)
            return;
        _html.Append("<h2>Most likely next tokens</h2>\n<p>");
        foreach (var next in _analysis.Next)
            _html.Append($"<span class=\"chip\"><code>{Encode(next.Display)}</code> <span>{next.Logit:0.00}</span></span>");
        _html.Append("</p>\n");
    }

    private void Foot() =>
        _html.Append(
            """
            </main>
            <footer>
            <p>Position 0 (BOS) and special tokens are shown but left out of sums, L0 and FVU. L0 counts the features above 0. FVU = Σ‖x − x̂‖² / Σ‖x − x̄‖² with one mean per dimension. The tutorial’s variance explained, 1 − mean((x̂ − x)²) / var(x) around one global mean, is never below 1 − FVU.</p>
            </footer>
            </body>
            </html>

            """
        );

    private void Table(string title, string head) =>
        _html.Append(
            $"<h2>{title}</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\"><table>\n<tr>{head}</tr>\n"
        );

    private static string Tip(TokenReport token) =>
        string.Join(
            '\n',
            [
                $"position {token.Position} · id {token.Id} · L0 {token.L0}",
                .. token.Top.Select(feature => $"{feature.Index}  {feature.Activation:0.00}  {feature.Label}"),
            ]
        );

    private string Link(FeatureReport feature) =>
        $"<a href=\"{Encode(_view.Page(feature))}\" title=\"{Encode(feature.Label ?? "dashboard")}\">{feature.Index}</a>";

    /// <summary>One rule for each feature that can be chosen: its values take the place of the strongest ones.</summary>
    private string ChoiceStyle() =>
        string.Concat(_choices.Select(feature => $"body:has(#shade{feature}:checked) .t {{ --a: var(--f{feature}, 0); }}\n"));

    private string Checked(int? feature) => feature == _chosen ? " checked" : "";

    private static string Shortened(string text) => text.Length <= 60 ? text : text[..60] + "…";

    private static string Encode(string text) => Html.Encode(text);
}
