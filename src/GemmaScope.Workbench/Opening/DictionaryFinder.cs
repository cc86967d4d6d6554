using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Picks one dictionary of a folder that may hold many, as repositories of dictionaries do.</summary>
public static class DictionaryFinder
{
    private const int Named = 4;

    /// <summary>The path itself where it is a dictionary, else the only one below it that fits layer and site.</summary>
    /// <exception cref="ArgumentProblemException">Several fit; the message names some.</exception>
    public static string Find(string path, int? layer, string? site)
    {
        if (!Directory.Exists(path) || IsDictionary(path))
            return path;
        var fitting = Fitting(path, layer, site);
        return fitting.Length switch
        {
            0 => path,
            1 => fitting[0],
            _ => throw new ArgumentProblemException(
                $"holds {fitting.Length} dictionaries; name one, e.g. "
                    + $"{string.Join(", ", fitting.Take(Named).Select(folder => Path.GetRelativePath(path, folder)))}",
                path
            ),
        };
    }

    /// <summary>The path itself where it is a dictionary or none are below it, else all below it that fit layer and site.</summary>
    public static string[] All(string path, int? layer = null, string? site = null) =>
        !Directory.Exists(path) || IsDictionary(path) || Fitting(path, layer, site) is not { Length: > 0 } fitting ? [path] : fitting;

    private static string[] Fitting(string path, int? layer, string? site)
    {
        var (below, whole) = (Below(path), (Site?)null);
        if (site is not null && Site.TryParse(site, out var named))
            whole = named;
        var kind = (whole is { } known ? $"{known}" : site)?.Split('.')[0];
        var fitting = below.Where(folder => Fits(Path.GetRelativePath(path, folder), layer ?? whole?.Layer, kind)).ToArray();
        // Names that say nothing of layer or site cannot be told apart by them.
        return fitting.Length == 0 ? below : fitting;
    }

    private static string[] Below(string path)
    {
        var limits = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            MaxRecursionDepth = 6,
            IgnoreInaccessible = true,
        };
        return
        [
            .. SparseDictionary.In(path),
            .. Directory.EnumerateDirectories(path, "*", limits).Order(StringComparer.Ordinal).SelectMany(SparseDictionary.In),
        ];
    }

    /// <summary>Whether a folder is a dictionary, or a set of them.</summary>
    public static bool Holds(string folder) => SparseDictionary.In(folder).Count > 0;

    private static bool IsDictionary(string folder) => SparseDictionary.In(folder) is [var one] && one == folder;

    private static bool Fits(string name, int? layer, string? kind) =>
        (layer is null || name.Split('/', Path.DirectorySeparatorChar).Any(part => IsOfLayer(part, layer.Value)))
        && (kind is null || name.Contains(kind, StringComparison.Ordinal));

    /// <summary>How the programs of the field write a layer into the name of a folder or file.</summary>
    private static bool IsOfLayer(string part, int layer) =>
        part == $"layer_{layer}"
        || part == $"layer_{layer}.safetensors"
        || part.StartsWith($"layer_{layer}_", StringComparison.Ordinal)
        || $".{part}.".Contains($".layers.{layer}.", StringComparison.Ordinal);
}
