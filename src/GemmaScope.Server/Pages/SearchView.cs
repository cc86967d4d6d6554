using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What was found.</summary>
internal static class SearchView
{
    public const int Most = 100;

    public static Page Render(string query, StoredDictionary? within, IReadOnlyList<SearchHit> hits) =>
        new PageFrame { Title = query.Length > 0 ? $"“{query}”" : "Search" }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{(query.Length > 0 ? $"Features for “{HtmlText.Visible(query)}”" : "Search features")}</h1>
                {(
                    within is null
                        ? Markup.Empty
                        : Markup.Of(
                            $"<p class=\"soft\">in {within.Model} · {within.Name} · <a href=\"{PageAddress.WithQuery("/search", ("q", query))}\">in all dictionaries</a></p>\n"
                        )
                )}{(
                    hits.Count > 0
                        ? Found(query, hits)
                        : Markup.Of(
                            $"<p class=\"empty\">{(query.Length > 0 ? "Nothing was found." : "Type words into the field above.")} Labels, promoted words and strongest tokens are searched for words that begin with those you type.</p>\n"
                        )
                )}
                """
            )
        );

    private static Markup Found(string query, IReadOnlyList<SearchHit> hits) =>
        Markup.Of(
            $"""
        {(hits.Count == Most ? Markup.Of($"<p class=\"soft\">The best {Most} are shown.</p>\n") : Markup.Empty)}<div class="scroll">
        {hits.GroupBy(hit => (hit.Model, hit.Dictionary)).Select(group => Markup.Of($"""
            <table><caption>{group.Key.Model} · {group.Key.Dictionary} · <a href="{PageAddress.WithQuery("/search", ("q", query), ("model", group.Key.Model), ("dict", group.Key.Dictionary))}">only here</a></caption>
            <tr><th>feature</th><th class="n">density</th><th class="n">maximum</th><th>label</th></tr>
            {group.Select(hit => DictionaryView.Line($"{PageAddress.Dictionary(hit.Model, hit.Dictionary)}/{hit.Row.Feature}", hit.Row))}</table>

            """))}</div>

        """
        );
}
