using System.Text.Json.Serialization;
using GemmaScope.Activations;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Workbench;

/// <summary>A site of a store.</summary>
/// <param name="Site">Its name.</param>
/// <param name="Width">Numbers in a row.</param>
/// <param name="Scale">C of METHODS §2.3; not a number where there is no row yet.</param>
public sealed record StoreSiteSummary(string Site, int Width, double Scale);

/// <summary>A part of a store, as far as it is written.</summary>
/// <param name="Folder">Its folder in the store.</param>
/// <param name="Part">Its number, from 0.</param>
/// <param name="Parts">How many parts share the text.</param>
/// <param name="Buckets">Complete buckets.</param>
/// <param name="Rows">Rows in them.</param>
/// <param name="PlannedRows">Rows the part will have.</param>
/// <param name="Context">Tokens of a window, BOS included.</param>
/// <param name="BucketRows">Rows that are shuffled together.</param>
/// <param name="Seed">Seed of the shuffle.</param>
/// <param name="Text">The text, as it was named.</param>
public sealed record StorePartSummary(
    string Folder,
    int Part,
    int Parts,
    int Buckets,
    long Rows,
    long PlannedRows,
    int Context,
    int BucketRows,
    long Seed,
    IReadOnlyList<string> Text
);

/// <summary>What a store of activations holds: the result of all jobs that make one.</summary>
/// <param name="store">The store.</param>
public sealed class StoreSummary(ActivationStore store)
{
    private StoreContents Contents => Store.Manifest.Contents;

    /// <summary>The store itself.</summary>
    [JsonIgnore]
    public ActivationStore Store { get; } = store;

    /// <summary>The model's name.</summary>
    public string Model => Contents.Model;

    /// <summary>SHA-256 of its weights.</summary>
    [JsonPropertyName("model_sha256")]
    public string ModelHash => Contents.ModelHash;

    /// <summary>The stored type as safetensors names it: F32, BF16 or F16.</summary>
    [JsonPropertyName("dtype")]
    public string Type => SafetensorsTypes.NameOf(Contents.Type);

    /// <summary>How the model computed them: exact or fast.</summary>
    public Arithmetic Arithmetic => Contents.Arithmetic;

    /// <summary>Rows of each site.</summary>
    public long Rows => Store.Rows;

    /// <summary>Whether all parts are there and complete.</summary>
    [JsonPropertyName("complete")]
    public bool IsComplete => Store.IsComplete;

    /// <summary>Bytes of all complete shards.</summary>
    public long Bytes =>
        Store.Manifest.Parts.SelectMany(part => part.Buckets).Sum(bucket => bucket.Tokens.Bytes + bucket.Shards.Sum(shard => shard.Bytes));

    /// <summary>Tokens of the texts behind it.</summary>
    public long Tokens => Store.Manifest.Parts.Select(part => part.Harvest).DistinctBy(harvest => harvest.TextHash).Sum(one => one.Tokens);

    /// <summary>Rows of the texts that the harvest left out because they cannot be read; null where nothing was harvested.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SkippedRows { get; init; }

    /// <summary>The sites in order of computation.</summary>
    public IReadOnlyList<StoreSiteSummary> Sites =>
        [.. Contents.Sites.Select(site => new StoreSiteSummary(site.Site.ToString(), site.Width, Store.Scale(site.Site)))];

    /// <summary>The parts that are there.</summary>
    public IReadOnlyList<StorePartSummary> Parts =>
        [
            .. Store.Manifest.Parts.Select(part => new StorePartSummary(
                part.Folder,
                part.Index,
                part.Harvest.Parts,
                part.Buckets.Count,
                part.RowsWritten,
                part.Rows,
                part.Harvest.Context,
                part.Harvest.BucketRows,
                part.Harvest.Seed,
                part.Harvest.Text
            )),
        ];
}
