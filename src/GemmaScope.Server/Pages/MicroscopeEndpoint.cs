using System.Globalization;
using System.Runtime.CompilerServices;
using GemmaScope.Features;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>What a dictionary found in a text as a whole.</summary>
/// <param name="Dictionary">The dictionary's name in addresses.</param>
/// <param name="Layer">The layer it reads.</param>
/// <param name="Site">The site it reads.</param>
/// <param name="MeanL0">Mean number of features that fire on a counted token.</param>
/// <param name="Fvu">Fraction of the variance of this text unexplained.</param>
/// <param name="Explained">1 − FVU.</param>
/// <param name="Top">The features with the largest sums.</param>
internal sealed record LayerReading(
    string Dictionary,
    int Layer,
    string Site,
    double? MeanL0,
    double? Fvu,
    double? Explained,
    IReadOnlyList<FeatureReport> Top
);

/// <summary>A part of the page that takes the place of the one of that name.</summary>
internal sealed record PagePart(string Id, string Html);

/// <summary>What an address of the microscope asks for.</summary>
/// <param name="Q">The text.</param>
/// <param name="Dict">The dictionary's name.</param>
/// <param name="Layer">Another layer of the same site.</param>
/// <param name="Token">The position whose features are listed.</param>
/// <param name="Feature">The feature that is open beside the text and shades it.</param>
/// <param name="Pins">Features that shade the text together, by commas.</param>
/// <param name="Wait">Whether the answer waits for the model; else it has what is known, and the stream the rest.</param>
internal sealed record MicroscopeQuery(string? Q, string? Dict, int? Layer, int? Token, int? Feature, string? Pins, bool? Wait);

/// <summary>The microscope: a text in the address, and its reading.</summary>
/// <param name="instrument">The model with its dictionaries.</param>
/// <param name="library">What is known of features, or null.</param>
internal sealed class MicroscopeEndpoint(Instrument instrument, FeatureLibrary? library)
{
    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet("/", ShowAsync);
        // Its errors are JSON, for the script that asks.
        data.MapGet(
                "/reading",
                (HttpContext context, [AsParameters] MicroscopeQuery query) =>
                    JsonLineAnswer.WriteAsync(context, PartsAsync(query, context))
            )
            .ExcludeFromDescription();
        data.MapGet(
                "/analysis.json",
                async (HttpContext context, string q, string? dict) =>
                    new AnalyzeResult(
                        await instrument.ReadAsync(instrument.Dictionary(dict), q, context).ConfigureAwait(false),
                        Own(context)
                    )
                    {
                        CheckWarnings = instrument.Warnings(instrument.Dictionary(dict)),
                    }
            )
            .WithSummary("What a dictionary finds in a text: each token's strongest features, those of the whole text, L0 and FVU.");
        data.MapGet("/analysis.jsonl", (HttpContext context, string q) => JsonLineAnswer.WriteAsync(context, ReadingsAsync(q, context)))
            .WithSummary(
                "What all dictionaries find in a text: JSON lines in the order of the forward pass, each sent when the model has come past its layer."
            )
            .Produces<LayerReading>(200, JsonLineAnswer.ContentType);
    }

    private async Task<IResult> ShowAsync(HttpContext context, [AsParameters] MicroscopeQuery query)
    {
        var link = Link(query);
        if (query.Layer is { } layer)
        {
            var there = (link with { Dictionary = instrument.AtLayer(link.Dictionary, layer), Feature = null, Pins = [] }).Address;
            return Results.LocalRedirect("~" + (query.Wait is false ? $"{there}&wait=false" : there));
        }
        if (link.Text is null)
            return Page(link, null);
        try
        {
            var tokens = Tokens(link);
            var found = query.Wait is false
                ? instrument.Known(link.Dictionary, link.Text)
                : await instrument.ReadAsync(link.Dictionary, link.Text, context).ConfigureAwait(false);
            var incomplete =
                found is not { Next.Count: > 0 } || instrument.Dictionaries.Any(one => instrument.Known(one, link.Text) is null);
            return Page(link, Reading(link, tokens, found), incomplete: incomplete);
        }
        catch (ArgumentProblemException problem)
        {
            return Page(link.Elsewhere, null, problem: FieldWords.Describe(problem));
        }
    }

    /// <summary>The parts of the page, as they are read.</summary>
    private async IAsyncEnumerable<PagePart> PartsAsync(MicroscopeQuery query, HttpContext context)
    {
        var link = Link(query);
        var (tokens, text) = (Tokens(link), link.Text ?? "");
        await foreach (var (dictionary, found) in instrument.ReadEachAsync(text, context).ConfigureAwait(false))
        {
            yield return Part(context, Layers(link, one => one == dictionary ? found : null).Line(dictionary));
            if (dictionary != link.Dictionary)
                continue;
            foreach (var part in Reading(link, tokens, found).Parts())
                yield return Part(context, part);
        }
        // What comes after the last layer.
        if (instrument.Known(link.Dictionary, text) is { } whole)
            yield return Part(context, ("summary", Reading(link, tokens, whole).Summary()));
    }

    private async IAsyncEnumerable<LayerReading> ReadingsAsync(string text, HttpContext context)
    {
        await foreach (var (one, found) in instrument.ReadEachAsync(text, context).ConfigureAwait(false))
        {
            var labels = instrument.Database.ByFeature(one.Stored, found.WholeTextTop.Select(feature => feature.Index));
            yield return new(
                one.Name,
                one.Layer,
                $"{one.Dictionary.InputSite}",
                found.MeanL0,
                found.Fvu,
                1 - found.Fvu,
                [
                    .. found.WholeTextTop.Select(feature =>
                        feature with
                        {
                            Label = labels.GetValueOrDefault(feature.Index)?.Label,
                            Page = PathPrefix.Of(context) + feature.Page,
                        }
                    ),
                ]
            );
        }
    }

    private MicroscopeLink Link(MicroscopeQuery query) =>
        string.IsNullOrEmpty(query.Q)
            ? new(null, instrument.Dictionary(query.Dict), null, null)
            : new(query.Q, instrument.Dictionary(query.Dict), query.Token, query.Feature) { Pins = Pins(query.Pins) };

    /// <summary>The features that are pinned, each once.</summary>
    private static int[] Pins(string? pins) =>
        [
            .. (pins ?? "")
                .Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Select(pin =>
                    int.TryParse(pin, NumberStyles.None, CultureInfo.InvariantCulture, out var feature)
                        ? feature
                        : throw new ArgumentProblemException("must be indices of features with commas between them", "pins")
                )
                .Distinct()
                .TakeLast(MicroscopeLink.MostPins),
        ];

    /// <summary>The text's tokens; checks what the link says of it.</summary>
    private IReadOnlyList<ReadToken> Tokens(MicroscopeLink link)
    {
        var tokens = instrument.Tokens(link.Text ?? "");
        if (link.Token is { } position && (uint)position >= (uint)tokens.Count)
            throw new ArgumentProblemException($"{position} is no position of this text, which has {tokens.Count}", "token");
        foreach (var (feature, from) in link.Pins.Select(pin => (pin, "pins")).Append((link.Feature ?? 0, "feature")))
            if ((uint)feature >= (uint)link.Dictionary.Dictionary.Width)
                throw new ArgumentProblemException(
                    $"{feature} is no feature of this dictionary, which has {link.Dictionary.Dictionary.Width}",
                    from
                );
        return tokens;
    }

    private PageResult Page(MicroscopeLink link, ReadingView? reading, bool incomplete = false, string? problem = null) =>
        new(
            new MicroscopeView(
                instrument.Model,
                instrument.Dictionaries,
                instrument.Titles,
                link,
                reading,
                reading is null ? null : Layers(link, one => instrument.Known(one, link.Text!)),
                incomplete,
                problem,
                instrument.Warnings(link.Dictionary)
            ).Render()
        );

    private LayersView Layers(MicroscopeLink link, Func<MicroscopeDictionary, TextAnalysis?> known) =>
        new(
            instrument.Titles,
            instrument.Model,
            link,
            instrument.OnTheWay,
            known,
            (one, features) => new NamedFeatures(library, one.Stored, features)
        );

    private static PagePart Part(HttpContext context, (string Id, Markup Html) part) =>
        new(part.Id, PathPrefix.Put(context, part.Html.ToString()));

    /// <summary>Pages are named as this server has them, without its name, which a proxy may have changed.</summary>
    private static Uri Own(HttpContext context) => new(PathPrefix.Of(context) + "/", UriKind.Relative);

    private ReadingView Reading(MicroscopeLink link, IReadOnlyList<ReadToken> tokens, TextAnalysis? found)
    {
        var named = (found?.WholeTextTop ?? [])
            .Concat(found?.Tokens.SelectMany(token => token.Position == link.Token ? token.Top : token.Top.Take(1)) ?? [])
            .Select(one => one.Index)
            .Concat(link.Pins);
        return new(link, tokens, found, new NamedFeatures(library, link.Dictionary.Stored, named, ReadingView.Opened(link, found)));
    }
}
