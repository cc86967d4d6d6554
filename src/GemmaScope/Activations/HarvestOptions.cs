using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>Settings of a <see cref="Harvester"/>.</summary>
public sealed record HarvestOptions
{
    /// <summary>The sites; all are taken from one pass.</summary>
    public required IReadOnlyList<Site> Sites { get; init; }

    /// <summary>The model's name for the manifest; null for the name of its folder.</summary>
    public string? ModelName { get; init; }

    /// <summary>Stored type: F32, BF16 or F16 (which has no number above 65504).</summary>
    public DType Type { get; init; } = DType.F32;

    /// <summary>Rows that are shuffled together, and lost together when a harvest is interrupted.</summary>
    public int BucketRows { get; init; } = 1 << 20;

    /// <summary>Seed of the shuffle.</summary>
    public long Seed { get; init; }

    /// <summary>Which part this process writes, from 0.</summary>
    public int Part { get; init; }

    /// <summary>How many parts share the text. Each takes every so-many-th run, so all read the same text and none needs to know of the
    /// others.</summary>
    public int Parts { get; init; } = 1;

    /// <summary>Bytes that the whole store, all parts together, may take; null for no limit but the disk's.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>Windows that go through the model together; null: about 1024 tokens.</summary>
    public int? WindowsPerRun { get; init; }

    /// <summary>Exact or fast; null for the process's choice.</summary>
    public Arithmetic? Arithmetic { get; init; }

    /// <summary>The hash of the model where it is known; it takes as long as the weights take to be read, which a benchmark of the harvest
    /// itself leaves out.</summary>
    internal string? ModelHash { get; init; }

    /// <summary>Size of a region of a bucket; tests make it small.</summary>
    internal int RegionBytes { get; init; } = BucketLayout.RegionBytes;

    /// <summary>Told of each piece of a shard, with its bytes, before it is written: tests interrupt a harvest there.</summary>
    internal Action<long>? BeforeWrite { get; init; }
}

/// <summary>How far a harvest is.</summary>
/// <param name="Rows">Rows of this part that are computed or were there before.</param>
/// <param name="TotalRows">Rows of this part.</param>
/// <param name="RowsBefore">Rows that were there before.</param>
public readonly record struct HarvestProgress(long Rows, long TotalRows, long RowsBefore);
