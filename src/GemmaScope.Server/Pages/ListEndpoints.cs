using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>The user's notes and lists: the only pages that change anything, and only by a form of this site.</summary>
internal sealed class ListEndpoints(FeatureLibrary library)
{
    private const int LongestNote = 10_000,
        LongestName = 200;

    /// <summary>Features of a list that stand among all lists.</summary>
    private const int First = 3;

    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet(PageSection.Lists.Address, () => new PageResult(ListViews.All(AllNamed())));
        data.MapGet("/lists.json", library.Database.Lists).WithSummary("The user's lists.");
        pages.MapGet("/lists/{id:long}", (long id) => new PageResult(One(List(id))));
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

    private Page One(FeatureList list) => ListViews.One(list, Named(list.Entries), library.Titles);

    private (FeatureList List, IReadOnlyList<ListedFeature> First)[] AllNamed() =>
        [.. library.Database.Lists().Select(list => (list, Named(list.Entries.Take(First))))];

    /// <summary>Features of lists with what is known of them, in their order.</summary>
    private IReadOnlyList<ListedFeature> Named(IEnumerable<FeatureListEntry> entries)
    {
        var now = library.Now();
        var all = entries.Select(entry => (Entry: entry, Dictionary: now.Find(entry.Model, entry.Dictionary))).ToArray();
        var known = all.Where(one => one.Dictionary is not null)
            .GroupBy(one => one.Dictionary!, one => one.Entry.Feature)
            .ToDictionary(
                group => group.Key,
                group => (Rows: library.Database.ByFeature(group.Key, group), Glances: library.ReadableGlances(group.Key, group))
            );
        return
        [
            .. all.Select(one =>
                one.Dictionary is { } dictionary && known[dictionary] is var (rows, glances)
                    ? new ListedFeature(
                        one.Entry,
                        dictionary,
                        rows.GetValueOrDefault(one.Entry.Feature)?.Label,
                        glances.GetValueOrDefault(one.Entry.Feature)
                    )
                    : new ListedFeature(one.Entry, null, null, null)
            ),
        ];
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
