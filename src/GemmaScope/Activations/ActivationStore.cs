using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Activations;

/// <summary>Which token a row of a store is.</summary>
/// <param name="Token">Token id.</param>
/// <param name="Sequence">Number of its window in the text, counted over all parts.</param>
/// <param name="Position">Place in the window; BOS is at 0 and never stored.</param>
public readonly record struct StoredToken(int Token, long Sequence, int Position);

/// <summary>
/// Activations on disk: for each site the same rows in the same order, in buckets that were shuffled (METHODS §2.2). It shows the buckets
/// that were complete when it was opened, so it may be read while it is being written.
/// </summary>
public sealed class ActivationStore
{
    private readonly Dictionary<Site, int> _indices;

    private ActivationStore(string folder, StoreManifest manifest)
    {
        (Folder, Manifest) = (folder, manifest);
        Sites = [.. manifest.Contents.Sites.Select(site => site.Site)];
        _indices = Sites.Select((site, index) => (site, index)).ToDictionary(pair => pair.site, pair => pair.index);
        Rows = manifest.Parts.Sum(part => part.RowsWritten);
    }

    /// <summary>The store's folder.</summary>
    public string Folder { get; }

    /// <summary>What it holds.</summary>
    public StoreManifest Manifest { get; }

    /// <summary>The sites in order of computation.</summary>
    public IReadOnlyList<Site> Sites { get; }

    /// <summary>Rows of each site.</summary>
    public long Rows { get; }

    /// <summary>Whether all parts are there and complete.</summary>
    public bool IsComplete =>
        Manifest.Parts.All(part => part.IsComplete)
        && Manifest.Parts.GroupBy(part => part.Harvest.TextHash).All(harvest => harvest.Count() >= harvest.First().Harvest.Parts);

    /// <summary>Opens a store; only its manifests are read.</summary>
    /// <exception cref="FileFormatException">There is none, or a manifest is malformed or does not fit the others.</exception>
    public static ActivationStore Open(string folder) => new(folder, ManifestFile.ReadAll(folder));

    /// <summary>Numbers in a row of a site.</summary>
    /// <exception cref="ArgumentProblemException">The store does not have the site.</exception>
    public int Width(Site site) => Manifest.Contents.Sites[IndexOf(site)].Width;

    /// <summary>C of METHODS §2.3: the root of the mean squared norm of the site's rows; NaN where there are none.</summary>
    /// <exception cref="ArgumentProblemException">The store does not have the site.</exception>
    public double Scale(Site site)
    {
        var index = IndexOf(site);
        return Math.Sqrt(Manifest.Parts.SelectMany(part => part.Buckets).Sum(bucket => bucket.Shards[index].SquaredNorms) / Rows);
    }

    /// <summary>A stream of the store's rows for training.</summary>
    /// <param name="sites">Some of the sites, in the order wanted; null for all.</param>
    /// <param name="seed">Decides about the order of the buckets, and of the rows in them, in each epoch.</param>
    /// <exception cref="ArgumentProblemException">The store does not have a site, or no row yet.</exception>
    public ActivationReader NewReader(IEnumerable<Site>? sites = null, long seed = 0) => new(this, sites ?? Sites, seed);

    /// <summary>Which tokens the rows of a bucket are.</summary>
    /// <exception cref="FileFormatException">The file is missing or malformed.</exception>
    public StoredToken[] ReadTokens(StoreBucket bucket) => TokenShard.Read(Path.Combine(Folder, bucket.Tokens.File), bucket.Rows);

    /// <exception cref="ArgumentProblemException">The store does not have the site.</exception>
    internal int IndexOf(Site site) =>
        _indices.TryGetValue(site, out var index)
            ? index
            : throw new ArgumentProblemException($"is not in the store, which has {string.Join(", ", Sites)}", site.ToString());
}
