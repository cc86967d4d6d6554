using System.Globalization;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Chat;

/// <summary>A feature that can be steered.</summary>
/// <param name="Dictionary">Its dictionary's name in addresses.</param>
/// <param name="Feature">The feature.</param>
/// <param name="Max">Its largest activation; 0 where it is not known.</param>
/// <param name="Html">Its name, and a link to its page where there is one.</param>
internal sealed record FoundFeature(string Dictionary, int Feature, double Max, string Html);

/// <summary>Finds features of the dictionaries in memory, to steer with: by words, or by their numbers.</summary>
internal sealed class ChatSearch(Instrument instrument, FeatureLibrary? library)
{
    private const int Most = 12,
        // Of other dictionaries of the database, which are found too, none can be steered.
        Asked = 100;

    /// <summary>The features that fit best.</summary>
    /// <param name="query">Words, a number, or a dictionary's name with a number behind a slash.</param>
    public IReadOnlyList<FoundFeature> Find(string query)
    {
        var text = query.Trim();
        var (named, index) = text.LastIndexOf('/') is > 0 and var slash ? (text[..slash], text[(slash + 1)..]) : (null, text);
        if (int.TryParse(index.TrimStart('#'), NumberStyles.None, CultureInfo.InvariantCulture, out var feature))
            return
            [
                .. Steerable
                    .Where(one => (named is null || one.Name == named) && feature < one.Dictionary.Width)
                    .Take(Most)
                    .SelectMany(one => Found(one, [feature])),
            ];
        if (library is null || text.Length == 0)
            return [];
        return
        [
            .. library
                .Database.Search(text, Asked)
                .Where(hit => hit.Model == instrument.Model)
                .GroupBy(hit => hit.Dictionary)
                .SelectMany(group =>
                    Steerable.FirstOrDefault(one => one.Stored?.Name == group.Key) is { } here
                        ? Found(here, [.. group.Select(hit => hit.Row.Feature).Take(Most)])
                        : []
                )
                .Take(Most),
        ];
    }

    /// <summary>One feature, for what was shared by a link.</summary>
    public FoundFeature? One(string dictionary, int feature) =>
        Steerable.FirstOrDefault(one => one.Name == dictionary) is { } here && (uint)feature < (uint)here.Dictionary.Width
            ? Found(here, [feature]).First()
            : null;

    private IEnumerable<MicroscopeDictionary> Steerable =>
        instrument.Dictionaries.Where(one => one.Dictionary is { InputSites.Count: 1, OutputSites.Count: 1 });

    private IEnumerable<FoundFeature> Found(MicroscopeDictionary dictionary, int[] features)
    {
        var named = new NamedFeatures(library, dictionary.Stored, features);
        foreach (var feature in features)
        {
            var name = Markup.Of($"<span class=\"index\">#{feature}</span> {named.Name(feature)}");
            var html = dictionary.Stored is { } stored && named.IsKnown(feature) ? FeatureName.Link(stored, feature, name) : name;
            yield return new(
                dictionary.Name,
                feature,
                named.Row(feature)?.Max ?? 0,
                instrument.Dictionaries.Count > 1
                    ? $"{html} {Markup.Of($"<span class=\"soft\">{instrument.Title(dictionary).Text}</span>")}"
                    : $"{html}"
            );
        }
    }
}
