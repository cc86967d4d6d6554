using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>Settings of <see cref="SparseDictionary.Load"/>.</summary>
public sealed record DictionaryLoadOptions
{
    /// <summary>The site a single-layer dictionary reads, for files whose path and configuration do not say it; also overrides
    /// them.</summary>
    public Site? Site { get; init; }

    /// <summary>The site it writes, where that is another; null: a transcoder writes the MLP output of the layer it reads, all others the
    /// site they read.</summary>
    public Site? OutputSite { get; init; }

    /// <summary>
    /// Whether every weight is read once to compare checksums and to find NaN and infinity. Null: yes for files of up to
    /// <see cref="CheckedBytes"/> together, so that the largest dictionaries still open at once.
    /// </summary>
    public bool? CheckWeights { get; init; }

    /// <summary>Up to this many bytes weights are checked where <see cref="CheckWeights"/> does not say.</summary>
    public const long CheckedBytes = 2L << 30;
}
