using System.Text;
using GemmaScope.Features;

namespace GemmaScope.Cli.Output;

/// <summary>A headline report as one HTML page that needs nothing else: no script, no outside resource.</summary>
internal sealed class HeadlinesPage
{
    // A matrix that nobody can look over would only make the page heavy; the CSV has every row.
    private const int Shown = 500;
    private const int ShownTopics = 40;

    private const string Style = """
        .cell { text-align: center; background: color-mix(in srgb, var(--blue) calc(var(--s) * 78%), transparent); }
        .text { font-size: 1rem; line-height: 1.9; margin-bottom: .6rem; }

        """;

    private readonly HeadlinesView _view;
    private readonly StringBuilder _html = new();

    private HeadlinesPage(HeadlinesView view) => _view = view;

    public static string Render(HeadlinesView view)
    {
        var page = new HeadlinesPage(view);
        page.Head();
        page.Validation();
        page.Matrix();
        page.FeaturesByTopic();
        page.Texts();
        page._html.Append(
            $"</main>\n<footer><p>{Encode(HeadlineAnalyzer.Formula)}. Densities from {view.Tokens:#,0} tokens.</p></footer>\n</body>\n</html>\n"
        );
        return page._html.ToString();
    }

    private void Head() =>
        _html.Append(
            Html.Begin(
                $"{_view.Headlines.Count} headlines",
                Style,
                $"""
                <p class="meta">{Encode(_view.Model)} · {Encode(_view.Dictionary)} · topics: {Encode(_view.Rule.Description)}</p>
                {(_view.Rule.Warning is { } warning ? $"<p><b>{Encode(warning)}</b></p>" : "")}
                """
            )
        );

    private void Validation()
    {
        if (_view.Validation is not { } validation)
            return;
        Table(
            $"On {validation.HeldOutRows} held-out headlines",
            "<th>method</th><th class=\"n\">accuracy</th><th class=\"n\">AUROC</th><th class=\"n\">named</th><th class=\"n\">right of those</th>"
        );
        foreach (var method in validation.Methods)
            _html.Append(
                $"<tr><td>{Encode(method.Method)}</td><td class=\"n\">{method.Accuracy:0.000}</td><td class=\"n\">{method.Auroc:0.000}</td><td class=\"n\">{method.Known:0.000}</td><td class=\"n\">{method.AccuracyWhereKnown:0.000}</td></tr>\n"
            );
        _html.Append(
            $"</table></div>\n<p class=\"note\">Learned from {validation.TrainingRows} headlines; held out: {Encode(validation.Split)}. Always naming the commonest topic is right for {validation.Majority:0.000}.</p>\n"
        );
    }

    private void Matrix()
    {
        var topics = _view.Topics.Take(ShownTopics).ToArray();
        Table("Topic × headline", $"<th>headline</th><th>topic</th>{string.Concat(topics.Select(topic => $"<th>{Encode(topic)}</th>"))}");
        foreach (var (number, headline) in _view.Headlines.Take(Shown).Index())
        {
            _html.Append(
                $"<tr><td><a href=\"#h{number}\">{Encode(headline.Text)}</a></td><td>{Encode(headline.Topic.Topic ?? HeadlinesView.Unknown)}</td>"
            );
            foreach (var topic in topics)
                _html.Append(
                    $"<td class=\"cell\" style=\"--s:{_view.Shade(headline, topic):0.##}\">{(headline.Topic.Scores.TryGetValue(topic, out var score) ? $"{score:0.00}" : "")}</td>"
                );
            _html.Append("</tr>\n");
        }
        _html.Append("</table></div>\n");
        if (_view.Headlines.Count > Shown || _view.Topics.Count > topics.Length)
            _html.Append(
                $"<p class=\"note\">Shown: the first {Math.Min(Shown, _view.Headlines.Count)} of {_view.Headlines.Count} headlines and {topics.Length} of {_view.Topics.Count} topics.</p>\n"
            );
    }

    private void FeaturesByTopic()
    {
        if (_view.Topics.Count == 0)
            return;
        Table("Features by topic", "<th>topic</th><th class=\"n\">headlines</th><th>features that speak for it, with their tokens</th>");
        foreach (var topic in _view.Topics.Take(ShownTopics))
        {
            _html.Append(
                $"<tr><td>{Encode(topic)}</td><td class=\"n\">{_view.Headlines.Count(headline => headline.Topic.Topic == topic)}</td><td>"
            );
            foreach (var feature in _view.FeaturesOf(topic).Take(8))
                _html.Append(
                    $"<span class=\"chip\">{Link(feature.Feature)} <span>{Encode(_view.Label(feature.Feature) ?? feature.Word)} {feature.Contribution:0.00}</span></span>"
                );
            _html.Append("</td></tr>\n");
        }
        _html.Append("</table></div>\n");
    }

    /// <summary>Each headline with its tokens shaded by how strongly its top features fire there.</summary>
    private void Texts()
    {
        _html.Append(
            "<h2>Headlines</h2>\n<p class=\"note\">Tokens are shaded by the strongest of the headline’s own top features; point at one for their values.</p>\n"
        );
        foreach (var (number, headline) in _view.Headlines.Take(Shown).Index())
        {
            _html.Append($"<p class=\"text\" id=\"h{number}\">");
            for (var t = 1; t < headline.Reading.Counted.Count; t++)
                Token(headline, t);
            _html.Append($"<br><small>{Encode(headline.Topic.Topic ?? HeadlinesView.Unknown)} · </small>");
            foreach (var feature in headline.Top)
                _html.Append($"<small class=\"chip\">{Link(feature.Feature)} <span>{feature.Score:0.0}</span></small>");
            _html.Append("</p>\n");
        }
    }

    private void Token(AnalyzedHeadline headline, int t)
    {
        var fired = headline
            .Top.Select(feature =>
                (
                    feature.Feature,
                    Value: headline.Reading.Features.Value(t, feature.Feature),
                    Largest: headline.Reading.Features.Value(feature.Position, feature.Feature)
                )
            )
            .ToArray();
        var shade = headline.Reading.Counted[t] ? fired.Select(one => one.Value / one.Largest).DefaultIfEmpty(0).Max() : 0;
        var tip = string.Join(
            '\n',
            fired.Where(one => one.Value > 0).Select(one => $"{one.Feature}  {one.Value:0.00}  {_view.Label(one.Feature)}")
        );
        _html.Append(
            $"<span class=\"t\" tabindex=\"0\" style=\"--s:{shade:0.##}\" data-tip=\"{Encode(tip)}\">{Encode(Format.Visible(headline.TokenText(t)))}</span>"
        );
    }

    private void Table(string title, string head) =>
        _html.Append(
            $"<h2>{Encode(title)}</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{Encode(title)}\"><table>\n<tr>{head}</tr>\n"
        );

    private string Link(int feature) =>
        $"<a href=\"{Encode(_view.Neuronpedia(feature) ?? _view.Page(feature))}\" title=\"{Encode(_view.Label(feature) ?? "dashboard")}\">{feature}</a>";

    private static string Encode(string text) => Html.Encode(text);
}
