using System.Collections.Concurrent;
using GemmaScope.Features.Exchange;
using GemmaScope.Server.Store;

namespace GemmaScope.Server.Pages;

/// <summary>The database as pages read it: dictionaries by their names in addresses, and what the pages of one share, read once.</summary>
internal sealed class FeatureLibrary(IFeatureDatabase database)
{
    private readonly ConcurrentDictionary<(long Id, string Description), DashboardSource> _sources = new();

    private readonly ConcurrentDictionary<StoredDictionary, DictionaryOverview> _overviews = new();

    public IFeatureDatabase Database { get; } = database;

    /// <summary>A dictionary, or null.</summary>
    public StoredDictionary? Find(string model, string name) => Database.Dictionaries().FirstOrDefault(one => one.Model == model && one.Name == name);

    /// <summary>Names, corpus and vocabulary; a vocabulary has some 256,000 words, so it is kept.</summary>
    public DashboardSource Source(StoredDictionary dictionary) => _sources.GetOrAdd((dictionary.Id, dictionary.Description), _ => Database.Source(dictionary));

    /// <summary>Densities of all features of a dictionary; kept until more of them are built.</summary>
    public DictionaryOverview Overview(StoredDictionary dictionary) => _overviews.GetOrAdd(dictionary, _ => new DictionaryOverview(dictionary, Database.Table(dictionary, new FeatureFilter())));

    /// <summary>Labels and maxima of features that a page names.</summary>
    public IReadOnlyDictionary<int, FeatureRow> Rows(StoredDictionary dictionary, IEnumerable<int> features) =>
        Database.Rows(dictionary, [.. features.Distinct()]).ToDictionary(row => row.Feature);
}
