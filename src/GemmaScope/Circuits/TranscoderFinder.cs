using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>Finds the transcoders of a set in files and folders, one for each layer; other dictionaries that lie there are passed
/// over.</summary>
internal static class TranscoderFinder
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
            var chosen = TranscoderChoice.Sparsest(found, notes);
            foreach (var other in found.Except(chosen))
                other.Dispose();
            return chosen;
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
        return TranscoderChoice.IsTranscoder(one);
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
}
