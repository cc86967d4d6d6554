using System.Text.RegularExpressions;

namespace GemmaScope.Files;

/// <summary>Where the hub and its cache are and how to talk to it; the defaults are those of Python's huggingface_hub.</summary>
public sealed partial record HubOptions
{
    /// <summary>The cache's root, which holds the <c>models--org--name</c> folders.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>Address of the hub or of a mirror; default https://huggingface.co.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>Access token, sent to <see cref="Endpoint"/> and to no other host; null for none.</summary>
    public string? Token { get; init; }

    /// <summary>Never use the network; default false.</summary>
    public bool Offline { get; init; }

    /// <summary>Link snapshots to blobs where the file system can; default true.</summary>
    public bool Symlinks { get; init; } = true;

    /// <summary>Files downloaded at once, 1 or more; default 4.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Attempts of a request, counted anew whenever a download has got further; default 6.</summary>
    public int Attempts { get; init; } = 6;

    /// <summary>A connection that is silent for so long counts as dropped; default 30 seconds.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock behind the pauses between attempts.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What sends the requests, e.g. through a special proxy; it must not follow redirects. Null for the default.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>Free bytes of the disk that holds a folder, or null where that is unknown.</summary>
    internal Func<string, long?> FreeBytes { get; init; } = DiskFreeBytes;

    /// <summary>
    /// Options from the environment: HF_HUB_CACHE, HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE,
    /// HF_HUB_DISABLE_SYMLINKS, XDG_CACHE_HOME and the older HUGGINGFACE_HUB_CACHE, HUGGING_FACE_HUB_TOKEN, TRANSFORMERS_OFFLINE.
    /// </summary>
    /// <param name="variable">Reads a variable; null for this process's environment.</param>
    /// <exception cref="ArgumentProblemException">HF_ENDPOINT is not an address, or no variable says where the cache is and there is no home
    /// folder.</exception>
    public static HubOptions FromEnvironment(Func<string, string?>? variable = null)
    {
        var read = variable ?? Environment.GetEnvironmentVariable;
        string? Value(string name) => read(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;
        string? Folder(string name) => Value(name) is { } value ? Expand(value, read) : null;
        bool Flag(string name) => Value(name)?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

        var caches = Folder("XDG_CACHE_HOME") ?? (UserFolders.Home(read) is { } user ? Path.Combine(user, ".cache") : null);
        var home = Folder("HF_HOME") ?? (caches is null ? null : Path.Combine(caches, "huggingface"));
        return new()
        {
            CacheFolder = Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home ?? throw Homeless(), "hub"),
            Endpoint = EndpointOf(Value("HF_ENDPOINT") ?? "https://huggingface.co"),
            Token =
                Value("HF_TOKEN")
                ?? Value("HUGGING_FACE_HUB_TOKEN")
                ?? TokenIn(Folder("HF_TOKEN_PATH") ?? (home is null ? null : Path.Combine(home, "token"))),
            Offline = Flag("HF_HUB_OFFLINE") || Flag("TRANSFORMERS_OFFLINE"),
            Symlinks = !Flag("HF_HUB_DISABLE_SYMLINKS"),
        };
    }

    /// <summary>Hub and cache, without the token.</summary>
    public override string ToString() => $"{Endpoint}, cached in {CacheFolder}";

    private static Uri EndpointOf(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new ArgumentProblemException($"'{text}' is not a web address; write for example https://huggingface.co", "HF_ENDPOINT");

    private static string? TokenIn(string? file)
    {
        try
        {
            return File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } token ? token : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HubException($"the token file cannot be read ({e.Message}); set HF_TOKEN instead", file, e);
        }
    }

    // As Python's expanduser and expandvars do for these settings.
    private static string Expand(string path, Func<string, string?> read)
    {
        path = Variable().Replace(path, m => read(m.Groups[1].Value) ?? m.Value);
        if (path != "~" && !path.StartsWith("~/", StringComparison.Ordinal))
            return path;
        return (UserFolders.Home(read) ?? throw Homeless()) + path[1..];
    }

    private static ArgumentProblemException Homeless() =>
        new("there is no home folder for it; set HF_HUB_CACHE or HOME to a folder of yours", "cache");

    private static long? DiskFreeBytes(string folder)
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\$\{?(\w+)\}?", RegexOptions.CultureInvariant)]
    private static partial Regex Variable();
}
