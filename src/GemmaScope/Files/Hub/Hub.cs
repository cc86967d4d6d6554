namespace GemmaScope.Files;

/// <summary>
/// The front door to models and dictionaries by name: a name is a local path if something is there, else one of the demo files
/// (<see cref="DemoFiles"/>), else a hub reference <c>org/name[@revision][/path]</c>, of which only what is needed and not yet in the cache is
/// downloaded.
/// </summary>
public static class Hub
{
    /// <summary>What is downloaded of a model repository: configuration, vocabulary and safetensors weights.</summary>
    public static IReadOnlyList<string> ModelFiles { get; } =
    [
        "config.json",
        "generation_config.json",
        "*.safetensors",
        "*.safetensors.index.json",
        "tokenizer.model",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "chat_template.json",
        "special_tokens_map.json",
        "nla_meta.yaml",
    ];

    /// <summary>What is downloaded of a dictionary's folder.</summary>
    public static IReadOnlyList<string> DictionaryFiles { get; } = ["*.safetensors", "*.npz", "*.npy", "*.json", "ae.pt", "config.yaml"];

    /// <summary>Finds or downloads a model: a folder with <see cref="ModelFiles"/>.</summary>
    /// <param name="nameOrPath">A folder, or <c>org/name[@revision]</c>.</param>
    /// <param name="options">Settings; null for those of the environment.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Interrupts; what has arrived is kept and continued the next time.</param>
    /// <exception cref="ArgumentProblemException">The name is neither a folder nor a reference.</exception>
    /// <exception cref="HubException">The model cannot be had.</exception>
    public static async Task<ResolvedPath> ResolveModelAsync(
        string nameOrPath,
        HubOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (LocalFolder(nameOrPath) is { } local)
            return local;
        using var client = new HubClient(options);
        return await client
            .GetFolderAsync(Reference(nameOrPath, "folder"), ModelFiles, ModelFolder.Lacks, progress, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Finds or downloads a folder, e.g. one dictionary of a repository of many.</summary>
    /// <param name="nameOrPath">A folder, or <c>org/name[@revision]/path/of/folder</c>.</param>
    /// <param name="patterns">Globs relative to the folder; null for all its files.</param>
    /// <param name="options">Settings; null for those of the environment.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Interrupts; what has arrived is kept and continued the next time.</param>
    /// <exception cref="ArgumentProblemException">The name is neither a folder nor a reference.</exception>
    /// <exception cref="HubException">The folder cannot be had.</exception>
    public static async Task<ResolvedPath> ResolveFolderAsync(
        string nameOrPath,
        IReadOnlyList<string>? patterns = null,
        HubOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (LocalFolder(nameOrPath) is { } local)
            return local;
        using var client = new HubClient(options);
        return await client
            .GetFolderAsync(Reference(nameOrPath, "folder"), patterns ?? [], progress, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Finds or downloads one file.</summary>
    /// <param name="nameOrPath">A file, or <c>org/name[@revision]/path/of/file</c>.</param>
    /// <param name="options">Settings; null for those of the environment.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Interrupts; what has arrived is kept and continued the next time.</param>
    /// <exception cref="ArgumentProblemException">The name is neither a file nor a reference.</exception>
    /// <exception cref="HubException">The file cannot be had.</exception>
    public static async Task<ResolvedPath> ResolveFileAsync(
        string nameOrPath,
        HubOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (File.Exists(nameOrPath))
            return new(Path.GetFullPath(nameOrPath), PathSource.Local);
        if (DemoFiles.RequirePath(nameOrPath) is { } demo && File.Exists(demo))
            return new(demo, PathSource.Local);
        if (Directory.Exists(nameOrPath))
            throw new ArgumentProblemException("is a folder where a file is expected", nameOrPath);
        using var client = new HubClient(options);
        return await client.GetFileAsync(Reference(nameOrPath, "file"), progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Finds or downloads a dictionary: a weights file, or the <see cref="DictionaryFiles"/> of a folder without those of the
    /// folders in it.</summary>
    /// <param name="nameOrPath">A file or folder, or <c>org/name[@revision]/path</c>; a path whose last part has an extension names a
    /// file.</param>
    /// <param name="options">Settings; null for those of the environment.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Interrupts; what has arrived is kept and continued the next time.</param>
    /// <exception cref="ArgumentProblemException">The name is neither a path nor a reference.</exception>
    /// <exception cref="HubException">The dictionary cannot be had.</exception>
    public static Task<ResolvedPath> ResolveDictionaryAsync(
        string nameOrPath,
        HubOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var isFile =
            File.Exists(nameOrPath)
            || (
                Path.HasExtension(nameOrPath)
                && !Directory.Exists(DemoFiles.FindPath(nameOrPath) ?? nameOrPath)
                && HubReference.TryParse(nameOrPath, out var reference)
                && reference.Path.Length > 0
            );
        return isFile
            ? ResolveFileAsync(nameOrPath, options, progress, cancellationToken)
            : ResolveFolderAsync(nameOrPath, DictionaryFiles, options, progress, cancellationToken);
    }

    /// <inheritdoc cref="ResolveDictionaryAsync"/>
    public static ResolvedPath ResolveDictionary(
        string nameOrPath,
        HubOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) => Wait(() => ResolveDictionaryAsync(nameOrPath, options, progress, cancellationToken));

    /// <inheritdoc cref="ResolveModelAsync"/>
    public static ResolvedPath ResolveModel(
        string nameOrPath,
        HubOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) => Wait(() => ResolveModelAsync(nameOrPath, options, progress, cancellationToken));

    /// <inheritdoc cref="ResolveFolderAsync"/>
    public static ResolvedPath ResolveFolder(
        string nameOrPath,
        IReadOnlyList<string>? patterns = null,
        HubOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) => Wait(() => ResolveFolderAsync(nameOrPath, patterns, options, progress, cancellationToken));

    private static ResolvedPath? LocalFolder(string path)
    {
        if (Directory.Exists(path))
            return new(Path.GetFullPath(path), PathSource.Local);
        if (File.Exists(path))
            throw new ArgumentProblemException("is a file where a folder is expected", path);
        return DemoFiles.RequirePath(path) is { } demo && Directory.Exists(demo) ? new(demo, PathSource.Local) : null;
    }

    private static HubReference Reference(string name, string kind) =>
        HubReference.TryParse(name, out var reference)
            ? reference
            : throw new ArgumentProblemException(
                $"there is no such {kind}, and it is not a hub reference (org/name, org/name@revision, org/name/path/inside)"
                    + (IsGooglesName(name) ? $"; did you mean 'google/{name}'?" : ""),
                name
            );

    /// <summary>Whether it is what Google calls its models, without the owner that the hub wants, as other libraries take it.</summary>
    private static bool IsGooglesName(string name) =>
        name.StartsWith("gemma", StringComparison.OrdinalIgnoreCase) || name.StartsWith("shieldgemma", StringComparison.OrdinalIgnoreCase);

    // On the thread pool, so that a caller with a synchronization context does not wait for itself.
    private static ResolvedPath Wait(Func<Task<ResolvedPath>> resolve) => Task.Run(resolve).GetAwaiter().GetResult();
}
