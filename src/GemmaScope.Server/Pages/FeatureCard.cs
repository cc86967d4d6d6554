using GemmaScope.Features;
using GemmaScope.Features.Statistics;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What comes up where a feature is pointed at: name, figures, its best examples and the words it moves. A fragment, not a
/// page.</summary>
/// <param name="dictionary">Its dictionary.</param>
/// <param name="glance">What is known of it.</param>
internal sealed class FeatureCard(StoredDictionary dictionary, FeatureGlance glance)
{
    /// <summary>Examples of a card.</summary>
    private const int Examples = 3;

    private readonly FeatureDashboard _one = glance.Dashboard;

    /// <summary>Where the card of a feature is found.</summary>
    public static string Address(StoredDictionary dictionary, int feature) => $"{PageAddress.Feature(dictionary, feature)}/card";

    /// <summary>The card.</summary>
    public Markup Render() =>
        Markup.Of(
            $"""
            <article class="feature-card">
            {Name()}{Figures()}{Best(Examples)}{Words(Examples + 1)}<p class="more"><a href="{PageAddress.Feature(
                dictionary,
                _one.Feature
            )}">open #{_one.Feature}</a></p>
            </article>

            """
        );

    /// <summary>Its name.</summary>
    public Markup Name() =>
        Markup.Of(
            $"<h3><a href=\"{PageAddress.Feature(dictionary, _one.Feature)}\">#{_one.Feature}</a> {FeatureName.Of(glance.Labels is [var label, ..] ? label.Text : null, glance)}</h3>\n"
        );

    /// <summary>How often and how strongly it fires, and what its label is worth.</summary>
    public Markup Figures() =>
        Markup.Of(
            $"<p class=\"note\">{(_one.IsDead ? Markup.Of($"never fires") : Markup.Of($"fires on {Digits.Percent(_one.Density)} of tokens{(_one.Density > FeatureMeaning.DenseFrom ? ", which is dense" : "")} · up to {new Rounded(_one.Max, 1, Padded: true)}"))}{(
                glance.Labels is [{ Score: { } score }, ..] ? Markup.Of($" · label scores {new Rounded(score, 2, Padded: true)}") : Markup.Empty
            )}</p>\n"
        );

    /// <summary>Its best examples, each around its strongest token.</summary>
    public Markup Best(int most) =>
        Markup.Of(
            $"<ol class=\"best\">{glance.Best(most).Select(example => Markup.Of($"<li>{TokenMarkup.Excerpt(example, glance.Source.Piece, _one.Max)}</li>"))}</ol>\n"
        );

    /// <summary>The words it makes likelier and less likely.</summary>
    public Markup Words(int most) =>
        !glance.Promoted.Any() && !glance.Suppressed.Any()
            ? Markup.Empty
            : Markup.Of(
                $"<p class=\"moves\"><span class=\"up\">▲ {FeatureName.Chips(glance.Promoted, most)}</span> <span class=\"down\">▼ {FeatureName.Chips(glance.Suppressed, most)}</span></p>\n"
            );
}
