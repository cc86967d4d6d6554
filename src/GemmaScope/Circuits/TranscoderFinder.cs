using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>Finds the transcoders of a set in files and folders, one for each layer; other dictionaries that lie there are passed
/// over.</summary>
internal static partial class TranscoderFinder
{
    /// <summary>Opens the set that some paths stand for.</summary>
    /// <param name="paths">Files, folders of one dictionary, or folders of many; those of the demo by their names.</param>
    /// <param name="input">Where those read that do not say it; null for nowhere.</param>
    /// <param name="notes">Told of every choice.</param>
    public static IReadOnlyList<SparseDictionary> Open(IReadOnlyList<string> paths, SiteKind? input, List<string> notes)
    {
        var found = new List<SparseDictionary>();
        try
        {
            foreach (var path in paths)
            {
                var below = Below(Path.Exists(path) ? path : DemoFiles.FindPath(path) ?? path);
                var before = found.Count;
                foreach (var file in below)
                    if (below.Length == 1 || IsTranscoder(file, input))
                        found.Add(Load(file, input, check: null));
                if (found.Count == before)
                    throw new ArgumentProblemException(
                        $"holds {below.Length} dictionaries, and none is known to be a transcoder: they are others, or neither path nor "
                            + "configuration says where they read",
                        path,
                        remedy: new Remedy(
                            $"say it with {new Setting("Site")}: resid_mid, ln2_normalized (Gemma Scope 1) or mlp_in (Gemma Scope 2)"
                        )
                    );
            }
            return Choose(found, notes);
        }
        catch
        {
            found.ForEach(one => one.Dispose());
            throw;
        }
    }

    private static string[] Below(string path)
    {
        if (!Directory.Exists(path) || SparseDictionary.In(path) is [var itself] && itself == path)
            return [path];
        var limits = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            MaxRecursionDepth = 6,
            IgnoreInaccessible = true,
        };
        string[] all =
        [
            .. SparseDictionary.In(path),
            .. Directory.EnumerateDirectories(path, "*", limits).Order(StringComparer.Ordinal).SelectMany(SparseDictionary.In),
        ];
        // Where there is none, the folder's own error says what was looked for.
        return all.Length == 0 ? [path] : all;
    }

    private static bool IsTranscoder(string path, SiteKind? input)
    {
        using var one = Load(path, input, check: false);
        return one.HasSites && one.OutputSites.All(site => site.Kind == SiteKind.MlpOut) && one.InputSite != one.OutputSite;
    }

    /// <summary>Opens a dictionary; where it does not say its site, at the one asked for of the layer in its name.</summary>
    private static SparseDictionary Load(string path, SiteKind? input, bool? check)
    {
        var one = SparseDictionary.Load(path, new() { CheckWeights = check });
        if (one.HasSites || input is not { } kind || one.Origin.Layers is not [var layer])
            return one;
        one.Dispose();
        return SparseDictionary.Load(
            path,
            new()
            {
                CheckWeights = check,
                Site = new Site(kind, layer),
                OutputSite = Site.MlpOut(layer),
            }
        );
    }

    /// <summary>Of several of one layer the one with the lowest L0 in its name (METHODS §4.5), if all have one.</summary>
    private static List<SparseDictionary> Choose(List<SparseDictionary> found, List<string> notes)
    {
        var chosen = new List<SparseDictionary>();
        foreach (var layer in found.GroupBy(one => one is { HasSites: true, InputSites.Count: 1 } ? one.InputSite.Layer : null))
        {
            SparseDictionary[] ranked = [.. layer.OrderBy(one => Sparsity(one.Name) ?? int.MaxValue)];
            if (layer.Key is null || ranked.Length == 1 || ranked.Any(one => Sparsity(one.Name) is null))
            {
                chosen.AddRange(ranked);
                continue;
            }
            chosen.Add(ranked[0]);
            notes.Add($"layer {layer.Key}: of {ranked.Length} transcoders the sparsest is used, {ranked[0].Name}");
            foreach (var other in ranked.Skip(1))
                other.Dispose();
        }
        return chosen;
    }

    /// <summary>The L0 in a name of Gemma Scope 1.</summary>
    internal static int? Sparsity(string name) =>
        AverageL0().Match(name) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    [GeneratedRegex(@"average_l0_(\d{1,6})$")]
    private static partial Regex AverageL0();
}
