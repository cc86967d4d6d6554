using System.Text.RegularExpressions;
using GemmaScope.Features;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Pages;

/// <summary>The search: in all dictionaries of the database, or in one.</summary>
internal sealed partial class SearchEndpoint(FeatureLibrary library, Instrument? instrument)
{
    private const int Most = SearchView.Most;

    /// <summary>Words that are offered to whoever does not know what to search for, the features that are asked for them, and the
    /// dictionaries these are taken from.</summary>
    private const int Suggested = 8,
        Sampled = 128,
        SampledDictionaries = 4;

    public void Map(IEndpointRouteBuilder pages, IEndpointRouteBuilder data)
    {
        pages.MapGet("/search", (string? q, string? model, string? dict) => new PageResult(Show(q ?? "", Within(model, dict)).Render()));
        data.MapGet("/search.json", (string? q, string? model, string? dict) => library.Database.Search(q ?? "", Most, Within(model, dict)))
            .WithSummary(
                "Features whose labels, promoted words or strongest tokens begin with words; of one dictionary, if model and dict name it."
            );
    }

    private SearchView Show(string query, StoredDictionary? within)
    {
        var now = library.Now();
        var found = library
            .Database.Search(query, Most, within)
            .GroupBy(hit => (hit.Model, hit.Dictionary), hit => hit.Row)
            .Select(group => (Dictionary: now.Find(group.Key.Model, group.Key.Dictionary), Rows: group.ToArray()))
            .Where(group => group.Dictionary is not null)
            .Select(group => new SearchGroup(
                group.Dictionary!,
                group.Rows,
                library.ReadableGlances(group.Dictionary!, group.Rows.Select(row => row.Feature))
            ))
            .ToArray();
        return new(query, within, now.Dictionaries, library.Titles, found)
        {
            Suggestions = found.Length == 0 ? Suggestions(within is null ? now.Dictionaries : [within]) : [],
            CanRead = instrument is not null,
        };
    }

    private StoredDictionary? Within(string? model, string? dict) =>
        string.IsNullOrEmpty(dict) ? null
        : string.IsNullOrEmpty(model) ? library.Database.Find(dict)
        : library.Find(model, dict)
            ?? throw new ProblemException(
                StatusCodes.Status404NotFound,
                $"There is no dictionary {dict} of {model} here",
                "The database has other ones; building its features adds it."
            );

    /// <summary>Words of the names of features that are spread over the dictionaries, those with the best labels first.</summary>
    private string[] Suggestions(IReadOnlyList<StoredDictionary> dictionaries) =>
        [
            .. dictionaries
                .Where(one => one.Features > 0)
                .Take(SampledDictionaries)
                .SelectMany(one =>
                    library
                        .Database.Rows(
                            one,
                            [.. Enumerable.Range(0, Sampled).Select(i => (int)((long)i * one.Features / Sampled)).Distinct()]
                        )
                        .Where(row => row is { Count: > 0, Label: not null })
                )
                // What fires everywhere says little.
                .OrderBy(row => row.Density > FeatureMeaning.DenseFrom)
                .ThenByDescending(row => row.Score ?? 0)
                .Select(row => NameWord().Match(FeatureName.Plain(row.Label, null)).Value.ToLowerInvariant())
                .Where(word => word.Length > 0)
                .Distinct()
                .Take(Suggested),
        ];

    // The first words of labels are often small ones.
    [GeneratedRegex(@"(?<![\p{L}\p{M}])\p{L}{5,}(?![\p{L}\p{M}])")]
    private static partial Regex NameWord();
}
