using GemmaScope.Features.Statistics;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>Features that have to do with one: a line for each, with all that is known of the two.</summary>
/// <param name="dictionary">Their dictionary.</param>
/// <param name="one">The feature.</param>
/// <param name="names">What is known of the others.</param>
internal sealed class RelatedView(StoredDictionary dictionary, FeatureDashboard one, NamedFeatures names)
{
    /// <summary>The features that are named.</summary>
    public static IEnumerable<int> Of(FeatureDashboard one) =>
        one
            .Neighbours.Select(near => near.Feature)
            .Concat(one.CorrelatedFeatures.Select(other => other.Feature))
            .Concat(one.Together.Select(other => other.Feature))
            .Distinct();

    /// <summary>The table; nothing where no other feature is known.</summary>
    public Markup Render()
    {
        var (near, along, together) = (
            one.Neighbours.ToLookup(other => other.Feature, other => (double)other.Cosine),
            one.CorrelatedFeatures.ToLookup(other => other.Feature, other => (double)other.Pearson),
            one.Together.ToLookup(other => other.Feature, other => other.Positions)
        );
        var rows = Of(one)
            .Select(other =>
                Markup.Of(
                    $"<tr><td class=\"wide\">{FeatureName.Link(dictionary, other, Markup.Of($"<span class=\"index\">#{other}</span> {names.Name(other)}"))}</td><td class=\"n\">{Number(near[other])}</td><td class=\"n\">{Number(along[other])}</td><td class=\"n\">{together[other].Take(1).Select(both => Markup.Of($"{(one.Count > 0 ? Digits.Percent(Math.Min(1, (double)both / one.Count)) : $"{both}")}"))}</td></tr>\n"
                )
            )
            .ToArray();
        return rows.Length == 0
            ? Markup.Empty
            : Markup.Of(
                $"""
                <table class="relatives"><caption>Related features</caption>
                <tr><th>feature</th><th class="n" title="cosine of the two decoder vectors">cosine</th><th class="n" title="Pearson correlation of the two activations over the tokens">correlation</th><th class="n" title="share of the tokens where this feature fires at which the other one fires too">together</th></tr>
                {rows}</table>
                <p class="note">Cosine of the decoder vectors; correlation of the activations; together: of the tokens where #{one.Feature} fires, the share where the other one fires too. A gap: not among its nearest.</p>

                """
            );
    }

    private static IEnumerable<Markup> Number(IEnumerable<double> values) =>
        values.Take(1).Select(value => Markup.Of($"{new Rounded(value, 2, Padded: true)}"));
}
