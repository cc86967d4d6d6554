using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>Headlines as one HTML page that needs nothing else: no script, no outside resource.</summary>
public static class HeadlinesPage
{
    // A matrix that nobody can look over would only make the page heavy; the CSV has every row.
    private const int Shown = 500;
    private const int ShownTopics = 40;
    private const int ShownFeatures = 8;

    private const string Style = """
        .scroll.broad:has(.cell) th { font-size: .75rem; }
        .scroll.broad:has(.cell) :is(th, td):not(:first-child) { padding-left: .3rem; padding-right: .3rem; }
        td.headline { min-width: min(20rem, 45vw); }
        .cell { text-align: center; background: color-mix(in srgb, var(--blue) calc(var(--s) * 78%), transparent); }
        .text { font-size: 1rem; line-height: 1.9; margin-bottom: .6rem; }

        """;

    /// <summary>The page.</summary>
    public static Markup Render(HeadlinesResult result) =>
        new ReportPage($"{result.Headlines.Count} headlines", Header(result)) { Style = Style }.Render(
            Markup.Of($"{Validation(result.Validation)}{Matrix(result)}{FeaturesByTopic(result)}{Texts(result)}"),
            Markup.Of(
                $"<p>{result.Formula}. Densities from {result.DensityTokens:#,0} tokens. The numbers of features lead to their pages, which "
                    + $"open while gemmascope serve runs.</p>\n"
            )
        );

    private static Markup Header(HeadlinesResult result) =>
        Markup.Of(
            $"""
            <p class="meta">{result.Model} · {result.Dictionary} · topics: {result.TopicSource}</p>
            {(result.Warning is { } warning ? Markup.Of($"<p><b>{warning}</b></p>") : Markup.Empty)}
            """
        );

    private static Markup Validation(TopicsValidation? validation) =>
        validation is null
            ? Markup.Empty
            : Markup.Of(
                $"""
                {PageTable.Of(
                    $"On {validation.HeldOutRows} held-out headlines",
                    ["method", new("accuracy", true), new("AUROC", true), new("named", true), new("right of those", true)],
                    validation.Methods.Select(one =>
                        Markup.Of(
                            $"<tr><td>{one.Method}</td>{Number(one.Accuracy)}{Number(one.Auroc)}"
                                + $"{Number(one.Named)}{Number(one.AccuracyWhereNamed)}</tr>\n"
                        )
                    )
                )}<p class="note">Learned from {validation.TrainingRows} headlines; held out: {validation.Split}. {Majority(validation)}</p>

                """
            );

    private static Markup Matrix(HeadlinesResult result)
    {
        string[] topics = [.. result.Topics.Take(ShownTopics)];
        var table = PageTable.Of(
            "Topic × headline",
            ["headline", "topic", .. topics.Select(topic => new PageColumn(topic))],
            result.Headlines.Take(Shown).Index().Select(one => Row(one.Index, one.Item)),
            wide: true
        );
        if (result.Headlines.Count <= Shown && result.Topics.Count <= topics.Length)
            return table;
        var shown = Math.Min(Shown, result.Headlines.Count);
        return Markup.Of(
            $"{table}<p class=\"note\">Shown: the first {shown} of {result.Headlines.Count} headlines "
                + $"and {topics.Length} of {result.Topics.Count} topics.</p>\n"
        );

        Markup Row(int number, HeadlineReport headline) =>
            Markup.Of(
                $"<tr><td class=\"headline\"><a href=\"#h{number}\">{headline.Headline}</a></td><td>{Topic(headline)}</td>"
                    + $"{topics.Select(topic => Cell(result, headline, topic))}</tr>\n"
            );
    }

    private static Markup Cell(HeadlinesResult result, HeadlineReport headline, string topic) =>
        headline.Scores.TryGetValue(topic, out var score)
            ? Markup.Of(
                $"<td class=\"cell\" style=\"--s:{score / Darkest(result, headline):0.##}\">{(score < 0.005 ? "" : $"{score:0.00}")}</td>"
            )
            : Markup.Of($"<td class=\"cell\" style=\"--s:0\"></td>");

    // Probabilities are shades as they are, sums are against the headline's largest.
    private static double Darkest(HeadlinesResult result, HeadlineReport headline) =>
        result.Validation is not null ? 1 : headline.Scores.Values.Max();

    private static Markup FeaturesByTopic(HeadlinesResult result) =>
        result.Topics.Count == 0
            ? Markup.Empty
            : PageTable.Of(
                "Features by topic",
                ["topic", new("headlines", true), "features that speak for it, with their tokens"],
                result
                    .Topics.Take(ShownTopics)
                    .Select(topic =>
                        Markup.Of(
                            $"<tr><td>{topic}</td><td class=\"n\">{result.Headlines.Count(one => one.Topic == topic)}</td>"
                                + $"<td>{result.FeaturesOf(topic).Take(ShownFeatures).Select(Chip)}</td></tr>\n"
                        )
                    )
            );

    private static Markup Chip(TopicFeature one) =>
        Markup.Of(
            $"<span class=\"chip\">{Link(one.Feature, one.Page, one.Label)} "
                + $"<span>{one.Label ?? one.Words} {one.Contribution:0.00}</span></span>"
        );

    /// <summary>Each headline with its tokens shaded by how strongly its top features fire there.</summary>
    private static Markup Texts(HeadlinesResult result) =>
        Markup.Of(
            $"""
            <h2>Headlines</h2>
            <p class="note">Tokens are shaded by the strongest of the headline’s own top features; point at one for their values.</p>
            {result.Headlines.Take(Shown).Index().Select(one => Text(one.Index, one.Item))}
            """
        );

    private static Markup Text(int number, HeadlineReport headline) =>
        Markup.Of(
            $"<p class=\"text\" id=\"h{number}\">"
                + $"{Enumerable.Range(1, headline.Analyzed.Reading.Counted.Count - 1).Select(t => Token(headline, t))}"
                + $"<br><small>{Topic(headline)} · </small>{headline.TopFeatures.Select(Chip)}</p>\n"
        );

    private static Markup Chip(HeadlineFeature one) =>
        Markup.Of(
            $"<small class=\"chip\">{Link(one.Feature, one.Neuronpedia ?? one.Page, one.Label)} <span>{one.Score:0.0}</span></small>"
        );

    private static Markup Token(HeadlineReport headline, int t)
    {
        var reading = headline.Analyzed.Reading;
        var fired = headline
            .TopFeatures.Select(one =>
                (
                    one.Feature,
                    one.Label,
                    Value: reading.Features.Value(t, one.Feature),
                    Largest: reading.Features.Value(one.Position, one.Feature)
                )
            )
            .ToArray();
        var shade = reading.Counted[t] ? fired.Select(one => one.Value / one.Largest).DefaultIfEmpty(0).Max() : 0;
        var tip = string.Join('\n', fired.Where(one => one.Value > 0).Select(one => $"{one.Feature}  {one.Value:0.00}  {one.Label}"));
        return Markup.Of(
            $"<span class=\"t\" tabindex=\"0\" style=\"--s:{shade:0.##}\" data-tip=\"{tip}\">"
                + $"{HtmlText.Visible(headline.Analyzed.TokenText(t))}</span>"
        );
    }

    private static string Majority(TopicsValidation validation) =>
        $"Always naming the commonest topic is right for {validation.MajorityAccuracy:0.000}.";

    private static string Topic(HeadlineReport headline) => headline.Topic ?? HeadlinesResult.Unknown;

    private static Markup Number(double? value) => Markup.Of($"<td class=\"n\">{$"{value:0.000}"}</td>");

    private static Markup Link(int feature, string page, string? label) =>
        Markup.Of($"<a href=\"{page}\" title=\"{label ?? "dashboard"}\">{feature}</a>");
}
