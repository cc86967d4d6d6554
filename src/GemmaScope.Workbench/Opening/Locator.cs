using GemmaScope.Dictionaries;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>
/// Turns the names a user writes into files: a local path, a demo model that comes along (<c>demo-pt</c>), a dictionary of the
/// catalogue, or a hub reference, of which only what is needed is downloaded.
/// </summary>
public static class Locator
{
    private static readonly string[] TokenizerFiles =
    [
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "special_tokens_map.json",
    ];

    private static readonly string[] ConfigFiles = ["config.json", "generation_config.json"];

    /// <summary>The folder or GGUF file of a model.</summary>
    /// <param name="name">A folder, a GGUF file, a demo model or a reference to the hub.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Stops a download, which goes on next time.</param>
    /// <exception cref="GemmaScopeException">There is no such model, or it is a dictionary.</exception>
    public static async Task<string> ModelAsync(
        string name,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        LocalModel(name)
        ?? await DownloadAsync(name, progress, hub => Hub.ResolveModelAsync(name, options: null, hub, cancellationToken))
            .ConfigureAwait(false);

    /// <summary>The folder or file of a dictionary, or a local folder of dictionaries. Of a repository of many only the named one is
    /// downloaded.</summary>
    /// <inheritdoc cref="ModelAsync"/>
    public static async Task<string> DictionaryAsync(
        string name,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        Local(name)
        ?? await DownloadAsync(
                name,
                progress,
                hub => Task.Run(() => SparseDictionary.Resolve(name, options: null, hub, cancellationToken), cancellationToken)
            )
            .ConfigureAwait(false);

    /// <summary>The folder or file of a tokenizer: one of its own, or a model's, of which nothing else is downloaded.</summary>
    /// <inheritdoc cref="ModelAsync"/>
    public static async Task<string> TokenizerAsync(
        string name,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        Local(name)
        ?? await DownloadAsync(name, progress, hub => PartAsync(name, TokenizerFiles, hub, cancellationToken)).ConfigureAwait(false);

    /// <summary>The folder that holds a model's config.json, of which nothing else is downloaded.</summary>
    /// <inheritdoc cref="ModelAsync"/>
    public static async Task<string> ConfigAsync(
        string name,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        LocalModel(name)
        ?? await DownloadAsync(name, progress, hub => PartAsync(name, ConfigFiles, hub, cancellationToken)).ConfigureAwait(false);

    /// <summary>Any file, or the files of a folder without those of the folders in it.</summary>
    /// <inheritdoc cref="ModelAsync"/>
    public static async Task<string> FileOrFolderAsync(
        string name,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        Local(name)
        ?? await DownloadAsync(
                name,
                progress,
                hub => Hub.ResolveDictionaryAsync(DictionaryCatalogue.Load().Reference(name), options: null, hub, cancellationToken)
            )
            .ConfigureAwait(false);

    /// <summary>Some files of a model; of a GGUF file, which holds everything, the whole.</summary>
    private static Task<ResolvedPath> PartAsync(
        string name,
        IReadOnlyList<string> files,
        IProgress<HubProgress>? hub,
        CancellationToken cancellationToken
    ) =>
        name.EndsWith(GgufFile.Extension, StringComparison.OrdinalIgnoreCase)
            ? Hub.ResolveModelAsync(name, options: null, hub, cancellationToken)
            : Hub.ResolveFolderAsync(name, files, options: null, hub, cancellationToken);

    /// <summary>Refuses a model's name that can be no model's, with what was probably meant.</summary>
    /// <exception cref="ArgumentProblemException">It is no folder, no demo model, and has not the form of a reference to the hub.</exception>
    internal static void CheckModelName(string name)
    {
        if (LocalModel(name) is not null || name.Contains('/'))
            return;
        string[] known = [MicroscopeOptions.DemoModel, MicroscopeOptions.DemoChat];
        var meant =
            name.StartsWith("gemma", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("shieldgemma", StringComparison.OrdinalIgnoreCase)
                ? $"google/{name}"
                : Similar.To(name, known).FirstOrDefault();
        throw new ArgumentProblemException(
            "there is no such model here, and it is no reference to the hub (org/name)"
                + (meant is null ? $"; the models that come along are {string.Join(" and ", known)}" : $"; did you mean '{meant}'?"),
            name
        );
    }

    private static string? LocalModel(string name)
    {
        var path = Local(name);
        if (path is not null && Directory.Exists(path) && IsDictionary(path))
            throw new ArgumentProblemException("is a dictionary, and a model is needed; 'gemmascope inspect' shows what is in it", name);
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
        return DemoFiles.FindPath(name);
    }

    private static async Task<string> DownloadAsync(
        string name,
        IProgress<JobReport>? progress,
        Func<IProgress<HubProgress>?, Task<ResolvedPath>> resolveAsync
    )
    {
        try
        {
            return (await resolveAsync(progress is null ? null : new DownloadReports(progress)).ConfigureAwait(false)).Path;
        }
        catch (HubException problem)
        {
            // A misspelt path looks like a reference, and the hub's own complaint would lead astray.
            throw new HubException($"there is no such file or folder here, and the hub failed: {problem.Message}", name, problem);
        }
    }
}
