using System.Collections.Concurrent;
using GemmaScope.Features.Exchange;
using GemmaScope.Store;

namespace GemmaScope.Server.Pages;

/// <summary>The database as pages read it: dictionaries by their names in addresses, and what the pages of one share, read once.</summary>
internal sealed class FeatureLibrary(IFeatureDatabase database, TitleBook titles)
{
    private readonly ConcurrentDictionary<(long Id, string Description), DashboardSource> _sources = new();

    private readonly ConcurrentDictionary<long, (StoredDictionary Of, string Version, DictionaryOverview Overview)> _overviews = new();

    private volatile Catalogue? _catalogue;

    public IFeatureDatabase Database { get; } = database;

    /// <summary>What dictionaries are called.</summary>
    public DictionaryTitles Titles => titles.Now();

    /// <summary>What every page needs of the database as it is now; read anew when anything has changed.</summary>
    public Catalogue Now()
    {
        var version = Database.Version();
        if (_catalogue is { } known && known.Version == version)
            return known;
        // What is read after the version is at least as new; if it is newer, the next page finds another version.
        return _catalogue = new(version, Database.Dictionaries(), Database.Lists());
    }

    /// <summary>A dictionary, or null.</summary>
    public StoredDictionary? Find(string model, string name) => Now().Find(model, name);

    /// <summary>Names, corpus and vocabulary; a vocabulary has some 256,000 words, so it is kept.</summary>
    public DashboardSource Source(StoredDictionary dictionary) =>
        _sources.GetOrAdd((dictionary.Id, dictionary.Description), _ => Database.Source(dictionary));

    /// <summary>What can be said of some features at a glance; those that are not stored are left out.</summary>
    public IReadOnlyDictionary<int, FeatureGlance> Glances(StoredDictionary dictionary, IEnumerable<int> features)
    {
        var source = Source(dictionary);
        return Database
            .Pages(dictionary, [.. features.Distinct()])
            .ToDictionary(page => page.Feature.Dashboard.Feature, page => new FeatureGlance(page, source));
    }

    /// <summary>The same where features are only named: what of a dictionary is damaged is named by its label and number, and its own page
    /// says what is wrong.</summary>
    public IReadOnlyDictionary<int, FeatureGlance> ReadableGlances(StoredDictionary dictionary, IEnumerable<int> features)
    {
        try
        {
            return Glances(dictionary, features);
        }
        catch (GemmaScopeException)
        {
            return new Dictionary<int, FeatureGlance>();
        }
    }

    /// <summary>Densities of all features of a dictionary, and the scores of their labels; all of its table is read for it, so it is
    /// kept.</summary>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="scores">Whether scores have to be those of now; densities always are, for they change with the dictionary
    /// alone.</param>
    public DictionaryOverview Overview(StoredDictionary dictionary, bool scores = false)
    {
        var version = Now().Version;
        if (_overviews.TryGetValue(dictionary.Id, out var known) && known.Of == dictionary && (!scores || known.Version == version))
            return known.Overview;
        var overview = new DictionaryOverview(dictionary, Database.Table(dictionary, new FeatureFilter()));
        _overviews[dictionary.Id] = (dictionary, version, overview);
        return overview;
    }
}

/// <summary>The dictionaries and the user's lists, as they were at a version of the database.</summary>
internal sealed record Catalogue(string Version, IReadOnlyList<StoredDictionary> Dictionaries, IReadOnlyList<FeatureList> Lists)
{
    /// <summary>A dictionary, or null.</summary>
    public StoredDictionary? Find(string model, string name) => Dictionaries.FirstOrDefault(one => one.Model == model && one.Name == name);
}
