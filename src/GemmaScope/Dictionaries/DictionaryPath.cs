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
    private static readonly string[] SiteFolders = ["resid_post", "mlp_out", "attn_out", "attn", "z", "transcoder", "crosscoder", "clt", "embedding"];

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
        var folder = Directory.Exists(full) ? full : Path.GetDirectoryName(full)!;
        var parts = folder.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
        var result = new DictionaryPath { Name = Path.GetFileNameWithoutExtension(full) };
        var first = parts.Length;
        for (var i = parts.Length - 1; i >= 0 && Labels(parts[i], result) is { } more; i--) (result, first) = (more, i);
        if (first == parts.Length) return Directory.Exists(full) ? result with { Name = Path.GetFileName(folder) } : result;

        if (first > 0 && SiteFolders.Contains(WithoutAll(parts[first - 1])))
            result = result with { SiteFolder = WithoutAll(parts[--first]) };
        return result with { Name = string.Join('/', parts[first..]), Repository = first > 0 ? RepositoryName.Of(Path.GetPathRoot(full) + Path.Combine(parts[..first])) : null };
    }

    /// <summary>The model of a released repository: Gemma Scope 1 trained on Gemma 2, Gemma Scope 2 on Gemma 3.</summary>
    public string? Model
    {
        get
        {
            if (Repository is null) return null;
            if (ScopeTwoRepository().Match(Repository) is { Success: true } two) return $"google/gemma-3-{two.Groups[1].Value}-{two.Groups[2].Value}";
            if (ScopeOneRepository().Match(Repository) is not { Success: true } one) return null;
            return $"gemma-2-{one.Groups[1].Value}{(one.Groups[2].Value == "it" ? "-it" : "")}";
        }
    }

    /// <summary>The site folder, or what stands for it in the names of Gemma Scope 1's repositories.</summary>
    public string? SiteName => SiteFolder ?? (Repository is not null && ScopeOneRepository().Match(Repository) is { Success: true } one
        ? one.Groups[3].Value switch { "res" => "resid_post", "mlp" => "mlp_out", "att" => "z", _ => "transcoder" }
        : null);

    /// <summary>The site of a layer's SAE, by the folder's name; null for transcoders and the like.</summary>
    public static Site? SaeSite(string? name, int layer) => name switch
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
        if (part == "embedding") return known with { SiteFolder = part };
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
        if (Level().Match(part) is not { Success: true } one) return null;
        var value = one.Groups[2].Value;
        return one.Groups[1].Value switch
        {
            "layer" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var layer) => known with { Layers = [layer] },
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
