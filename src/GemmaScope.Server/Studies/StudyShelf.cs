using System.Collections.Concurrent;
using System.Text.Json;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Studies;

/// <summary>The studies of some folders: run folders, and those that lie directly in them. What is added is found at once.</summary>
internal sealed class StudyShelf(IReadOnlyList<string> folders)
{
    private const string ResultName = "result.json",
        PageName = "report.html",
        ManifestName = "manifest.json",
        PartsName = "parts.jsonl";

    /// <summary>Results in memory at most, and bytes of one.</summary>
    private const int Kept = 4;

    private const long LargestResult = 512L << 20;

    // A list names all of them, and a result may have megabytes of which its line has a few words.
    private readonly ConcurrentDictionary<string, (string Stamp, StudyRun Run)> _runs = new();

    private readonly ConcurrentDictionary<string, (string Stamp, StudyDocument Document)> _documents = new();

    /// <summary>All, the latest first.</summary>
    public IReadOnlyList<StudyRun> Runs() =>
        [
            .. Named()
                .Select(one => Run(one.Name, one.Folder))
                .OrderByDescending(run => run.Written)
                .ThenBy(run => run.Name, StringComparer.Ordinal),
        ];

    /// <summary>One by its name, or null.</summary>
    public StudyRun? Find(string name) => FolderOf(name) is { } folder ? Run(name, folder) : null;

    /// <summary>The result of a study; null where there is none.</summary>
    /// <exception cref="FileFormatException">It is damaged or too large.</exception>
    public StudyDocument? Document(string name)
    {
        if (FolderOf(name) is not { } folder || !File.Exists(Path.Combine(folder, ResultName)))
            return null;
        var (file, stamp) = (Path.Combine(folder, ResultName), Stamp(folder, ResultName));
        if (_documents.TryGetValue(file, out var known) && known.Stamp == stamp)
            return known.Document;
        var document = new StudyDocument(Read(file));
        if (_documents.Count >= Kept)
            _documents.Clear();
        _documents[file] = (stamp, document);
        return document;
    }

    /// <summary>The file of a study's page; null where there is none.</summary>
    public string? Report(string name) => Existing(name, PageName);

    /// <summary>The file of its result; null where there is none.</summary>
    public string? Result(string name) => Existing(name, ResultName);

    private string? Existing(string name, string file) =>
        FolderOf(name) is { } folder && File.Exists(Path.Combine(folder, file)) ? Path.Combine(folder, file) : null;

    private string? FolderOf(string name) => Named().FirstOrDefault(one => one.Name == name).Folder;

    /// <summary>The folders of studies, of two with one name the second with a number.</summary>
    private IEnumerable<(string Name, string Folder)> Named()
    {
        var seen = new Dictionary<string, int>();
        foreach (var folder in folders.SelectMany(WithThoseIn).Select(Path.GetFullPath).Distinct().Where(IsStudy))
        {
            var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
            var times = seen[name] = seen.GetValueOrDefault(name) + 1;
            yield return (times == 1 ? name : $"{name}~{times}", folder);
        }
    }

    private static IEnumerable<string> WithThoseIn(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? [folder, .. Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)] : [];
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Whether a folder is of a study: its manifest says so, or it holds parts or a report beside a result. Other programs have files of
    /// these names too.</summary>
    private bool IsStudy(string folder) =>
        File.Exists(Path.Combine(folder, PartsName))
        || File.Exists(Path.Combine(folder, ResultName))
            && Run(Path.GetFileName(folder), folder) is { Study: not null } or { HasReport: true };

    private StudyRun Run(string name, string folder)
    {
        var stamp = string.Join(' ', ((string[])[ResultName, PartsName, ManifestName, PageName]).Select(file => Stamp(folder, file)));
        if (_runs.TryGetValue(folder, out var known) && known.Stamp == stamp)
            return known.Run with { Name = name };
        var run = Look(name, folder);
        _runs[folder] = (stamp, run);
        return run;
    }

    private static StudyRun Look(string name, string folder)
    {
        string At(string file) => Path.Combine(folder, file);
        var (parts, last) = Parts(At(PartsName));
        var manifest = Told(At(ManifestName));
        var (result, problem) = ((JsonElement?)null, (string?)null);
        if (File.Exists(At(ResultName)))
            try
            {
                result = Read(At(ResultName));
            }
            catch (FileFormatException damaged)
            {
                problem = damaged.Problem;
            }
        return new(
            name,
            Named("study"),
            Named("model"),
            File.GetLastWriteTimeUtc(
                At(((string[])[ResultName, PartsName, ManifestName]).First(file => File.Exists(At(file)) || file == ManifestName))
            ),
            result is not null,
            parts,
            last,
            result is { } whole ? ReadFinding.Of(whole) : [],
            problem,
            File.Exists(At(PageName))
        );

        string? Named(string what) => (result is { } found ? StudyJson.Text(found, what) : null) ?? StudyJson.Text(manifest, what);
    }

    /// <summary>What a manifest says; nothing where it cannot be read, for the result says the same.</summary>
    private static JsonElement Told(string manifest)
    {
        try
        {
            return File.Exists(manifest) ? Read(manifest) : default;
        }
        catch (FileFormatException)
        {
            return default;
        }
    }

    /// <summary>How many parts are whole, and the name of the last.</summary>
    private static (int Count, string? Last) Parts(string file)
    {
        var (count, last) = (0, (string?)null);
        if (!File.Exists(file))
            return (count, last);
        try
        {
            // Whoever makes the study has it open for writing.
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
                // The last line may be half written.
                if (PartName(line) is { } part)
                    (count, last) = (count + 1, part);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return (count, last);
        }
        return (count, last);
    }

    private static string? PartName(string line)
    {
        if (!line.StartsWith("{\"part\":", StringComparison.Ordinal) || !line.EndsWith('}'))
            return null;
        var reader = new Utf8JsonReader(
            System.Text.Encoding.UTF8.GetBytes(line[..Math.Min(line.Length, 4096)]),
            isFinalBlock: false,
            default
        );
        try
        {
            return reader.Read() && reader.Read() && reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonElement Read(string file)
    {
        try
        {
            if (new FileInfo(file).Length > LargestResult)
                throw new FileFormatException($"has more than {LargestResult >> 20} MB and is not opened here", file);
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var document = JsonDocument.Parse(stream);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw new FileFormatException("is no result of a study: it holds no object", file);
        }
        catch (JsonException problem)
        {
            throw new FileFormatException(
                $"is damaged or was cut short (line {problem.LineNumber + 1}); run the study again, which goes on after what it has measured",
                file,
                problem
            );
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new FileFormatException($"cannot be read: {problem.Message}", file, problem);
        }
    }

    private static string Stamp(string folder, string file) =>
        new FileInfo(Path.Combine(folder, file)) is { Exists: true } info ? $"{info.LastWriteTimeUtc.Ticks} {info.Length}" : "-";
}
