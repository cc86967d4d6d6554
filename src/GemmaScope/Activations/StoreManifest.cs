using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>What a store holds: the model and sites it is of, and the parts it consists of.</summary>
public sealed record StoreManifest
{
    /// <summary>What the activations are of; the same in all parts.</summary>
    public required StoreContents Contents { get; init; }

    /// <summary>The parts, each written by one process.</summary>
    public required IReadOnlyList<StorePart> Parts { get; init; }
}

/// <summary>A site of a store.</summary>
/// <param name="Site">The site.</param>
/// <param name="Width">Numbers in a row.</param>
public sealed record StoredSite(Site Site, int Width);

/// <summary>What activations are of. Only stores that agree in all of it can be read or merged together.</summary>
public sealed record StoreContents
{
    /// <summary>The model's name: the last part of its path.</summary>
    public required string Model { get; init; }

    /// <summary>SHA-256 of config.json and of the weight files, in the order of their names.</summary>
    public required string ModelHash { get; init; }

    /// <summary>SHA-256 of the tokenizer's file.</summary>
    public required string TokenizerHash { get; init; }

    /// <summary>How the products of the model were computed.</summary>
    public required Arithmetic Arithmetic { get; init; }

    /// <summary>Stored type: F32, BF16 or F16.</summary>
    public required DType Type { get; init; }

    /// <summary>The sites in order of computation.</summary>
    public required IReadOnlyList<StoredSite> Sites { get; init; }

    /// <summary>Bytes of one row of all sites, without headers.</summary>
    public long RowBytes => Sites.Sum(site => (long)site.Width) * Type.Size();
}

/// <summary>The text of a harvest, and what decides which rows it has and where each lies.</summary>
public sealed record HarvestDescription
{
    /// <summary>The paths the text was read from, as they were given.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>SHA-256 of the token ids of all windows, so of text and tokenizer together.</summary>
    public required string TextHash { get; init; }

    /// <summary>Tokens of all windows, special ones included.</summary>
    public required long Tokens { get; init; }

    /// <summary>Number of windows.</summary>
    public required long Windows { get; init; }

    /// <summary>Tokens of the longest window.</summary>
    public required int Context { get; init; }

    /// <summary>Windows that went through the model together.</summary>
    public required int WindowsPerRun { get; init; }

    /// <summary>Rows that are shuffled together.</summary>
    public required int BucketRows { get; init; }

    /// <summary>Seed of the shuffle.</summary>
    public required long Seed { get; init; }

    /// <summary>How many parts share the windows.</summary>
    public required int Parts { get; init; }
}

/// <summary>What one process writes: every so-many-th run of a harvest.</summary>
public sealed record StorePart
{
    /// <summary>Folder of its shards, inside the store.</summary>
    public required string Folder { get; init; }

    /// <summary>The harvest it is a part of.</summary>
    public required HarvestDescription Harvest { get; init; }

    /// <summary>Which part, counted from 0.</summary>
    public required int Index { get; init; }

    /// <summary>Rows it has when it is complete.</summary>
    public required long Rows { get; init; }

    /// <summary>The buckets that are complete, by index.</summary>
    public required IReadOnlyList<StoreBucket> Buckets { get; init; }

    /// <summary>Rows in complete buckets.</summary>
    public long RowsWritten => Buckets.Sum(bucket => (long)bucket.Rows);

    /// <summary>Whether all rows are there.</summary>
    public bool IsComplete => RowsWritten == Rows;
}

/// <summary>Rows that were shuffled together: one shard for each site, and one that says which tokens they are.</summary>
/// <param name="Index">Number of the bucket in its part.</param>
/// <param name="Rows">Rows of each shard.</param>
/// <param name="Shards">One for each site, in the store's order.</param>
/// <param name="Tokens">Token id, sequence and position of each row.</param>
public sealed record StoreBucket(int Index, int Rows, IReadOnlyList<StoreShard> Shards, StoreShard Tokens);

/// <summary>A safetensors file of a store.</summary>
/// <param name="File">Name inside the store, with forward slashes.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Checksum">CRC-32 of the whole file.</param>
/// <param name="SquaredNorms">Sum of the squared norms of its rows before they were rounded to the stored type; 0 for tokens.</param>
public sealed record StoreShard(string File, long Bytes, uint Checksum, double SquaredNorms);
