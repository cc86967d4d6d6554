using GemmaScope.Features;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>The microscope: a text in the address, and its reading.</summary>
internal sealed class MicroscopeEndpoint(ServerModel served, ModelQueue queue)
{
    private readonly MicroscopeDictionary[] _dictionaries = MicroscopeDictionary.Of(served.Name, served.Dictionaries, served.Features);
    private readonly TextReader _reader = new(served, queue);

    public void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/", Show);
        pages.MapGet("/analysis.json", async (HttpContext context, string q, string? dict) => Results.Json(await _reader.Read(Dictionary(dict), q, Source(context), context.RequestAborted), ServerJson.Options));
    }

    private async Task<IResult> Show(HttpContext context, string? q, string? dict, int? token, int? feature)
    {
        var link = new MicroscopeLink(q, Dictionary(dict), token, feature);
        if (string.IsNullOrEmpty(q)) return Page(link with { Text = null, Token = null, Feature = null }, null);
        try
        {
            var found = await _reader.Read(link.Dictionary, q, Source(context), context.RequestAborted);
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
        MicroscopeDictionary.ModelName(served.Name), _dictionaries, link, found, Rows(link, found), problem).Render());

    private MicroscopeDictionary Dictionary(string? name) => name is null ? _dictionaries[0] : _dictionaries.FirstOrDefault(one => one.Name == name)
        ?? throw new ProblemException(StatusCodes.Status404NotFound, $"There is no dictionary {name} here", $"This server reads with: {string.Join(", ", _dictionaries.Select(one => one.Name))}.");

    /// <summary>What the database says of the features that the page names.</summary>
    private Dictionary<int, FeatureRow> Rows(MicroscopeLink link, TextAnalysis? found)
    {
        if (found is null || link.Dictionary.Stored is not { } stored) return [];
        var named = found.WholeTextTop.Concat(found.Tokens.SelectMany(token => token.Position == link.Token ? token.Top : token.Top.Take(1))).Select(one => one.Index);
        return served.Features!.Rows(stored, [.. (link.Feature is { } chosen ? named.Append(chosen) : named).Distinct()]).ToDictionary(row => row.Feature);
    }

    internal static string Source(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";
}
