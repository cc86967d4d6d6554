using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>How an entry of the catalogue is known.</summary>
public enum CatalogueSource
{
    /// <summary>Listed by name in a public catalogue.</summary>
    Listed,

    /// <summary>Follows from the table of what was released; the hub was not asked whether it is there.</summary>
    Derived,

    /// <summary>Seen on the hub by <see cref="CatalogueRefresh"/>.</summary>
    Hub,

    /// <summary>Of a folder on this machine (<see cref="LocalCatalogue"/>).</summary>
    Local,
}

/// <summary>One dictionary, released or one's own: where it lies and what it is.</summary>
public sealed record CatalogueEntry
{
    /// <summary>Repository on the hub, e.g. <c>google/gemma-scope-2b-pt-res</c>.</summary>
    public required string Repository { get; init; }

    /// <summary>Folder inside it, e.g. <c>layer_20/width_16k/average_l0_71</c>; empty for the whole repository.</summary>
    public required string Path { get; init; }

    /// <summary>Where it lies on this machine, for dictionaries of one's own; null for those of the hub.</summary>
    public string? Folder { get; init; }

    /// <summary>Whose release it is: Gemma Scope 1, Gemma Scope 2, SAELens, sparsify or circuit-tracer.</summary>
    public required string Family { get; init; }

    /// <summary>How the entry is known.</summary>
    public required CatalogueSource Source { get; init; }

    /// <summary>The model it was trained on, e.g. <c>gemma-2-2b</c> or <c>google/gemma-3-1b-pt</c>.</summary>
    public required string Model { get; init; }

    /// <summary>What it reads and writes.</summary>
    public required DictionaryKind Kind { get; init; }

    /// <summary>The sites it reads, one a layer.</summary>
    public required IReadOnlyList<Site> InputSites { get; init; }

    /// <summary>The sites it writes, one a layer.</summary>
    public required IReadOnlyList<Site> OutputSites { get; init; }

    /// <summary>The width as its path names it, e.g. <c>16k</c>; of several layers together.</summary>
    public required string Width { get; init; }

    /// <summary>The sparsity as its path names it, e.g. <c>71</c> or <c>medium</c>; null where nothing says it.</summary>
    public string? L0 { get; init; }

    /// <summary>Whether it is the one to take for its site, layer and width where no L0 is asked for: in Gemma Scope 1 the L0 nearest
    /// 100.</summary>
    public bool Canonical { get; init; }

    /// <summary>Its name on Neuronpedia, e.g. <c>gemma-2-2b/20-gemmascope-res-16k</c>, or null; * stands for the layer of a dictionary of
    /// several.</summary>
    public string? Neuronpedia { get; init; }

    /// <summary>Bytes of its weights: those on the hub, else computed from its shapes as f32; null where these are not known.</summary>
    public long? Bytes { get; init; }

    /// <summary>The layers it reads; none for the embedding.</summary>
    public IEnumerable<int> Layers => InputSites.Where(site => site.Layer is not null).Select(site => site.Layer!.Value);

    /// <summary>What it reads, without the layer, e.g. <c>resid_post</c>.</summary>
    public string InputKind => InputSites[0].ToString().Split('.')[0];

    /// <summary>The short name: the repository without its owner, and the path.</summary>
    public string Name => $"{Repository[(Repository.IndexOf('/', StringComparison.Ordinal) + 1)..]}{(Path.Length == 0 ? "" : "/")}{Path}";

    /// <summary>The reference by which the hub knows it, <c>org/name/path</c>; of one's own dictionaries their folder.</summary>
    public string Reference =>
        Folder is not null ? Folder
        : Path.Length == 0 ? Repository
        : $"{Repository}/{Path}";

    /// <summary>An entry of a Gemma Scope repository, by what its path says; null if it is no dictionary's.</summary>
    internal static CatalogueEntry? Of(string repository, string path, CatalogueSource source)
    {
        var known = DictionaryPath.OfHub(repository, path);
        var (kind, inputs, outputs) = known.Sites();
        if (known.Model is not { } model || known.WidthLabel is not { } width || inputs.Count == 0)
            return null;
        var two = DictionaryPath.IsScopeTwo(repository);
        return new CatalogueEntry
        {
            Repository = repository,
            Path = path,
            Family = two ? ScopeReader.FamilyTwo : ScopeReader.FamilyOne,
            Source = source,
            Model = model,
            Kind = kind,
            InputSites = inputs,
            OutputSites = outputs,
            Width = width,
            L0 = known.L0Label,
            Bytes = DictionarySize.Bytes(model, kind, inputs, width, known.Affine),
        };
    }
}
