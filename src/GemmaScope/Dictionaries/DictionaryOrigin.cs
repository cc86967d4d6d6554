using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>Where a dictionary comes from: what its path and its configuration say, null where neither says it.</summary>
public sealed record DictionaryOrigin
{
    /// <summary>File or folder it was loaded from.</summary>
    public required string Path { get; init; }

    /// <summary>Repository, e.g. <c>google/gemma-scope-2b-pt-res</c>; the folder's own name where the file does not lie in a hub
    /// cache.</summary>
    public string? Repository { get; init; }

    /// <summary>The model it was trained on, as its makers name it, e.g. <c>gemma-2-2b</c> or <c>google/gemma-3-1b-pt</c>.</summary>
    public string? Model { get; init; }

    /// <summary>The layers it reads, first to last; one for a single-layer dictionary, none where they are unknown.</summary>
    public IReadOnlyList<int> Layers { get; init; } = [];

    /// <summary>The width as the path names it, e.g. <c>16k</c>; a label, not a count.</summary>
    public string? WidthLabel { get; init; }

    /// <summary>The sparsity as the path names it, e.g. <c>71</c> or <c>medium</c>.</summary>
    public string? L0Label { get; init; }

    /// <summary>The mean L0 its configuration states.</summary>
    public double? L0 { get; init; }

    /// <summary>The architecture as its configuration spells it, e.g. <c>jump_relu</c> or <c>standard</c>.</summary>
    public string? Architecture { get; init; }

    /// <summary>Whether a linear path from input to output is part of it.</summary>
    public bool Affine { get; init; }

    /// <summary>Whether a configuration file was found next to the weights.</summary>
    public bool HasConfig { get; init; }

    /// <summary>Type of the stored encoder.</summary>
    public required DType Type { get; init; }
}
