using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Evaluation;

/// <summary>
/// Checks that were made: in memory, and of models that take long to run in the user's cache too. A check is known again as long as the
/// files of model and dictionary, where the dictionary is read, and this program are the same.
/// </summary>
internal static class KnownChecks
{
    // A model below runs as quickly as a file is read.
    private const long KeptFromParameters = 100_000_000;

    private static readonly ConcurrentDictionary<string, DictionaryCheck> Memory = new(StringComparer.Ordinal);

    /// <summary>What names a check, or null where its files cannot be looked at.</summary>
    public static string? Key(GemmaModel model, SparseDictionary dictionary)
    {
        var text = new StringBuilder(typeof(KnownChecks).Module.ModuleVersionId.ToString());
        try
        {
            foreach (var file in model.Files.Concat(FilesOf(dictionary.Origin.Path)))
            {
                var info = new FileInfo(Path.GetFullPath(file));
                text.Append(CultureInfo.InvariantCulture, $"\n{info.FullName} {info.Length} {info.LastWriteTimeUtc.Ticks}");
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or GemmaScopeException)
        {
            return null;
        }
        text.Append(
            CultureInfo.InvariantCulture,
            $"\n{model.Arithmetic} {string.Join(' ', dictionary.InputSites)} {string.Join(' ', dictionary.OutputSites)}"
        );
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>The check of that name, or null.</summary>
    public static DictionaryCheck? Find(string key)
    {
        if (Memory.TryGetValue(key, out var known))
            return known;
        if (FileOf(key) is not { } file || !File.Exists(file))
            return null;
        try
        {
            return JsonSerializer.Deserialize<DictionaryCheck>(File.ReadAllBytes(file), JsonSerializerOptions.Web) is { } kept
                ? Memory.GetOrAdd(key, kept)
                : null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or JsonException)
        {
            // It is made anew.
            return null;
        }
    }

    /// <summary>Keeps a check.</summary>
    public static void Keep(string key, DictionaryCheck check, GemmaModel model)
    {
        Memory[key] = check;
        if (model.Parameters < KeptFromParameters || FileOf(key) is not { } file || !double.IsFinite(check.Fvu))
            return;
        try
        {
            AtomicFile.Write(file, stream => JsonSerializer.Serialize(stream, check, JsonSerializerOptions.Web), overwrite: true);
        }
        catch (GemmaScopeException)
        {
            // A cache that cannot be written costs time and nothing else.
        }
    }

    private static string? FileOf(string key) =>
        UserFolders.FindCache(Environment.GetEnvironmentVariable) is { } cache ? Path.Combine(cache, "checks", $"{key}.json") : null;

    /// <summary>A file with those beside it, as the settings of a dictionary are, or the files of a folder.</summary>
    private static IEnumerable<string> FilesOf(string path) =>
        Directory
            .EnumerateFiles(Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!)
            .Order(StringComparer.Ordinal);
}
