using GemmaScope.Features.Exchange;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>The pages of what is in the database; with a model in memory, features can be tried on texts.</summary>
internal sealed class FeatureEndpoints(FeatureLibrary library, Instrument? instrument)
{
    private const int RandomTries = 64;

    private readonly PageCache _cache = new();

    /// <summary>Part of every tag: versions of a database are counted anew in another process, and another program may make other
    /// pages.</summary>
    private readonly string _tags = Guid.NewGuid().ToString("N");

    /// <param name="pages">Gets the pages that are found by an index.</param>
    /// <param name="data">The same as data.</param>
    /// <param name="longPages">Gets the pages that read much.</param>
    /// <param name="longData">The same as data.</param>
    public void Map(
        IEndpointRouteBuilder pages,
        IEndpointRouteBuilder data,
        IEndpointRouteBuilder longPages,
        IEndpointRouteBuilder longData
    )
    {
        longPages.MapGet("/{model}/{dictionary}", Dictionary);
        pages.MapGet("/{model}/{dictionary}/{feature:int}", FeatureAsync);
        pages.MapGet("/{model}/{dictionary}/{feature:int}/card", Card);
        pages.MapGet("/{model}/{dictionary}/random", Random);
        data.MapGet("/dictionaries.json", library.Database.Dictionaries)
            .WithSummary("The dictionaries whose features are in the database.");
        longData
            .MapGet(
                "/{model}/{dictionary}.json",
                (string model, string dictionary, [AsParameters] TableQuery query) => query.Of(library.Database, Stored(model, dictionary))
            )
            .WithSummary("The table of a dictionary: of each feature count, density, maximum and label.");
        longData
            .MapGet(
                "/{model}/{dictionary}.csv",
                (string model, string dictionary, [AsParameters] TableQuery query) =>
                    Results.Text(DictionaryView.Csv(query.Of(library.Database, Stored(model, dictionary))), "text/csv; charset=utf-8")
            )
            .WithSummary("The same as CSV.")
            .Produces<string>(200, "text/csv");
        data.MapGet("/{model}/{dictionary}/{feature:int}.json", FeatureJson)
            .WithSummary("All that is known of a feature, with the field names of Neuronpedia.")
            .Produces<object>();
        data.MapGet("/{model}/{dictionary}/{feature:int}/layers.json", LayersJsonAsync)
            .WithSummary(
                "The nearest decoder directions to a feature in the other dictionaries in memory, in the order of the forward pass."
            );
    }

    private PageResult Dictionary(string model, string dictionary, [AsParameters] TableQuery query)
    {
        var stored = Stored(model, dictionary);
        // People want to see what tells something first; programs get the order of the indices.
        query = query with
        {
            Sort = string.IsNullOrEmpty(query.Sort) ? TableQuery.Telling : query.Sort,
        };
        return new(
            new DictionaryView(
                stored,
                library.Source(stored),
                library.Overview(stored, scores: true),
                [.. library.Database.Evaluations()[stored.Id]],
                query,
                query.Of(library.Database, stored),
                features => library.Glances(stored, features)
            )
            {
                Title = library.Titles[stored],
            }.Render()
        );
    }

    private async Task<IResult> FeatureAsync(
        HttpContext context,
        string model,
        string dictionary,
        int feature,
        bool? whole,
        string? examples,
        [AsParameters] EmbedQuery frame,
        string? test,
        [AsParameters] SteerQuery steer,
        bool? layers
    )
    {
        var now = library.Now();
        var stored = Stored(now.Find(model, dictionary), model, dictionary);
        var options = frame.Options with { Whole = whole ?? false, Interval = ExamplesView.Interval(examples) };
        var shown = test ?? (options is { Embed: true, Test: true } ? frame.Defaulttesttext : null);
        var compared = layers is true && !options.Embed;
        if (!string.IsNullOrEmpty(shown) || steer.Steer is not null || compared)
        {
            var page = Page(stored, feature, options.Whole);
            if (instrument?.Of(stored) is not { } here)
                return new PageResult(Render(now, stored, page, options));
            var trial = await TryAsync(instrument, here, feature, shown, steer.Steer is null ? null : steer, context).ConfigureAwait(false);
            return new PageResult(
                Render(
                    now,
                    stored,
                    page,
                    options,
                    trial,
                    compared ? await instrument.DirectionsAsync(here, feature, context).ConfigureAwait(false) : null
                )
            );
        }
        // As long as the database is the same and this process lives, an address has the same page.
        var tag = $"W/\"{_tags}-{now.Version}\"";
        if (context.Request.Headers.IfNoneMatch.Contains(tag))
            return new UnchangedResult(tag);
        var key = new PageKey(stored.Id, feature, options);
        return new PageResult(_cache.Find(key, now.Version) ?? _cache.Keep(key, now.Version, Untried()), tag);

        Page Untried() => Render(now, stored, Page(stored, feature, options.Whole), options);
    }

    private Page Render(
        Catalogue now,
        StoredDictionary stored,
        FeaturePage page,
        FeatureViewOptions options,
        Trial? trial = null,
        IReadOnlyList<LayerDirections>? nearest = null
    )
    {
        var one = page.Feature.Dashboard;
        var (here, directions) = (instrument?.Of(stored), Markup.Empty);
        if (here is not null && !options.Embed)
            directions = new DirectionsView(
                PageAddress.Feature(stored, one.Feature),
                instrument!.ComparedWith(here).Count,
                nearest,
                instrument
            ).Render();
        var view = new FeatureView(
            stored,
            library.Source(stored),
            page,
            new NamedFeatures(library, stored, options.Embed ? [] : RelatedView.Of(one)),
            options,
            trial ?? (here is null ? null : new Trial()),
            options.Embed ? [] : now.Lists,
            directions
        )
        {
            Title = library.Titles[stored],
        };
        return Made(stored, one.Feature, view.Render);
    }

    /// <summary>Makes something of what is stored of a feature and of nothing else, so that what fails is what is stored.</summary>
    private static T Made<T>(StoredDictionary stored, int feature, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (Exception problem) when (problem is not GemmaScopeException)
        {
            throw new GemmaScopeException(
                $"what is stored of feature {feature} is damaged; build or import the dictionary again",
                stored.Name,
                problem
            );
        }
    }

    private async Task<IReadOnlyList<LayerDirections>> LayersJsonAsync(HttpContext context, string model, string dictionary, int feature)
    {
        var stored = Stored(model, dictionary);
        if (instrument?.Of(stored) is not { } here)
            throw new ProblemException(
                StatusCodes.Status404NotFound,
                $"{dictionary} is not in memory",
                "Start the server with this dictionary."
            );
        if ((uint)feature >= (uint)here.Dictionary.Width)
            throw new ProblemException(
                StatusCodes.Status404NotFound,
                $"There is no feature {feature} here",
                $"{dictionary} has {here.Dictionary.Width}, from 0 on."
            );
        return await instrument.DirectionsAsync(here, feature, context).ConfigureAwait(false);
    }

    /// <summary>What the address asks to be tried, if anything.</summary>
    private static async Task<Trial> TryAsync(
        Instrument instrument,
        MicroscopeDictionary dictionary,
        int feature,
        string? test,
        SteerQuery? steer,
        HttpContext context
    )
    {
        try
        {
            var tested = string.IsNullOrEmpty(test)
                ? null
                : TestAnswer.Of(dictionary.Name, await instrument.ReadAsync(dictionary, test, context).ConfigureAwait(false), feature);
            if (steer is null)
                return new(test, tested);
            var outcome = new Dictionary<string, SteeredOutcome> { [Steering.Normal] = new(), [Steering.Steered] = new() };
            await foreach (
                var piece in instrument
                    .Steering.ContinueAsync(
                        dictionary,
                        steer.Request(dictionary.Name, feature),
                        ClientAddress.Of(context),
                        context.RequestAborted
                    )
                    .ConfigureAwait(false)
            )
                outcome[piece.Kind] = outcome[piece.Kind].With(piece);
            return new(test, tested, steer, outcome[Steering.Normal], outcome[Steering.Steered]);
        }
        catch (ArgumentProblemException problem)
        {
            return new(test, Steer: steer, Problem: FieldWords.Describe(problem));
        }
    }

    /// <summary>The same as data, with the field names of Neuronpedia.</summary>
    private IResult FeatureJson(string model, string dictionary, int feature)
    {
        var stored = Stored(model, dictionary);
        var page = Page(stored, feature, whole: true);
        var source = library.Source(stored);
        return Made(
            stored,
            feature,
            () =>
            {
                using var json = new MemoryStream();
                DashboardExport.WriteNeuronpedia(json, page.Feature, source);
                return Results.Bytes(json.ToArray(), "application/json; charset=utf-8");
            }
        );
    }

    /// <summary>What comes up where a feature is pointed at: a part of a page, for the script that asks.</summary>
    private IResult Card(string model, string dictionary, int feature, HttpContext context)
    {
        var stored = Stored(model, dictionary);
        var glance = new FeatureGlance(Page(stored, feature, whole: false), library.Source(stored));
        var card = Made(stored, feature, new FeatureCard(stored, glance).Render);
        context.Response.Headers.CacheControl = "private, max-age=60";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Text(PathPrefix.Put(context, card.ToString()), "text/html; charset=utf-8");
    }

    /// <summary>A feature that fires somewhere, if some tries find one.</summary>
    private IResult Random(string model, string dictionary, HttpContext context)
    {
        var stored = Stored(model, dictionary);
        var drawn = Enumerable.Range(0, RandomTries).Select(_ => System.Random.Shared.Next(Math.Max(stored.Features, 1))).ToArray();
        var alive = library.Database.Rows(stored, drawn).FirstOrDefault(row => row.Count > 0)?.Feature ?? drawn[0];
        context.Response.Headers.CacheControl = "no-store";
        return Results.Redirect("~" + PageAddress.Feature(stored, alive));
    }

    private StoredDictionary Stored(string model, string dictionary) => Stored(library.Find(model, dictionary), model, dictionary);

    private static StoredDictionary Stored(StoredDictionary? found, string model, string dictionary) =>
        found
        ?? throw new ProblemException(
            StatusCodes.Status404NotFound,
            $"There is no dictionary {dictionary} of {model} here",
            "The database has other ones; building its features adds it."
        );

    private FeaturePage Page(StoredDictionary stored, int feature, bool whole) =>
        (whole ? library.Database.WholePage(stored, feature) : library.Database.Page(stored, feature))
        ?? throw new ProblemException(
            StatusCodes.Status404NotFound,
            $"There is no feature {feature} here",
            $"{stored.Name} has {stored.Width} features, of which {stored.Features} are built, from 0 on."
        );
}
