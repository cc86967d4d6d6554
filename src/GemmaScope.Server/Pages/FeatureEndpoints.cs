using GemmaScope.Features.Exchange;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>The pages of what is in the database; with a model in memory, features can be tried on texts.</summary>
internal sealed class FeatureEndpoints(FeatureLibrary library, Instrument? instrument)
{
    private const int RandomTries = 64;

    private readonly PageCache _cache = new();

    /// <summary>Part of every tag: versions of a database are counted anew in another process, and another program may make other pages.</summary>
    private readonly string _tags = Guid.NewGuid().ToString("N");

    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet("/search", (string? q) => new PageResult(SearchView.Render(q ?? "", library.Database.Search(q ?? "", SearchView.Most))));
        pages.MapGet("/{model}", Model);
        pages.MapGet("/{model}/{dictionary}", Dictionary);
        pages.MapGet("/{model}/{dictionary}/{feature:int}", Feature);
        pages.MapGet("/{model}/{dictionary}/random", Random);
        data.MapGet("/search.json", (string? q) => library.Database.Search(q ?? "", SearchView.Most)).WithSummary("Features whose labels, promoted words or strongest tokens begin with words.");
        data.MapGet("/dictionaries.json", library.Database.Dictionaries).WithSummary("The dictionaries whose features are in the database.");
        data.MapGet("/{model}/{dictionary}.json", (string model, string dictionary, [AsParameters] TableQuery query) => query.Of(library.Database, Stored(model, dictionary)))
            .WithSummary("The table of a dictionary: of each feature count, density, maximum and label.");
        data.MapGet("/{model}/{dictionary}.csv", (string model, string dictionary, [AsParameters] TableQuery query) =>
            Results.Text(DictionaryView.Csv(query.Of(library.Database, Stored(model, dictionary))), "text/csv; charset=utf-8")).WithSummary("The same as CSV.").Produces<string>(200, "text/csv");
        data.MapGet("/{model}/{dictionary}/{feature:int}.json", FeatureJson).WithSummary("All that is known of a feature, with the field names of Neuronpedia.").Produces<object>();
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

    private async Task<IResult> Feature(
        HttpContext context, string model, string dictionary, int feature, bool? whole, [AsParameters] EmbedQuery frame, string? test, string? steer, double? strength, int? seed)
    {
        var now = library.Now();
        var stored = Stored(now.Find(model, dictionary), model, dictionary);
        var options = frame.Options with { Whole = whole ?? false };
        var request = steer is null ? null : new SteerRequest(dictionary, feature, steer, strength ?? SteerRequest.DefaultStrength) { Seed = seed ?? SteerRequest.DefaultSeed };
        if (!string.IsNullOrEmpty(test) || request is not null)
        {
            var page = Page(stored, feature, options.Whole);
            var trial = instrument?.Of(stored) is { } read ? await Try(instrument, read, feature, test, request, context) : null;
            return new PageResult(Render(now, stored, page, options, trial));
        }
        // As long as the database is the same and this process lives, an address has the same page.
        var tag = $"W/\"{_tags}-{now.Version}\"";
        if (context.Request.Headers.IfNoneMatch.Contains(tag)) return new UnchangedResult(tag);
        var key = new PageKey(stored.Id, feature, options);
        return new PageResult(_cache.Find(key, now.Version) ?? _cache.Keep(key, now.Version, Untried()), tag);

        Page Untried() => Render(now, stored, Page(stored, feature, options.Whole), options, instrument?.Of(stored) is null ? null : new Trial());
    }

    private Page Render(Catalogue now, StoredDictionary stored, FeaturePage page, FeatureViewOptions options, Trial? trial)
    {
        var one = page.Feature.Dashboard;
        var named = one.Neighbours.Select(near => near.Feature).Concat(one.CorrelatedFeatures.Select(other => other.Feature)).Concat(one.Together.Select(other => other.Feature));
        return new FeatureView(stored, library.Source(stored), page, library.Rows(stored, named), options, trial, options.Embed ? [] : now.Lists).Render();
    }

    /// <summary>What the address asks to be tried, if anything.</summary>
    private static async Task<Trial> Try(Instrument instrument, MicroscopeDictionary dictionary, int feature, string? test, SteerRequest? steer, HttpContext context)
    {
        try
        {
            if (!string.IsNullOrEmpty(test)) return new(test, TestAnswer.Of(dictionary.Name, await instrument.Read(dictionary, test, context), feature));
            if (steer is null) return new();
            var texts = new Dictionary<string, string> { ["normal"] = "", ["steered"] = "" };
            await foreach (var piece in instrument.Steering.Continue(dictionary, steer, Instrument.Source(context), context.RequestAborted)) texts[piece.Kind] += piece.Text;
            return new(Steer: steer, Normal: texts["normal"], Steered: texts["steered"]);
        }
        catch (ArgumentProblemException problem)
        {
            return new(test, Steer: steer, Problem: problem.Message);
        }
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

    private StoredDictionary Stored(string model, string dictionary) => Stored(library.Find(model, dictionary), model, dictionary);

    private static StoredDictionary Stored(StoredDictionary? found, string model, string dictionary) => found
        ?? throw new ProblemException(StatusCodes.Status404NotFound, $"There is no dictionary {dictionary} of {model} here", "The database has other ones; gemmascope features build adds one.");

    private FeaturePage Page(StoredDictionary stored, int feature, bool whole) => (whole ? library.Database.WholePage(stored, feature) : library.Database.Page(stored, feature))
        ?? throw new ProblemException(StatusCodes.Status404NotFound, $"There is no feature {feature} here", $"{stored.Name} has {stored.Width} features, of which {stored.Features} are built, from 0 on.");
}
