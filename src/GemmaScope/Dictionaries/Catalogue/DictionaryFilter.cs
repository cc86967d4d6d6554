namespace GemmaScope.Dictionaries;

/// <summary>Which entries of the catalogue are asked for; what is null does not matter.</summary>
public sealed record DictionaryFilter
{
    /// <summary>The model, with or without its owner; a part such as <c>2b</c> will do.</summary>
    public string? Model { get; init; }

    /// <summary>What it reads or writes: <c>resid_post</c>, <c>z</c>, <c>mlp_out</c>, <c>mlp_in</c>, …</summary>
    public string? Site { get; init; }

    /// <summary>A layer it reads.</summary>
    public int? Layer { get; init; }

    /// <summary>Width label, e.g. <c>16k</c>.</summary>
    public string? Width { get; init; }

    /// <summary>L0 label, e.g. <c>71</c> or <c>medium</c>.</summary>
    public string? L0 { get; init; }

    /// <summary>What it reads and writes.</summary>
    public DictionaryKind? Kind { get; init; }

    /// <summary>Only the canonical ones.</summary>
    public bool Canonical { get; init; }

    /// <summary>Whether an entry is asked for.</summary>
    public bool Fits(CatalogueEntry entry) =>
        (
            Model is null
            || entry.Model.Contains(Model[(Model.IndexOf('/', StringComparison.Ordinal) + 1)..], StringComparison.OrdinalIgnoreCase)
        )
        && (Site is null || entry.InputSites.Concat(entry.OutputSites).Any(site => site.ToString().Split('.')[0] == Site))
        && (Layer is not { } layer || entry.Layers.Contains(layer))
        && (Width is null || entry.Width.Equals(Width, StringComparison.OrdinalIgnoreCase))
        && (L0 is null || entry.L0 == L0)
        && (Kind is not { } kind || entry.Kind == kind)
        && (!Canonical || entry.Canonical);
}
