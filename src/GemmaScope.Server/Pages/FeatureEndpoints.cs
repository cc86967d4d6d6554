using GemmaScope.Features.Exchange;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>Pages that need the database alone.</summary>
internal sealed class FeatureEndpoints(FeatureLibrary library)
{
    private const int RandomTries = 64, SmallestHeight = 100, LargestHeight = 4000;

    public void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/search", (string? q) => new PageResult(SearchView.Render(q ?? "", library.Database.Search(q ?? "", SearchView.Most))));
        pages.MapGet("/search.json", (string? q) => Results.Json(library.Database.Search(q ?? "", SearchView.Most), ServerJson.Options));
        pages.MapGet("/{model}", Model);
        pages.MapGet("/{model}/{dictionary}", Dictionary);
        pages.MapGet("/{model}/{dictionary}.csv", (string model, string dictionary, [AsParameters] TableQuery query) =>
            Results.Text(DictionaryView.Csv(query.Of(library.Database, Stored(model, dictionary))), "text/csv; charset=utf-8"));
        pages.MapGet("/{model}/{dictionary}/{feature:int}", Feature);
        pages.MapGet("/{model}/{dictionary}/{feature:int}.json", FeatureJson);
        pages.MapGet("/{model}/{dictionary}/random", Random);
    }

    private PageResult Model(string model)
    {
        var all = library.Database.Dictionaries().Where(one => one.Model == model).ToArray();
        if (all.Length == 0)
            throw new ProblemException(StatusCodes.Status404NotFound, $"There are no features of {model} here", "gemmascope features build makes them, and gemmascope serve --db shows them.");
        return new(ModelView.Render(model, [.. all.Select(one => (one, library.Source(one), library.Overview(one)))]));
    }

    private PageResult Dictionary(string model, string dictionary, [AsParameters] TableQuery query)
    {
        var stored = Stored(model, dictionary);
        return new(new DictionaryView(stored, library.Source(stored), library.Overview(stored), query, query.Of(library.Database, stored)).Render());
    }

    private PageResult Feature(string model, string dictionary, int feature, bool? whole, bool? embed, bool? embedexplanation, bool? embedplots, bool? embedtest, int? height)
    {
        var stored = Stored(model, dictionary);
        var options = new FeatureViewOptions
        {
            Whole = whole ?? false,
            Embed = embed ?? false,
            Explanation = embed is not true || (embedexplanation ?? true),
            Plots = embed is not true || (embedplots ?? true),
            Test = embed is not true || (embedtest ?? true),
            Height = height is { } pixels ? Math.Clamp(pixels, SmallestHeight, LargestHeight) : null,
        };
        var page = Page(stored, feature, options.Whole);
        var one = page.Feature.Dashboard;
        var named = one.Neighbours.Select(near => near.Feature).Concat(one.CorrelatedFeatures.Select(other => other.Feature)).Concat(one.Together.Select(other => other.Feature));
        return new(new FeatureView(stored, library.Source(stored), page, library.Rows(stored, named), options).Render());
    }

    /// <summary>The same as data, with the field names of Neuronpedia.</summary>
    private IResult FeatureJson(string model, string dictionary, int feature)
    {
        var stored = Stored(model, dictionary);
        var page = Page(stored, feature, whole: true);
        using var json = new MemoryStream();
        DashboardExport.WriteNeuronpedia(json, page.Feature, library.Source(stored));
        return Results.Bytes(json.ToArray(), "application/json; charset=utf-8");
    }

    /// <summary>A feature that fires somewhere, if some tries find one.</summary>
    private IResult Random(string model, string dictionary, HttpContext context)
    {
        var stored = Stored(model, dictionary);
        var drawn = Enumerable.Range(0, RandomTries).Select(_ => System.Random.Shared.Next(Math.Max(stored.Features, 1))).ToArray();
        var alive = library.Database.Rows(stored, drawn).FirstOrDefault(row => row.Count > 0)?.Feature ?? drawn[0];
        context.Response.Headers.CacheControl = "no-store";
        return Results.Redirect(PageAddress.Feature(stored, alive));
    }

    private StoredDictionary Stored(string model, string dictionary) => library.Find(model, dictionary)
        ?? throw new ProblemException(StatusCodes.Status404NotFound, $"There is no dictionary {dictionary} of {model} here", "The database has other ones; gemmascope features build adds one.");

    private FeaturePage Page(StoredDictionary stored, int feature, bool whole) => (whole ? library.Database.WholePage(stored, feature) : library.Database.Page(stored, feature))
        ?? throw new ProblemException(StatusCodes.Status404NotFound, $"There is no feature {feature} here", $"{stored.Name} has {stored.Width} features, of which {stored.Features} are built, from 0 on.");
}
