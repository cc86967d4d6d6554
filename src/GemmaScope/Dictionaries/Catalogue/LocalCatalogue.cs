using System.Globalization;
using System.Text;
using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Dictionaries of one's own in the catalogue. A folder of dictionaries says in <c>catalogue.json</c> what it holds; a file of the user
/// lists such
/// folders, whose dictionaries are then found by the folder's name and their path:
/// <c>my-suite/resid_post/layer_3/width_2k/average_l0_24</c>.
/// </summary>
public static class LocalCatalogue
{
    /// <summary>The file in a folder that says which dictionaries it holds.</summary>
    public const string FileName = "catalogue.json";

    private const string Key = "gemmascope_catalogue",
        DemoFolder = "demo-scope";

    /// <summary>The user's list of folders: <c>folders.txt</c> beside the list of what was seen on the hub.</summary>
    /// <exception cref="ArgumentProblemException">The user has no folder of settings.</exception>
    public static string UserFile() => ListBeside(CatalogueRefresh.UserFile());

    /// <summary>Writes what a folder holds.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">The model they were trained on.</param>
    /// <param name="paths">The folder of each dictionary in it.</param>
    /// <exception cref="GemmaScopeException">A dictionary cannot be read, or the file not be written.</exception>
    public static void Write(string folder, string model, IEnumerable<string> paths)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber(Key, 1);
            json.WriteString("model", model);
            json.WriteStartArray("dictionaries");
            foreach (var path in paths)
                WriteOne(json, folder, path);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        AtomicFile.Write(
            Path.Combine(folder, FileName),
            stream => stream.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)),
            overwrite: true
        );
    }

    /// <summary>The dictionaries of a folder.</summary>
    /// <exception cref="FileFormatException">The folder has no catalogue, or it is damaged.</exception>
    public static IReadOnlyList<CatalogueEntry> Read(string folder)
    {
        var file = JsonFile.Read(Path.Combine(folder, FileName));
        if (file.Integer(Key) != 1)
            throw file.Bad(Key, "must be 1: it is no catalogue, or one of another version");
        var (name, model) = (
            Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))),
            file.Text("model") ?? throw file.Missing("model")
        );
        return [.. file.Objects("dictionaries").Select(one => Entry(one, folder, name, model))];
    }

    /// <summary>Adds a folder to the user's list.</summary>
    /// <param name="folder">A folder with a catalogue.</param>
    /// <param name="list">The list; null for the user's own.</param>
    /// <returns>Its dictionaries.</returns>
    /// <exception cref="GemmaScopeException">The folder has no catalogue, or the list cannot be written.</exception>
    public static IReadOnlyList<CatalogueEntry> Add(string folder, string? list = null)
    {
        var (entries, file, full) = (Read(folder), list ?? UserFile(), Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        // A folder of the same name would hide its dictionaries or be hidden by them.
        var others = Folders(file).Where(other => Path.GetFileName(other) != Path.GetFileName(full));
        AtomicFile.Write(
            file,
            stream => stream.Write(Encoding.UTF8.GetBytes(string.Join('\n', others.Append(full)) + "\n")),
            overwrite: true
        );
        return entries;
    }

    /// <summary>The dictionaries of the demo model that come with the project; none where they were left out.</summary>
    internal static IEnumerable<CatalogueEntry> ReadDemo() =>
        DemoFiles.Find(DemoFolder) is { } folder && File.Exists(Path.Combine(folder, FileName)) ? Read(folder) : [];

    /// <summary>The dictionaries of all folders of a list that are still there.</summary>
    internal static IEnumerable<CatalogueEntry> ReadAll(string list) =>
        Folders(list).Where(folder => File.Exists(Path.Combine(folder, FileName))).SelectMany(Read);

    /// <summary>The list that belongs to a list of what was seen on the hub.</summary>
    internal static string ListBeside(string hubFile) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(hubFile))!, "folders.txt");

    private static IEnumerable<string> Folders(string list)
    {
        try
        {
            return File.Exists(list) ? [.. File.ReadAllLines(list).Where(line => line.Length > 0)] : [];
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(list, problem);
        }
    }

    private static void WriteOne(Utf8JsonWriter json, string folder, string path)
    {
        using var dictionary = SparseDictionary.Load(Path.Combine(folder, path), new() { CheckWeights = false });
        var known = DictionaryPath.Parse(Path.GetFullPath(Path.Combine(folder, path)));
        json.WriteStartObject();
        json.WriteString("path", path.Replace(Path.DirectorySeparatorChar, '/'));
        json.WriteString("family", dictionary.Family);
        json.WriteString("kind", $"{dictionary.Kind}");
        foreach (
            var (key, sites) in (ReadOnlySpan<(string, IReadOnlyList<Site>)>)
                [("reads", dictionary.InputSites), ("writes", dictionary.OutputSites)]
        )
        {
            json.WriteStartArray(key);
            foreach (var site in sites)
                json.WriteStringValue(site.ToString());
            json.WriteEndArray();
        }
        json.WriteString("width", DictionaryFolder.WidthLabel(dictionary.Width));
        json.WriteString("l0", known.L0Label);
        json.WriteString(
            "bytes",
            Directory
                .EnumerateFiles(Path.Combine(folder, path))
                .Sum(file => new FileInfo(file).Length)
                .ToString(CultureInfo.InvariantCulture)
        );
        json.WriteEndObject();
    }

    private static CatalogueEntry Entry(JsonSection one, string folder, string name, string model)
    {
        var path = one.Text("path") ?? throw one.Missing("path");
        if (path.Split('/').Contains("..") || Path.IsPathRooted(path))
            throw one.Bad("path", "must lie inside the folder");
        Site[] Sites(string key) =>
            [
                .. (one.Texts(key) ?? throw one.Missing(key)).Select(text =>
                    Site.TryParse(text, out var site) ? site : throw one.Bad(key, $"'{text}' is no site")
                ),
            ];
        return new CatalogueEntry
        {
            Repository = name,
            Path = path,
            Folder = Path.GetFullPath(Path.Combine(folder, path)),
            Model = model,
            Source = CatalogueSource.Local,
            Family = one.Text("family") ?? throw one.Missing("family"),
            Kind = Enum.TryParse<DictionaryKind>(one.Text("kind"), out var kind) ? kind : throw one.Bad("kind", "is no kind of dictionary"),
            InputSites = Sites("reads") is { Length: > 0 } reads ? reads : throw one.Bad("reads", "must name a site"),
            OutputSites = Sites("writes"),
            Width = one.Text("width") ?? throw one.Missing("width"),
            L0 = one.Text("l0"),
            Bytes = long.TryParse(one.Text("bytes"), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : null,
        };
    }
}
