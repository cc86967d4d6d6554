using System.Globalization;
using System.Text;
using GemmaScope.Files;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Looks at what a repository on the hub holds and remembers it in a file of the user, a line for each dictionary:
/// repository, path, bytes. The file may be deleted at any time.
/// </summary>
public static class CatalogueRefresh
{
    /// <summary>The environment variable that names another file.</summary>
    public const string FileVariable = "GEMMASCOPE_CATALOGUE";

    private const string FileName = "dictionaries.txt";

    private const string Heading = "# gemmascope catalogue 1: repository, path, bytes";

    private static readonly string[] WeightFiles =
    [
        DictionaryLoader.ScopeOneFile,
        DictionaryLoader.ScopeTwoFile,
        MultiLayerReader.FirstFile,
    ];

    /// <summary>The user's file: what <see cref="FileVariable"/> names, else <c>gemmascope/dictionaries.txt</c> in the user's folder of
    /// settings (<c>$XDG_CONFIG_HOME</c>, or <c>~/.config</c>).</summary>
    /// <exception cref="ArgumentProblemException">The user has no such folder.</exception>
    public static string UserFile() => UserFileOf(Environment.GetEnvironmentVariable);

    internal static string UserFileOf(Func<string, string?> variable) =>
        FindUserFile(variable) ?? Path.Combine(UserFolders.Settings(variable, FileVariable), FileName);

    /// <summary>The same, or null where a user has no folder of settings, so that there is no such file either.</summary>
    internal static string? FindUserFile(Func<string, string?> variable) =>
        variable(FileVariable) is { Length: > 0 } named ? named
        : UserFolders.FindSettings(variable) is { } folder ? Path.Combine(folder, FileName)
        : null;

    /// <summary>Lists a repository on the hub and writes what it found into the file, in place of what it said of that
    /// repository.</summary>
    /// <param name="repository">The repository, <c>org/name[@revision]</c>.</param>
    /// <param name="file">The file; null for the user's own.</param>
    /// <param name="options">Settings of the hub; null for those of the environment.</param>
    /// <param name="cancellationToken">Interrupts; the file stays as it was.</param>
    /// <returns>The dictionaries found.</returns>
    /// <exception cref="GemmaScopeException">The hub cannot be asked, the repository holds no dictionary that its paths explain, or the
    /// file cannot be written.</exception>
    public static async Task<IReadOnlyList<CatalogueEntry>> RunAsync(
        string repository,
        string? file = null,
        HubOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var reference = HubReference.Parse(repository);
        using var client = new HubClient(options);
        var listing = await client.ListAsync(reference, cancellationToken).ConfigureAwait(false);
        var found = Dictionaries(reference.Repository, listing).ToArray();
        if (found.Length == 0)
            throw new HubException(
                $"none of its {listing.Files.Count} files is a dictionary whose path says model, site and width, as those of Gemma Scope "
                    + "do",
                repository
            );
        var target = file ?? UserFile();
        var text = new StringBuilder(Heading).Append('\n');
        foreach (var entry in Read(target).Where(entry => entry.Repository != reference.Repository).Concat(found))
            text.Append(CultureInfo.InvariantCulture, $"{entry.Repository} {entry.Path} {entry.Bytes}\n");
        AtomicFile.Write(target, stream => stream.Write(Encoding.UTF8.GetBytes(text.ToString())), overwrite: true);
        return found;
    }

    /// <summary>The entries of a file; none if there is no such file.</summary>
    internal static IReadOnlyList<CatalogueEntry> Read(string file)
    {
        if (!File.Exists(file))
            return [];
        string[] lines;
        try
        {
            lines = File.ReadAllLines(file);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(file, problem);
        }
        if (lines is not [Heading, ..])
            throw new FileFormatException("is no catalogue of dictionaries; delete it, or name another with " + FileVariable, file);
        return
        [
            .. ScopeOneReleases.WithCanonical(
                lines[1..]
                    .Select(
                        (line, i) =>
                            Entry(line)
                            ?? throw new FileFormatException($"line {i + 2} cannot be read; delete the file and refresh anew", file)
                    )
            ),
        ];
    }

    private static CatalogueEntry? Entry(string line) =>
        line.Split(' ') is [var repository, var path, var size]
        && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
        && Seen(repository, path) is { } entry
            ? entry with
            {
                Bytes = bytes,
            }
            : null;

    private static IEnumerable<CatalogueEntry> Dictionaries(string repository, HubListing listing) =>
        from folder in listing.Files.GroupBy(file => file.Path.Contains('/') ? file.Path[..file.Path.LastIndexOf('/')] : "")
        where folder.Any(file => WeightFiles.Contains(Path.GetFileName(file.Path))) && !folder.Key.Contains(' ')
        let entry = Seen(repository, folder.Key)
        where entry is not null
        select entry with
        {
            Bytes = folder.Where(file => Path.GetExtension(file.Path) is ".npz" or ".safetensors").Sum(file => Math.Max(file.Size, 0)),
        };

    /// <summary>An entry by its path, with what the built-in catalogue knows besides.</summary>
    private static CatalogueEntry? Seen(string repository, string path) =>
        DictionaryCatalogue.BuiltIn.TryFind($"{repository}/{path}", out var known)
            ? known with
            {
                Source = CatalogueSource.Hub,
            }
            : CatalogueEntry.Of(repository, path, CatalogueSource.Hub);
}
