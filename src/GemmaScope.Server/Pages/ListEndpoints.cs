using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>The user's notes and lists: the only pages that change anything, and only by a form of this site.</summary>
internal sealed class ListEndpoints(FeatureLibrary library)
{
    private const int LongestNote = 10_000,
        LongestName = 200;

    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet("/lists", () => new PageResult(ListViews.All(library.Database.Lists())));
        data.MapGet("/lists.json", library.Database.Lists).WithSummary("The user's lists.");
        pages.MapGet("/lists/{id:long}", (long id) => new PageResult(ListViews.One(List(id))));
        data.MapGet("/lists/{id:long}.json", List).WithSummary("One of them.");
        var changes = pages.MapGroup("").AddEndpointFilter(OwnForms.OnlyAsync);
        changes.MapPost("/{model}/{dictionary}/{feature:int}/note", SetNoteAsync);
        changes.MapPost("/{model}/{dictionary}/{feature:int}/list", AddToListAsync);
        changes.MapPost("/lists/{id:long}/remove", RemoveAsync);
        changes.MapPost(
            "/lists/{id:long}/delete",
            (long id) =>
            {
                library.Database.DeleteList(List(id).Id);
                return Results.LocalRedirect("~/lists");
            }
        );
    }

    private async Task<IResult> SetNoteAsync(string model, string dictionary, int feature, HttpContext context)
    {
        var (stored, note) = (Stored(model, dictionary, feature), await FieldAsync(context, "note", LongestNote).ConfigureAwait(false));
        library.Database.SetNote(stored, feature, note);
        return Results.LocalRedirect("~" + PageAddress.Feature(stored, feature));
    }

    private async Task<IResult> AddToListAsync(string model, string dictionary, int feature, HttpContext context)
    {
        var stored = Stored(model, dictionary, feature);
        var name = (await FieldAsync(context, "list", LongestName).ConfigureAwait(false)).Trim();
        var id = library.Database.Lists().FirstOrDefault(list => list.Name == name)?.Id ?? library.Database.SaveList(name, "");
        library.Database.AddToList(id, stored, feature, await FieldAsync(context, "why", LongestNote).ConfigureAwait(false));
        return Results.LocalRedirect($"~/lists/{id}");
    }

    private async Task<IResult> RemoveAsync(long id, HttpContext context)
    {
        var (model, dictionary) = (
            await FieldAsync(context, "model", LongestName).ConfigureAwait(false),
            await FieldAsync(context, "dictionary", LongestName).ConfigureAwait(false)
        );
        if (int.TryParse(await FieldAsync(context, "feature", LongestName).ConfigureAwait(false), out var feature))
            library.Database.RemoveFromList(List(id).Id, Stored(model, dictionary, feature), feature);
        return Results.LocalRedirect($"~/lists/{id}");
    }

    private static async Task<string> FieldAsync(HttpContext context, string name, int most)
    {
        var value = (await RequestForm.ReadAsync(context).ConfigureAwait(false))(name);
        return value.Length <= most ? value : throw new ArgumentProblemException($"has {value.Length} characters, more than {most}", name);
    }

    private FeatureList List(long id) =>
        library.Database.Lists().FirstOrDefault(list => list.Id == id)
        ?? throw new ProblemException(StatusCodes.Status404NotFound, $"There is no list {id} here", "/lists shows all.");

    private StoredDictionary Stored(string model, string dictionary, int feature) =>
        library.Find(model, dictionary) is { } stored && library.Database.Rows(stored, [feature]).Count > 0
            ? stored
            : throw new ProblemException(
                StatusCodes.Status404NotFound,
                $"There is no feature {feature} of {model}/{dictionary} here",
                "Its page would show it."
            );
}

/// <summary>The pages of lists.</summary>
internal static class ListViews
{
    public static Page All(IReadOnlyList<FeatureList> lists) =>
        new PageFrame { Title = "Lists", Section = PageSection.Lists }.Render(
            Markup.Of(
                $"""
        <h1 class="feature">Lists</h1>
        {(lists.Count == 0 ? Markup.Of($"<p class=\"empty\">There is no list yet. The page of a feature has a field that adds it to one.</p>\n")
            : Markup.Of($"<ul>\n{lists.Select(list => Markup.Of($"<li><a href=\"/lists/{list.Id}\">{HtmlText.Visible(list.Name)}</a> <span class=\"soft\">{list.Entries.Count} features</span></li>\n"))}</ul>\n"))}
        """
            )
        );

    public static Page One(FeatureList list) =>
        new PageFrame
        {
            Title = list.Name,
            Section = PageSection.Lists,
            Path = [new("Lists", PageSection.Lists.Address), new(HtmlText.Visible(list.Name))],
        }.Render(
            Markup.Of(
                $"""
                <h1 class="feature">{HtmlText.Visible(list.Name)}</h1>
                <p>{HtmlText.Visible(list.Note)}</p>
                {(
                    list.Entries.Count == 0
                        ? Markup.Of($"<p class=\"empty\">The list is empty.</p>\n")
                        : Markup.Of($"<div class=\"scroll\"><table>\n{list.Entries.Select(entry => Entry(list, entry))}</table></div>\n")
                )}<form method="post" action="/lists/{list.Id}/delete"><button class="quiet">delete this list</button></form>

                """
            )
        );

    private static Markup Entry(FeatureList list, FeatureListEntry entry) =>
        Markup.Of(
            $"""
            <tr><td><a href="{PageAddress.Dictionary(
                entry.Model,
                entry.Dictionary
            )}/{entry.Feature}">{entry.Model} · {entry.Dictionary} · #{entry.Feature}</a></td><td class="wide">{HtmlText.Visible(
                entry.Note
            )}</td><td><form method="post" action="/lists/{list.Id}/remove"><input type="hidden" name="model" value="{entry.Model}"><input type="hidden" name="dictionary" value="{entry.Dictionary}"><input type="hidden" name="feature" value="{entry.Feature}"><button class="quiet">remove</button></form></td></tr>

            """
        );

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
