using GemmaScope.Features.Exchange;
using GemmaScope.Server.Html;
using GemmaScope.Server.Store;

namespace GemmaScope.Server.Pages;

/// <summary>The map of a model: a row for each layer, a column for each site, a cell for each dictionary.</summary>
internal static class ModelView
{
    public static Page Render(string model, IReadOnlyList<(StoredDictionary Dictionary, DashboardSource Source, DictionaryOverview Overview)> dictionaries)
    {
        var sites = dictionaries.Select(one => Site(one.Source)).Distinct().Order(StringComparer.Ordinal).ToArray();
        return new PageFrame { Title = model, Path = [(model, PageAddress.Model(model))] }.Render(Markup.Of($"""
            <h1 class="feature">{model}</h1>
            <div class="scroll"><table>
            <tr><th>layer</th>{sites.Select(site => Markup.Of($"<th>{site}</th>"))}</tr>
            {dictionaries.GroupBy(one => one.Source.Layer).OrderBy(layer => layer.Key).Select(layer => Markup.Of($"<tr><td>{layer.Key}</td>{sites.Select(site => Cell(layer.Where(one => Site(one.Source) == site)))}</tr>\n"))}</table></div>
            <p class="note">L0 is the mean number of features that fire on a counted token of the text the dashboards were made of. How much of the variance a dictionary explains is not stored with them; gemmascope eval measures it.</p>

            """));
    }

    private static Markup Cell(IEnumerable<(StoredDictionary Dictionary, DashboardSource Source, DictionaryOverview Overview)> dictionaries) => Markup.Of(
        $"<td>{dictionaries.Select(one => Markup.Of($"<a href=\"{PageAddress.Dictionary(one.Dictionary)}\">{one.Dictionary.Name}</a><br><small>L0 {one.Overview.MeanL0:0.0} · {one.Dictionary.Width:#,0} features · {one.Overview.Dead} dead</small> "))}</td>");

    private static string Site(DashboardSource source) => source.Hook is { } hook ? hook[(hook.LastIndexOf("hook_", StringComparison.Ordinal) is >= 0 and var at ? at + 5 : 0)..] : source.Set;
}

/// <summary>What was found.</summary>
internal static class SearchView
{
    public const int Most = 100;

    public static Page Render(string query, IReadOnlyList<SearchHit> hits) => new PageFrame { Title = query.Length > 0 ? $"“{query}”" : "Search", Search = query }.Render(Markup.Of($"""
        <h1 class="feature">{(query.Length > 0 ? $"Features for “{HtmlText.Visible(query)}”" : "Search features")}</h1>
        {(hits.Count > 0 ? Found(hits) : Markup.Of($"<p class=\"empty\">{(query.Length > 0 ? "Nothing was found." : "Type words into the field above.")} Labels, promoted words and strongest tokens are searched for words that begin with those you type.</p>\n"))}
        """));

    private static Markup Found(IReadOnlyList<SearchHit> hits) => Markup.Of($"""
        {(hits.Count == Most ? Markup.Of($"<p class=\"soft\">The best {Most} are shown.</p>\n") : Markup.Empty)}<div class="scroll">
        {hits.GroupBy(hit => (hit.Model, hit.Dictionary)).Select(group => Markup.Of($"""
            <table><caption>{group.Key.Model} · {group.Key.Dictionary}</caption>
            <tr><th>feature</th><th class="n">density</th><th class="n">maximum</th><th>label</th></tr>
            {group.Select(hit => DictionaryView.Line($"{PageAddress.Dictionary(hit.Model, hit.Dictionary)}/{hit.Row.Feature}", hit.Row))}</table>

            """))}</div>

        """);
}
