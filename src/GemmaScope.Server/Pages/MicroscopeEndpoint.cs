using GemmaScope.Features;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>The microscope: a text in the address, and its reading.</summary>
internal sealed class MicroscopeEndpoint(Instrument instrument)
{
    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet("/", Show);
        data.MapGet("/analysis.json", async (HttpContext context, string q, string? dict) => await instrument.Read(instrument.Dictionary(dict), q, context))
            .WithSummary("What a dictionary finds in a text: each token's strongest features, those of the whole text, L0 and FVU.");
    }

    private async Task<IResult> Show(HttpContext context, string? q, string? dict, int? token, int? feature)
    {
        var link = new MicroscopeLink(q, instrument.Dictionary(dict), token, feature);
        if (string.IsNullOrEmpty(q)) return Page(link with { Text = null, Token = null, Feature = null }, null);
        try
        {
            var found = await instrument.Read(link.Dictionary, q, context);
            if (token is { } position && (uint)position >= (uint)found.Tokens.Count) throw new ArgumentProblemException($"{position} is no position of this text, which has {found.Tokens.Count}", "token");
            if (feature is { } index && (uint)index >= (uint)found.Width) throw new ArgumentProblemException($"{index} is no feature of this dictionary, which has {found.Width}", "feature");
            return Page(link, found);
        }
        catch (ArgumentProblemException problem)
        {
            return Page(link with { Token = null, Feature = null }, null, problem.Message);
        }
    }

    private PageResult Page(MicroscopeLink link, TextAnalysis? found, string? problem = null) => new(new MicroscopeView(
        instrument.Model, instrument.Dictionaries, link, found, Rows(link, found), problem).Render());

    /// <summary>What the database says of the features that the page names.</summary>
    private Dictionary<int, FeatureRow> Rows(MicroscopeLink link, TextAnalysis? found)
    {
        if (found is null || link.Dictionary.Stored is not { } stored) return [];
        var named = found.WholeTextTop.Concat(found.Tokens.SelectMany(token => token.Position == link.Token ? token.Top : token.Top.Take(1))).Select(one => one.Index);
        return instrument.Database!.Rows(stored, [.. (link.Feature is { } chosen ? named.Append(chosen) : named).Distinct()]).ToDictionary(row => row.Feature);
    }
}
