using GemmaScope.Dictionaries;

namespace GemmaScope.Features;

/// <summary>
/// The addresses of a feature's dashboards: the page of our own server, and Neuronpedia's where that dictionary is known to
/// be published there.
/// </summary>
public sealed class FeatureLinks
{
    private const string Address = "https://www.neuronpedia.org";

    private readonly string _page;
    private readonly string? _neuronpedia;

    /// <summary>The links of a dictionary's features.</summary>
    /// <param name="model">The model's name, used in our address.</param>
    /// <param name="dictionary">The dictionary.</param>
    public FeatureLinks(string model, SparseDictionary dictionary)
    {
        _neuronpedia = Source(dictionary.Name, dictionary.Origin);
        _page = $"/{Uri.EscapeDataString(model)}/{Uri.EscapeDataString(PageName(dictionary))}";
    }

    /// <summary>The name of a dictionary in addresses: Neuronpedia's where it is published there, e.g. <c>20-gemmascope-res-16k</c>, else
    /// its own without slashes.</summary>
    public static string PageName(SparseDictionary dictionary) =>
        Source(dictionary.Name, dictionary.Origin)?.Split('/')[1] ?? dictionary.Name.Replace('/', '-');

    /// <summary>The name of a model in addresses: that of its repository or folder.</summary>
    public static string ModelName(string model) => model.TrimEnd('/').Split('/')[^1].Split('@')[0];

    /// <summary>Our page, relative to the server: <c>/{model}/{dictionary}/{index}</c>.</summary>
    public string Page(int feature) => $"{_page}/{feature}";

    /// <summary>Neuronpedia's page, or null where the dictionary is not known there.</summary>
    public string? Neuronpedia(int feature) => _neuronpedia is null ? null : $"{Address}/{_neuronpedia}/{feature}";

    /// <summary>Neuronpedia's name of a dictionary, e.g. <c>gemma-2-2b/20-gemmascope-res-16k</c>, or null where the catalogue knows
    /// none.</summary>
    public static string? Source(string name, DictionaryOrigin origin) =>
        origin.Repository is { } repository && DictionaryCatalogue.BuiltIn.TryFind($"{repository.Split('/')[^1]}/{name}", out var entry)
            ? entry.Neuronpedia
            : null;
}
