using System.Globalization;
using GemmaScope.Models;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>A dictionary on the map of its model.</summary>
/// <param name="Name">Its name in addresses.</param>
/// <param name="Layer">The layer it reads.</param>
/// <param name="Site">The site it reads, without the layer.</param>
/// <param name="Width">Features it has.</param>
/// <param name="MeanL0">Mean number of features that fire on a counted token, or null.</param>
/// <param name="Dead">Features that fire nowhere, or null where it is not built.</param>
/// <param name="Explained">Variance explained over the text of the dashboards, else where it was measured first; or null.</param>
/// <param name="Evaluations">All that was measured.</param>
internal sealed record MapEntry(
    string Name,
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

/// <summary>The map of a model: a row for each layer, a column for each site, and in the cells the dictionaries: shade for the variance
/// explained, number for L0.</summary>
internal static class ModelView
{
    /// <summary>Shades of the legend.</summary>
    private const int LegendSteps = 5;

    public static Page Render(string model, IReadOnlyList<MapEntry> entries)
    {
        var sites = entries.Select(one => one.Site).Distinct().Order(StringComparer.Ordinal).ToArray();
        return new PageFrame
        {
            Title = model,
            Section = PageSection.Map,
            Path = [new(model)],
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{model}</h1>
                <p class="soft">{entries.Count} dictionaries · number: L0, the mean number of features that fire on a token · shade: variance explained <span class="legend">{Legend()}</span></p>
                <div class="scroll" tabindex="0" role="region" aria-label="map"><table class="map">
                <tr><th>layer</th>{sites.Select(site => Markup.Of($"<th>{site}</th>"))}</tr>
                {entries.GroupBy(one => one.Layer).OrderBy(layer => layer.Key).Select(layer =>
                    Markup.Of($"<tr><th>{layer.Key}</th>{sites.Select(site => Cell(model, layer.Where(one => one.Site == site)))}</tr>\n")
                )}</table></div>
                <p class="note">Both are over the counted tokens of the text that the dashboards were made of. A dictionary without shade was built before this was measured; one in a dashed frame is in memory but has no dashboards.
                <a href="{PageAddress.Model(model)}.json">JSON</a></p>

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
                        ? Markup.Of($"<p class=\"empty\">The database has no features yet. Build those of a dictionary into it, and load this page again.</p>\n")
                        : Markup.Of($"<ul class=\"choice\">\n{models.Select(model => Markup.Of($"<li><a href=\"{PageAddress.Model(model.Name)}\">{model.Name}</a> <span class=\"soft\">{model.Dictionaries} dictionaries</span></li>\n"))}</ul>\n")
                )}
                """
            )
        );

    private static Markup Legend() =>
        Markup.Join(
            Enumerable
                .Range(0, LegendSteps)
                .Select(i => (double)i / (LegendSteps - 1))
                .Select(share => Markup.Of($"<span class=\"s{Shade(share)}\">{share:0.00}</span>"))
        );

    private static Markup Cell(string model, IEnumerable<MapEntry> entries) =>
        Markup.Of($"<td>{entries.OrderBy(one => one.Width).ThenBy(one => one.MeanL0).Select(one => Entry(model, one))}</td>");

    private static Markup Entry(string model, MapEntry one)
    {
        var explained = one.Explained?.ToString("0.00", CultureInfo.InvariantCulture);
        return one.MeanL0 is not { } l0
            ? Markup.Of(
                $"<a class=\"cell unbuilt\" href=\"{PageAddress.WithQuery("/", ("dict", one.Name))}\" title=\"{one.Name}: no dashboards\"><b>–</b> <small>{Width(one.Width)}</small></a> "
            )
            : Markup.Of(
                $"<a class=\"cell s{Shade(one.Explained ?? 0)}\" href=\"{PageAddress.Dictionary(model, one.Name)}\" title=\"{one.Name}: L0 {l0:0.0}, explained {explained ?? "not measured"}, {one.Width:#,0} features, {one.Dead ?? 0} dead\"><b>{l0:0.0}</b> <small>{explained ?? "–"} · {Width(one.Width)}</small></a> "
            );
    }

    private static int Shade(double explained) => TokenMarkup.Shade(explained);

    private static string Width(int width) =>
        width < 1024 ? $"{width}"
        : width < 1 << 20 ? $"{Math.Round(width / 1024.0)}k"
        : $"{Math.Round(width / 1048576.0)}m";
}
