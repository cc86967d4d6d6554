using System.Globalization;
using GemmaScope.Models;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>A dictionary on the map of its model.</summary>
/// <param name="Name">Its name in addresses.</param>
/// <param name="Title">What it is called.</param>
/// <param name="Layer">The layer it reads.</param>
/// <param name="Site">The site it reads, without the layer.</param>
/// <param name="Width">Features it has.</param>
/// <param name="MeanL0">Mean number of features that fire on a counted token, or null.</param>
/// <param name="Dead">Features that fire nowhere, or null where it is not built.</param>
/// <param name="Explained">Variance explained over the text of the dashboards, else where it was measured first; or null.</param>
/// <param name="Evaluations">All that was measured.</param>
internal sealed record MapEntry(
    string Name,
    string Title,
    int Layer,
    string Site,
    int Width,
    double? MeanL0,
    int? Dead,
    double? Explained,
    IReadOnlyList<StoredEvaluation> Evaluations
)
{
    /// <summary>The site of a TransformerLens name, without the layer; of an unknown one the name.</summary>
    public static string SiteName(string hook) => GemmaScope.Models.Site.TryParse(hook, out var site) ? $"{site}".Split('.')[0] : hook;
}

/// <summary>The same with its title in parts.</summary>
internal sealed record MapCell(MapEntry Entry, DictionaryTitle Title);

/// <summary>The map of a model: a row for each layer, a column for each site, and in the cells the dictionaries: shade for the variance
/// explained, number for L0.</summary>
internal static class ModelView
{
    /// <summary>Shades of the legend.</summary>
    private const int LegendSteps = 5;

    public static Page Render(string model, IReadOnlyList<MapCell> entries)
    {
        var sites = entries.Select(one => (one.Title.Place, one.Title.Site)).Distinct().OrderBy(site => site.Place).ToArray();
        var (built, all) = (entries.Count(one => one.Entry.MeanL0 is not null), entries.Count);
        return new PageFrame
        {
            Title = $"Map of {model}",
            Section = PageSection.Map,
            Path = [new(model)],
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{model} <small>{Count(all)}{(built == all ? "" : built == 0 ? ", none with dashboards yet" : $", {built} with dashboards")}</small></h1>
                {(built == 0 ? Unbuilt(model) : Key(built < all))}<div class="scroll" tabindex="0" role="region" aria-label="map"><table class="map">
                <tr><th scope="col">layer</th>{sites.Select(site => Markup.Of($"<th scope=\"col\">{site.Site}</th>"))}</tr>
                {entries.GroupBy(one => (one.Entry.Layer, one.Title.Layer)).OrderBy(layer => layer.Key).Select(layer =>
                    Markup.Of($"<tr><th scope=\"row\">{Layer(layer.Key.Item2)}</th>{sites.Select(site => Cell(model, layer.Where(one => one.Title.Site == site.Site)))}</tr>\n")
                )}</table></div>
                <p class="note"><a href="{PageAddress.Model(model)}.json">JSON</a></p>

                """
            )
        );
    }

    /// <summary>A choice of models, or of none.</summary>
    public static Page Models(IReadOnlyList<(string Name, int Dictionaries)> models) =>
        new PageFrame { Title = "Map", Section = PageSection.Map }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">Map</h1>
                {(
                    models.Count == 0
                        ? Markup.Of(
                            $"<p class=\"empty\">The database has no features yet. Build those of a dictionary into it, and load this page again.</p>\n"
                        )
                        : Markup.Of(
                            $"<ul class=\"cards\">\n{models.Select(model => Markup.Of($"<li><a href=\"{PageAddress.Model(model.Name)}\">{model.Name}</a> <span class=\"soft\">{Count(model.Dictionaries)}</span></li>\n"))}</ul>\n"
                        )
                )}
                """
            )
        );

    private static string Count(int dictionaries) => dictionaries == 1 ? "1 dictionary" : $"{dictionaries} dictionaries";

    private static Markup Unbuilt(string model) =>
        Markup.Of(
            $"<p class=\"empty\">Texts can be read with these dictionaries, but what their features are about is not known yet: build the features of one into the database of the server ({model}), and it has a page for each.</p>\n"
        );

    private static Markup Key(bool someUnbuilt) =>
        Markup.Of(
            $"<p class=\"note\">Shade: variance explained <span class=\"legend\">{Legend()}</span> · L0: features that fire on a token, on average{(someUnbuilt ? " · dashed: without dashboards, leads to the microscope" : "")}</p>\n"
        );

    private static Markup Legend() =>
        Markup.Join(
            Enumerable
                .Range(0, LegendSteps)
                .Select(i => (double)i / (LegendSteps - 1))
                .Select(share => Markup.Of($"<span class=\"s{TokenMarkup.Shade(share)}\">{Percent(share)}</span>"))
        );

    private static string Layer(string title) =>
        title.Length == 0 ? "–"
        : title.Split(' ', 2) is ["layer" or "layers", var number] ? number
        : title;

    private static Markup Cell(string model, IEnumerable<MapCell> entries) =>
        Markup.Of($"<td>{entries.OrderBy(one => one.Entry.Width).ThenBy(one => one.Entry.MeanL0).Select(one => Entry(model, one))}</td>");

    private static Markup Entry(string model, MapCell cell)
    {
        var (one, title) = cell;
        if (one.MeanL0 is not { } l0)
            return Markup.Of(
                $"<a class=\"cell unbuilt\" href=\"{PageAddress.WithQuery("/", ("dict", one.Name))}\" title=\"{HtmlText.Visible(one.Name)}: no dashboards\"><b>{title.WidthAndDetail}</b> <small>no dashboards</small></a> "
            );
        var explained = one.Explained is { } share ? Percent(share) : null;
        return Markup.Of(
            $"<a class=\"cell s{TokenMarkup.Shade(one.Explained ?? 0)}\" href=\"{PageAddress.Dictionary(model, one.Name)}\" title=\"{HtmlText.Visible(one.Name)}: L0 {l0:0.0}, explained {explained ?? "not measured"}, {one.Width:#,0} features, {one.Dead ?? 0} dead\"><b>{Shown(title)}</b> <small>L0 {l0:0.#} · {explained ?? "not measured"}</small></a> "
        );
    }

    /// <summary>Its width, and what tells it apart but for the L0, which stands beside it as it was measured.</summary>
    private static string Shown(DictionaryTitle title) =>
        title.Detail?.StartsWith("L0 ", StringComparison.Ordinal) == true ? title.Width : title.WidthAndDetail;

    private static string Percent(double share) => (100 * share).ToString("0", CultureInfo.InvariantCulture) + " %";
}
