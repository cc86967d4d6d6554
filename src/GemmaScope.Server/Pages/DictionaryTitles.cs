using System.Collections.Concurrent;
using GemmaScope.Features;
using GemmaScope.Server.Hosting;
using GemmaScope.Store;

namespace GemmaScope.Server.Pages;

/// <summary>What a server's dictionaries are called, those in memory and those in its database; within a model no two are called the
/// same.</summary>
internal sealed class DictionaryTitles
{
    private readonly Dictionary<(string Model, string Name), DictionaryTitle> _titles;

    public DictionaryTitles(IEnumerable<(string Model, DictionaryTitle Title)> titles) =>
        _titles = titles
            .GroupBy(one => one.Model, one => one.Title)
            .SelectMany(model => DictionaryTitle.Apart(model.DistinctBy(one => one.Name)).Select(title => (Model: model.Key, Title: title)))
            .ToDictionary(one => (one.Model, one.Title.Name), one => one.Title);

    /// <summary>Of one in the database.</summary>
    public DictionaryTitle this[StoredDictionary dictionary] => this[dictionary.Model, dictionary.Name];

    /// <summary>Of one by its names in addresses; what is not known is called by its name.</summary>
    public DictionaryTitle this[string model, string name] =>
        _titles.GetValueOrDefault((model, name)) ?? new DictionaryTitle(name, "", name, int.MaxValue, "");
}

/// <summary>The titles of a server's dictionaries as its database is now.</summary>
internal sealed class TitleBook(ServerModel served)
{
    private readonly string _model = FeatureLinks.ModelName(served.Name);

    private readonly DictionaryTitle[] _inMemory =
    [
        .. MicroscopeDictionary
            .Of(served.Name, served.Dictionaries, served.Features)
            .Select(one => DictionaryTitle.Of(one.Name, one.Dictionary)),
    ];

    private readonly ConcurrentDictionary<(long Id, string Description), DictionaryTitle> _stored = new();

    private volatile Known? _known;

    /// <summary>All of them; read anew when anything has changed.</summary>
    public DictionaryTitles Now()
    {
        var version = served.Features?.Version() ?? "";
        if (_known is not { } known || known.Version != version)
            _known = known = new(
                version,
                // One in memory says more of itself.
                new(
                    _inMemory
                        .Select(title => (_model, title))
                        .Concat(served.Features?.Dictionaries().Select(one => (one.Model, Stored(one))) ?? [])
                )
            );
        return known.Titles;
    }

    private DictionaryTitle Stored(StoredDictionary one) =>
        _inMemory.FirstOrDefault(title => one.Model == _model && title.Name == one.Name)
        ?? _stored.GetOrAdd((one.Id, one.Description), _ => DictionaryTitle.Of(one, served.Features!.Source(one)));

    private sealed record Known(string Version, DictionaryTitles Titles);
}
