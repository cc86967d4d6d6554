using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>
/// What the path of a released dictionary says (METHODS §2.3, §3.2):
/// <c>gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71</c>, <c>gemma-scope-2-1b-pt/resid_post/layer_13_width_16k_l0_medium</c>,
/// <c>…/clt/width_262k_l0_big_affine</c>. Parts that do not fit read as unknown; nothing is made up.
/// </summary>
internal sealed partial record DictionaryPath
{
    private static readonly string[] SiteFolders =
    [
        "resid_post",
        "mlp_out",
        "attn_out",
        "attn",
        "z",
        "transcoder",
        "crosscoder",
        "clt",
        "embedding",
    ];

    /// <summary>Name within the repository.</summary>
    public required string Name { get; init; }

    public string? Repository { get; init; }

    /// <summary>The folder that names the site, without a trailing <c>_all</c>.</summary>
    public string? SiteFolder { get; init; }

    public IReadOnlyList<int> Layers { get; init; } = [];

    public string? WidthLabel { get; init; }

    public string? L0Label { get; init; }

    /// <summary>Whether the name ends on <c>_affine</c>.</summary>
    public bool Affine { get; init; }

    /// <summary>Reads a file's or folder's path.</summary>
    public static DictionaryPath Parse(string path)
    {
        var full = Path.GetFullPath(path);
        var isFolder = Directory.Exists(full);
        var folder = isFolder ? full : Path.GetDirectoryName(full)!;
        var parts = folder.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
        var (result, first) = Parse(parts);
        if (first == parts.Length)
            return result with { Name = isFolder ? Path.GetFileName(folder) : Path.GetFileNameWithoutExtension(full) };
        return result with { Repository = first > 0 ? RepositoryName.Of(Path.GetPathRoot(full) + Path.Combine(parts[..first])) : null };
    }

    /// <summary>Reads the path of a folder in a repository on the hub.</summary>
    public static DictionaryPath OfHub(string repository, string path) => Parse(path.Split('/')).Path with { Repository = repository };

    /// <summary>Whether a repository is one of Gemma Scope 2.</summary>
    public static bool IsScopeTwo(string repository) => ScopeTwoRepository().IsMatch(repository);

    /// <summary>What the folders say, and which is the first that belongs to the dictionary's name.</summary>
    private static (DictionaryPath Path, int First) Parse(string[] folders)
    {
        var result = new DictionaryPath { Name = "" };
        var first = folders.Length;
        for (var i = folders.Length - 1; i >= 0 && Labels(folders[i], result) is { } more; i--)
            (result, first) = (more, i);
        if (first > 0 && first < folders.Length && SiteFolders.Contains(WithoutAll(folders[first - 1])))
            result = result with { SiteFolder = WithoutAll(folders[--first]) };
        return (result with { Name = string.Join('/', folders[first..]) }, first);
    }

    /// <summary>The model of a released repository: Gemma Scope 1 trained on Gemma 2, Gemma Scope 2 on Gemma 3.</summary>
    public string? Model
    {
        get
        {
            if (Repository is null)
                return null;
            if (ScopeTwoRepository().Match(Repository) is { Success: true } two)
                return $"google/gemma-3-{two.Groups[1].Value}-{two.Groups[2].Value}";
            if (ScopeOneRepository().Match(Repository) is not { Success: true } one)
                return null;
            return $"gemma-2-{one.Groups[1].Value}{(one.Groups[2].Value == "it" ? "-it" : "")}";
        }
    }

    /// <summary>The site folder, or what stands for it in the names of Gemma Scope 1's repositories.</summary>
    public string? SiteName =>
        SiteFolder
        ?? (
            Repository is not null && ScopeOneRepository().Match(Repository) is { Success: true } one
                ? one.Groups[3].Value switch
                {
                    "res" => "resid_post",
                    "mlp" => "mlp_out",
                    "att" => "z",
                    _ => "transcoder",
                }
                : null
        );

    /// <summary>Input and output site of a Gemma Scope 1 dictionary, or none. Its transcoders read the bare normalised vector (METHODS
    /// §2.4).</summary>
    public (DictionaryKind Kind, IReadOnlyList<Site> Sites) SitesOne()
    {
        if (SiteFolder == "embedding")
            return (DictionaryKind.Sae, [Site.Embed, Site.Embed]);
        if (Layers is not [var layer])
            return (DictionaryKind.Sae, []);
        if (SiteName == "transcoder")
            return (DictionaryKind.Transcoder, [new Site(SiteKind.Ln2Normalized, layer), Site.MlpOut(layer)]);
        return (DictionaryKind.Sae, SaeSite(SiteName, layer) is { } sae ? [sae, sae] : []);
    }

    /// <summary>Input and output site of a single-layer Gemma Scope 2 dictionary, or none. Its transcoders read the norm's output, gain
    /// included (METHODS §3.2).</summary>
    public (DictionaryKind Kind, IReadOnlyList<Site> Sites) SitesTwo(bool affine)
    {
        if (Layers is not [var layer])
            return (DictionaryKind.Sae, []);
        if (SiteName == "transcoder")
            return (affine ? DictionaryKind.SkipTranscoder : DictionaryKind.Transcoder, [Site.MlpIn(layer), Site.MlpOut(layer)]);
        return (DictionaryKind.Sae, SaeSite(SiteName, layer) is { } sae ? [sae, sae] : []);
    }

    /// <summary>The sites of a crosscoder or cross-layer transcoder of Gemma Scope 2 over these layers.</summary>
    public static (IReadOnlyList<Site> Inputs, IReadOnlyList<Site> Outputs) SitesOfLayers(bool crosscoder, IEnumerable<int> layers) =>
        crosscoder
            ? ([.. layers.Select(Site.ResidPost)], [.. layers.Select(Site.ResidPost)])
            : ([.. layers.Select(Site.MlpIn)], [.. layers.Select(Site.MlpOut)]);

    /// <summary>Kind and sites of a dictionary in one of Gemma Scope's repositories; no sites where the path does not say them.</summary>
    public (DictionaryKind Kind, IReadOnlyList<Site> Inputs, IReadOnlyList<Site> Outputs) Sites()
    {
        if (SiteFolder is "crosscoder" or "clt" && Model is { } model)
        {
            var crosscoder = SiteFolder == "crosscoder";
            var (inputs, outputs) = SitesOfLayers(crosscoder, crosscoder ? Layers : Enumerable.Range(0, DictionarySize.Layers(model)));
            return (crosscoder ? DictionaryKind.Crosscoder : DictionaryKind.CrossLayerTranscoder, inputs, outputs);
        }
        var (kind, sites) = Repository is not null && IsScopeTwo(Repository) ? SitesTwo(Affine) : SitesOne();
        return (kind, [.. sites.Take(1)], [.. sites.Skip(1)]);
    }

    private static Site? SaeSite(string? name, int layer) =>
        name switch
        {
            "resid_post" => Site.ResidPost(layer),
            "mlp_out" => Site.MlpOut(layer),
            // Gemma Scope calls the concatenated heads before o_proj "attention output".
            "attn_out" or "attn" or "z" => Site.Z(layer),
            _ => null,
        };

    /// <summary>What one part of the path adds, or null if it is none of a dictionary's.</summary>
    private static DictionaryPath? Labels(string part, DictionaryPath known)
    {
        if (part == "embedding")
            return known with { SiteFolder = part };
        if (Together().Match(part) is { Success: true } all)
        {
            var layers = all.Groups["layers"].Value.Split('_', StringSplitOptions.RemoveEmptyEntries);
            return known with
            {
                Layers = [.. layers.Select(layer => int.Parse(layer, CultureInfo.InvariantCulture))],
                WidthLabel = all.Groups["width"].Value,
                L0Label = all.Groups["l0"].Value,
                Affine = all.Groups["rest"].Value.Contains("_affine", StringComparison.Ordinal),
            };
        }
        if (Level().Match(part) is not { Success: true } one)
            return null;
        var value = one.Groups[2].Value;
        return one.Groups[1].Value switch
        {
            "layer" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var layer) => known with
            {
                Layers = [layer],
            },
            "width" => known with { WidthLabel = value },
            "average_l0" => known with { L0Label = value },
            _ => null,
        };
    }

    private static string WithoutAll(string folder) => folder.EndsWith("_all", StringComparison.Ordinal) ? folder[..^4] : folder;

    [GeneratedRegex(@"^(?:layer_(?<layers>\d{1,6}(?:_\d{1,6})*)_)?width_(?<width>[^_]+)_l0_(?<l0>[^_]+)(?<rest>(?:_.+)?)$")]
    private static partial Regex Together();

    [GeneratedRegex(@"^(layer|width|average_l0)_(.+)$")]
    private static partial Regex Level();

    [GeneratedRegex(@"gemma-scope-(\d+b)-(pt|it)-(res|mlp|att|transcoders)$")]
    private static partial Regex ScopeOneRepository();

    [GeneratedRegex(@"gemma-scope-2-(\d+[mb])-(pt|it)$")]
    private static partial Regex ScopeTwoRepository();
}
