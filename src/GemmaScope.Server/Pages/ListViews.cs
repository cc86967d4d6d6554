using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>A feature of a list, and what is known of it.</summary>
/// <param name="Entry">What the list says.</param>
/// <param name="Dictionary">Its dictionary, or null where the database has it no more.</param>
/// <param name="Label">Its label, or null.</param>
/// <param name="Glance">What else is known, or null.</param>
internal sealed record ListedFeature(FeatureListEntry Entry, StoredDictionary? Dictionary, string? Label, FeatureGlance? Glance)
{
    /// <summary>A link to it.</summary>
    public Markup Link =>
        Dictionary is null
            ? Markup.Of($"<b class=\"number\">#{Entry.Feature}</b>")
            : FeatureName.Link(
                Dictionary,
                Entry.Feature,
                Markup.Of($"<b class=\"number\">#{Entry.Feature}</b> {FeatureName.Of(Label, Glance)}")
            );
}

/// <summary>The pages of lists.</summary>
internal static class ListViews
{
    /// <summary>All lists, each with its first features.</summary>
    public static Page All(IReadOnlyList<(FeatureList List, IReadOnlyList<ListedFeature> First)> lists) =>
        new PageFrame { Title = "Lists", Section = PageSection.Lists }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">Lists <small>features that you collected</small></h1>
                {(
                    lists.Count == 0
                        ? Markup.Of(
                            $"<p class=\"empty\">There is no list yet. The page of a feature has a field that adds it to one: “note and lists”. <a href=\"{PageSection.Map.Address}\">Find a feature</a></p>\n"
                        )
                        : Markup.Of($"<ul class=\"cards\">\n{lists.Select(one => Card(one.List, one.First))}</ul>\n")
                )}
                """
            )
        );

    private static Markup Card(FeatureList list, IReadOnlyList<ListedFeature> first) =>
        Markup.Of(
            $"""
            <li><a href="{Address(list)}"><b>{HtmlText.Visible(list.Name)}</b></a> <span class="soft">{Count(list)}</span>{(
                list.Note.Length > 0 ? Markup.Of($"<p>{HtmlText.Visible(list.Note)}</p>") : Markup.Empty
            )}
            {first.Select(one => Markup.Of($"<div>{one.Link}</div>\n"))}{(
                list.Entries.Count > first.Count ? Markup.Of($"<div class=\"soft\">and {list.Entries.Count - first.Count} more</div>\n") : Markup.Empty
            )}</li>

            """
        );

    /// <summary>One list.</summary>
    public static Page One(FeatureList list, IReadOnlyList<ListedFeature> features, DictionaryTitles titles) =>
        new PageFrame
        {
            Title = list.Name,
            Section = PageSection.Lists,
            Path = [new("Lists", PageSection.Lists.Address), new(HtmlText.Visible(list.Name))],
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{HtmlText.Visible(list.Name)} <small>{Count(list)}</small></h1>
                {(list.Note.Length > 0 ? Markup.Of($"<p>{HtmlText.Visible(list.Note)}</p>\n") : Markup.Empty)}{(
                    features.Count == 0
                        ? Markup.Of($"<p class=\"empty\">The list is empty.</p>\n")
                        : Markup.Of($"<ul class=\"cards entries\">\n{features.Select(one => Entry(list, one, titles))}</ul>\n")
                )}<form method="post" action="{Address(list)}/delete"><button class="quiet">delete this list</button></form>

                """
            )
        );

    private static Markup Entry(FeatureList list, ListedFeature one, DictionaryTitles titles)
    {
        var (entry, title) = (one.Entry, titles[one.Entry.Model, one.Entry.Dictionary]);
        return Markup.Of(
            $"""
            <li><div>{one.Link} <span class="soft">{entry.Model} · {(
                one.Dictionary is null ? Markup.Of($"{title.Text}") : title.Link(PageAddress.Dictionary(one.Dictionary))
            )}</span></div>{(entry.Note.Length > 0 ? Markup.Of($"<p class=\"usernote\">{HtmlText.Visible(entry.Note)}</p>") : Markup.Empty)}
            <form method="post" action="{Address(list)}/remove"><input type="hidden" name="model" value="{entry.Model}"><input type="hidden" name="dictionary" value="{entry.Dictionary}"><input type="hidden" name="feature" value="{entry.Feature}"><button class="quiet" aria-label="remove #{entry.Feature}">remove</button></form></li>

            """
        );
    }

    private static string Address(FeatureList list) => FormattableString.Invariant($"{PageSection.Lists.Address}/{list.Id}");

    private static string Count(FeatureList list) => list.Entries.Count == 1 ? "1 feature" : $"{list.Entries.Count} features";

    /// <summary>The forms on the page of a feature.</summary>
    public static Markup Forms(string feature, string note, IReadOnlyList<FeatureList> lists) =>
        Markup.Of(
            $"""
            <details class="own"{Markup.Trusted(note.Length > 0 ? " open" : "")}><summary>note and lists</summary>
            <form class="scope" method="post" action="{feature}/note"><label for="note">Your note</label>
            <textarea id="note" name="note" rows="3">{Markup.Trusted("\n")}{HtmlText.Field(
                note
            )}</textarea><div><button>Save note</button></div></form>
            <form class="scope" method="post" action="{feature}/list"><div class="choices"><label>list <input name="list" list="lists" required></label><label>why <input name="why"></label><button>Add to list</button></div>
            <datalist id="lists">{lists.Select(list => Markup.Of($"<option value=\"{HtmlText.Field(list.Name)}\">"))}</datalist></form>
            </details>

            """
        );
}
