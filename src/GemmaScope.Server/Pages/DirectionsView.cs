using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>The nearest directions of a dictionary to a feature of another one.</summary>
/// <param name="Dictionary">The dictionary's name in addresses.</param>
/// <param name="Layer">The layer it reads.</param>
/// <param name="Site">The site it writes.</param>
/// <param name="Nearest">Its nearest features, the nearest first.</param>
internal sealed record LayerDirections(string Dictionary, int Layer, string Site, IReadOnlyList<NearDirection> Nearest);

/// <summary>A feature near another one's direction.</summary>
/// <param name="Feature">Its index.</param>
/// <param name="Cosine">Cosine of the two directions in the residual stream.</param>
/// <param name="Label">Its label, or null.</param>
internal sealed record NearDirection(int Feature, double Cosine, string? Label);

/// <summary>The same direction in other layers, on the page of a feature: a line for each other dictionary in the order of the forward
/// pass.</summary>
/// <param name="address">The feature's address.</param>
/// <param name="others">Dictionaries there are to compare with.</param>
/// <param name="found">What was found, or null where it was not asked for.</param>
/// <param name="instrument">The dictionaries in memory, for their titles and for links to their features.</param>
internal sealed class DirectionsView(string address, int others, IReadOnlyList<LayerDirections>? found, Instrument instrument)
{
    public Markup Render() =>
        others == 0
            ? Markup.Empty
            : Markup.Of(
                $"""
                <section id="layers" aria-label="other layers">
                {(
                    found is null
                        ? Markup.Of(
                            $"<p><a href=\"{address}?layers=true#layers\" id=\"ask-layers\" data-in-place=\"layers\">The same direction in the other layers</a> <span class=\"soft\">({others} dictionaries)</span></p>\n"
                        )
                        : Table(found)
                )}</section>

                """
            );

    private Markup Table(IReadOnlyList<LayerDirections> layers) =>
        Markup.Of(
            $"""
            <div class="scroll" tabindex="0" role="region" aria-label="the same direction"><table class="relatives directions"><caption>The same direction in other layers: cosine of decoder vectors in the residual stream <a href="{address}/layers.json">JSON</a></caption>
            <tr><th>dictionary</th><th class="n">cosine</th><th></th><th>feature</th></tr>
            {layers.Select(Line)}</table></div>

            """
        );

    private Markup Line(LayerDirections layer)
    {
        var one = instrument.Dictionary(layer.Dictionary);
        var title = Markup.Of($"<td title=\"{layer.Dictionary}, {layer.Site}\">{instrument.Title(one).Text}</td>");
        if (layer.Nearest.Count == 0)
            return Markup.Of($"<tr>{title}<td colspan=\"3\" class=\"soft\">nothing to compare</td></tr>\n");
        var (first, rest) = (layer.Nearest[0], layer.Nearest.Skip(1));
        return Markup.Of(
            $"""
            <tr>{title}<td class="n">{new Rounded(first.Cosine, 2, Padded: true)}</td><td class="bar">{ShareBar.Of(
                Math.Abs(first.Cosine),
                leftwards: first.Cosine < 0
            )}</td><td class="wide">{Link(one.Stored, first, named: true)} <span class="soft">{rest.Select(
                (near, i) => Markup.Of($"{(i == 0 ? "then " : ", ")}{Link(one.Stored, near, named: false)}")
            )}</span></td></tr>

            """
        );
    }

    /// <summary>A feature; a link with its name where the database knows it.</summary>
    private static Markup Link(StoredDictionary? stored, NearDirection near, bool named)
    {
        var name = Markup.Of(
            $"<span class=\"index\">#{near.Feature}</span>{(named && near.Label is not null ? Markup.Of($" {FeatureName.Of(near.Label, null)}") : Markup.Empty)}"
        );
        return stored is not null && near.Feature < stored.Features ? FeatureName.Link(stored, near.Feature, name) : name;
    }
}
