using GemmaScope.Dictionaries;

namespace GemmaScope.Workbench;

/// <summary>A dictionary of the catalogue as it is passed on.</summary>
/// <param name="Name">The short name.</param>
/// <param name="Repository">Repository on the hub.</param>
/// <param name="Path">Folder inside it.</param>
/// <param name="Folder">Where it lies on this machine, for dictionaries of one's own; else null.</param>
/// <param name="Family">Whose release it is.</param>
/// <param name="Model">The model it was trained on.</param>
/// <param name="Kind">What it reads and writes.</param>
/// <param name="Reads">The sites it reads.</param>
/// <param name="Writes">The sites it writes.</param>
/// <param name="Layers">The layers it reads.</param>
/// <param name="Width">The width as its path names it.</param>
/// <param name="L0">The sparsity as its path names it, or null.</param>
/// <param name="Bytes">Bytes of its weights, or null.</param>
/// <param name="Canonical">Whether it is the one to take for its site, layer and width.</param>
/// <param name="Neuronpedia">Its name on Neuronpedia, or null.</param>
/// <param name="Source">How it is known: listed, derived, hub or local.</param>
public sealed record CatalogueLine(
    string Name,
    string Repository,
    string Path,
    string? Folder,
    string Family,
    string Model,
    string Kind,
    IReadOnlyList<string> Reads,
    IReadOnlyList<string> Writes,
    IReadOnlyList<int> Layers,
    string Width,
    string? L0,
    long? Bytes,
    bool Canonical,
    string? Neuronpedia,
    string Source
)
{
    /// <summary>An entry of the catalogue.</summary>
    public static CatalogueLine Of(CatalogueEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return new(
            entry.Name,
            entry.Repository,
            entry.Path,
            entry.Folder,
            entry.Family,
            entry.Model,
            $"{entry.Kind}",
            [.. entry.InputSites.Select(site => site.ToString())],
            [.. entry.OutputSites.Select(site => site.ToString())],
            [.. entry.Layers],
            entry.Width,
            entry.L0,
            entry.Bytes,
            entry.Canonical,
            entry.Neuronpedia,
            entry.Source.ToString().ToLowerInvariant()
        );
    }
}

/// <summary>Dictionaries of the catalogue.</summary>
/// <param name="Dictionaries">The dictionaries.</param>
public sealed record CatalogueList(IReadOnlyList<CatalogueLine> Dictionaries)
{
    /// <summary>Entries of the catalogue.</summary>
    public static CatalogueList Of(IEnumerable<CatalogueEntry> entries) => new([.. entries.Select(CatalogueLine.Of)]);
}

/// <summary>A dictionary that is on this machine now.</summary>
/// <param name="Name">The name it was asked for by.</param>
/// <param name="Path">Its folder or file.</param>
public sealed record DownloadedDictionary(string Name, string Path);
