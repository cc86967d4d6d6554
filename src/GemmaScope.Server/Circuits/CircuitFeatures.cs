using GemmaScope.Features;
using GemmaScope.Server.Pages;
using GemmaScope.Store;

namespace GemmaScope.Server.Circuits;

/// <summary>What the database knows of a feature of a circuit.</summary>
/// <param name="Name">Its name; empty where it has none.</param>
/// <param name="Density">The share of tokens that it fires on.</param>
/// <param name="Card">The address of its card.</param>
internal readonly record struct CircuitFeature(string Name, double Density, string Card);

/// <summary>Features of a circuit by layer and index.</summary>
internal sealed class CircuitFeatures
{
    private readonly Dictionary<int, StoredDictionary> _dictionaries;
    private readonly Dictionary<int, NamedFeatures> _named;

    private CircuitFeatures(Dictionary<int, StoredDictionary> dictionaries, Dictionary<int, NamedFeatures> named) =>
        (_dictionaries, _named) = (dictionaries, named);

    /// <summary>Looks features up.</summary>
    /// <param name="library">The database, or null.</param>
    /// <param name="model">The model, as a graph names it.</param>
    /// <param name="transcoders">The transcoders by name; none for the only one that the database has of a layer.</param>
    /// <param name="features">The features; null among them for none.</param>
    public static CircuitFeatures Of(
        FeatureLibrary? library,
        string model,
        IReadOnlyList<string> transcoders,
        IEnumerable<(int Layer, long Index)?> features
    )
    {
        var dictionaries = library is null ? [] : Dictionaries(library, model, transcoders);
        return new(
            dictionaries,
            features
                .OfType<(int Layer, long Index)>()
                .Where(one => dictionaries.TryGetValue(one.Layer, out var of) && one.Index < of.Width)
                .GroupBy(one => one.Layer, one => (int)one.Index)
                .ToDictionary(layer => layer.Key, layer => new NamedFeatures(library, dictionaries[layer.Key], layer.Distinct()))
        );
    }

    /// <summary>What is known of a feature, or null.</summary>
    public CircuitFeature? Find(int layer, long index) =>
        _named.GetValueOrDefault(layer) is { } known && index < _dictionaries[layer].Width && known.Row((int)index) is { } row
            ? new(known.Plain((int)index), row.Density, FeatureCard.Address(_dictionaries[layer], (int)index))
            : null;

    private static Dictionary<int, StoredDictionary> Dictionaries(FeatureLibrary library, string model, IReadOnlyList<string> transcoders)
    {
        var named = transcoders.Select(one => one.Replace('/', '-')).ToHashSet();
        var titles = library.Titles;
        return library
            .Now()
            .Dictionaries.Where(one => one.Model == FeatureLinks.ModelName(model))
            .Where(one => named.Count > 0 ? named.Contains(one.Name) : titles[one.Model, one.Name].IsTranscoder)
            .GroupBy(one => library.Source(one).Layer)
            .Where(layer => layer.Count() == 1)
            .ToDictionary(layer => layer.Key, layer => layer.First());
    }
}
