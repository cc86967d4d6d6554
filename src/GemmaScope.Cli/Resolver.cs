using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Files;

namespace GemmaScope.Cli;

/// <summary>
/// Turns the names a user writes into files: a local path, a demo model that comes with the command (<c>demo-pt</c>), a
/// dictionary of the catalogue, or a hub reference, of which only what is needed is downloaded.
/// </summary>
internal sealed class Resolver(Terminal terminal, CancellationToken cancellation)
{
    public const string DefaultModel = "demo-pt";
    public const string DefaultDictionary = "demo-sae";
    public const string DefaultShield = "demo-it";

    private const string DemoPrefix = "demo-";

    /// <summary>The folder of a model.</summary>
    public string Model(string name) =>
        LocalModel(name) ?? Download(name, progress => Hub.ResolveModel(name, options: null, progress, cancellation));

    /// <summary>The folder or file of a dictionary, or a local folder of dictionaries. Of a repository of many only the named one is
    /// downloaded.</summary>
    public string Dictionary(string name) =>
        Local(name) ?? Download(name, progress => SparseDictionary.Resolve(name, options: null, progress, cancellation));

    /// <summary>The folders or files of all dictionaries that are named, of those in a folder of many each; of none named that of the demo
    /// model.</summary>
    /// <exception cref="ArgumentProblemException">None is named, and the model is another.</exception>
    public IEnumerable<string> Dictionaries(string[]? names, string model)
    {
        var given =
            names is { Length: > 0 } ? names
            : model == DefaultModel ? [DefaultDictionary]
            : throw new ArgumentProblemException($"name dictionaries of {model} with --sae; the default is one of {DefaultModel}", "--sae");
        return given.SelectMany(name => DictionaryFinder.All(Dictionary(name)));
    }

    /// <summary>The folder or file of a tokenizer: one of its own, or a model's, of which nothing else is downloaded.</summary>
    public string Tokenizer(string name)
    {
        if (Local(name) is { } local)
            return local;
        return Download(
            name,
            progress => Hub.ResolveFolder(name, ["tokenizer.json", "tokenizer.model"], options: null, progress, cancellation)
        );
    }

    /// <summary>The folder that holds a model's config.json, of which nothing else is downloaded.</summary>
    public string Config(string name) =>
        LocalModel(name)
        ?? Download(
            name,
            progress => Hub.ResolveFolder(name, ["config.json", "generation_config.json"], options: null, progress, cancellation)
        );

    /// <summary>Any file, or the files of a folder without those of the folders in it.</summary>
    public string FileOrFolder(string name) =>
        Local(name) ?? Download(name, progress => Hub.ResolveDictionary(name, options: null, progress, cancellation));

    private static string? LocalModel(string name)
    {
        var path = Local(name);
        if (path is not null && Directory.Exists(path) && IsDictionary(path))
            throw new ArgumentProblemException(
                "is a dictionary, and a model is needed; 'gemmascope inspect' shows what is in a dictionary",
                name
            );
        return path;
    }

    private static bool IsDictionary(string folder) =>
        DictionaryFinder.Holds(folder)
        || (!File.Exists(Path.Combine(folder, "config.json")) && DictionaryFinder.All(folder).Any(DictionaryFinder.Holds));

    private static string? Local(string name)
    {
        if (string.IsNullOrWhiteSpace(name))
            throw new ArgumentProblemException(
                "the name is empty; give a folder, demo-pt, demo-it, or a hub reference (org/name)",
                "model"
            );
        if (File.Exists(name) || Directory.Exists(name))
            return name;
        return name.StartsWith(DemoPrefix, StringComparison.Ordinal) ? Demo(name.Split('/', 2)) : null;
    }

    /// <summary>One of the demo files, or a folder or file inside one.</summary>
    private static string? Demo(string[] parts)
    {
        var folder = DemoFiles.Find(parts[0]);
        if (folder is null || parts.Length == 1)
            return folder;
        var inside = Path.Combine(folder, parts[1]);
        return !parts[1].Split('/', '\\').Contains("..") && (Directory.Exists(inside) || File.Exists(inside)) ? inside : null;
    }

    private string Download(string name, Func<IProgress<HubProgress>, ResolvedPath> resolve)
    {
        try
        {
            return DownloadDisplay.Run(terminal, resolve).Path;
        }
        catch (HubException problem)
        {
            // A misspelt path looks like a reference, and the hub's own complaint would lead astray.
            throw new HubException($"there is no such file or folder here, and the hub failed: {problem.Message}", name, problem);
        }
    }
}
