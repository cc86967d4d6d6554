using System.Globalization;
using GemmaScope.Dictionaries;

namespace GemmaScope.Features;

/// <summary>
/// The addresses of a feature's dashboards: the page of our own server, and Neuronpedia's where that dictionary is known to
/// be published there.
/// </summary>
public sealed class FeatureLinks
{
    private const string Address = "https://www.neuronpedia.org";
    private static readonly Lazy<HashSet<string>> Published = new(ReadPublished);

    private readonly string _page;
    private readonly string? _neuronpedia;

    /// <summary>The links of a dictionary's features.</summary>
    /// <param name="model">The model's name, used in our address.</param>
    /// <param name="dictionary">The dictionary.</param>
    public FeatureLinks(string model, SparseDictionary dictionary)
    {
        _neuronpedia = Source(dictionary.Name, dictionary.Origin);
        var source = _neuronpedia?.Split('/')[1] ?? dictionary.Name.Replace('/', '-');
        _page = $"/{Uri.EscapeDataString(model)}/{Uri.EscapeDataString(source)}";
    }

    /// <summary>Our page, relative to the server: <c>/{model}/{dictionary}/{index}</c>.</summary>
    public string Page(int feature) => $"{_page}/{feature}";

    /// <summary>Neuronpedia's page, or null where the dictionary is not known there.</summary>
    public string? Neuronpedia(int feature) => _neuronpedia is null ? null : $"{Address}/{_neuronpedia}/{feature}";

    /// <summary>Neuronpedia's name of a dictionary, e.g. <c>gemma-2-2b/20-gemmascope-res-16k</c>, or null.</summary>
    public static string? Source(string name, DictionaryOrigin origin)
    {
        if (origin.Repository is not { } repository || origin.Model is not { } model || origin.Layers is not [var layer]) return null;
        repository = repository.Split('/')[^1];
        if (repository.StartsWith("gemma-scope-2-", StringComparison.Ordinal)) return SourceTwo(name, origin, model, layer);
        if (origin.L0Label is not { } l0 || origin.WidthLabel is not { } width) return null;
        var site = repository[(repository.LastIndexOf('-') + 1)..] is var last && last == "transcoders" ? "transcoder" : last;
        var source = $"{model}/{layer}-gemmascope-{site}-{width}";
        if (Published.Value.Contains($"{repository} {width} canonical {layer}:{l0}")) return source;
        return Published.Value.Contains($"{repository} {width} labelled {layer}:{l0}") ? $"{source}__l0-{l0}" : null;
    }

    /// <summary>Of Gemma Scope 2 the residual dictionaries of medium L0 at the four chosen layers are known under this name.</summary>
    private static string? SourceTwo(string name, DictionaryOrigin origin, string model, int layer) =>
        name.StartsWith("resid_post/", StringComparison.Ordinal) && origin.L0Label == "medium"
            ? $"{model.Replace("google/", "", StringComparison.Ordinal).Replace("-pt", "", StringComparison.Ordinal)}/{layer.ToString(CultureInfo.InvariantCulture)}-gemmascope-2-res-{origin.WidthLabel}"
            : null;

    /// <summary>
    /// Lines of repository, width, canonical or labelled, and layer:L0 pairs. Neuronpedia names the canonical dictionary of a layer
    /// and width without its L0, others with it; most of the released ones it does not have.
    /// </summary>
    private static HashSet<string> ReadPublished()
    {
        using var stream = typeof(FeatureLinks).Assembly.GetManifestResourceStream("neuronpedia-sources.txt")!;
        using var reader = new StreamReader(stream);
        var published = new HashSet<string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            var words = line.Split(' ');
            foreach (var pair in words[3..]) published.Add($"{words[0]} {words[1]} {words[2]} {pair}");
        }
        return published;
    }
}
