using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Models;
using GemmaScope.Store;

namespace GemmaScope.Server.Pages;

/// <summary>A dictionary that texts can be read with, and what the database knows of it.</summary>
/// <param name="Name">Its name in addresses.</param>
/// <param name="Dictionary">The dictionary.</param>
/// <param name="Stored">Its dashboards, or null.</param>
internal sealed record MicroscopeDictionary(string Name, SparseDictionary Dictionary, StoredDictionary? Stored)
{
    /// <summary>The layer it reads.</summary>
    public int Layer => Dictionary.InputSite.Layer ?? 0;

    /// <summary>The last site of the forward pass that it reads or writes: there it is done.</summary>
    public Site LastSite => Dictionary.InputSites.Concat(Dictionary.OutputSites).Max();

    /// <summary>The site it reads, without the layer.</summary>
    public string SiteName => $"{Dictionary.InputSite}".Split('.')[0];

    /// <summary>All dictionaries by their names in addresses; of two with one name the second has a number.</summary>
    public static MicroscopeDictionary[] Of(string model, IReadOnlyList<SparseDictionary> dictionaries, IFeatureDatabase? database)
    {
        var stored = database?.Dictionaries().Where(one => one.Model == FeatureLinks.ModelName(model)).ToDictionary(one => one.Name) ?? [];
        var seen = new Dictionary<string, int>();
        return
        [
            .. dictionaries.Select(one =>
            {
                var name = FeatureLinks.PageName(one);
                var times = seen[name] = seen.GetValueOrDefault(name) + 1;
                return new MicroscopeDictionary(
                    times == 1 ? name : $"{name}~{times}",
                    one,
                    times == 1 && stored.GetValueOrDefault(name) is { } found && found.Width == one.Width ? found : null
                );
            }),
        ];
    }
}
