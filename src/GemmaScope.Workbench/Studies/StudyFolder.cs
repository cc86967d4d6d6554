using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>What a run folder is of: two runs with the same of it give the same numbers.</summary>
/// <param name="Study">Which study.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Settings">All that decides about numbers, by name.</param>
/// <param name="Files">The SHA-256 of each file that is read.</param>
internal sealed record StudyManifest(
    string Study,
    string Model,
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyDictionary<string, string> Files
)
{
    /// <summary>The form of the folder.</summary>
    public int Format { get; } = 1;

    /// <summary>The manifest of a study.</summary>
    /// <param name="study">Its name.</param>
    /// <param name="microscope">Model and dictionaries.</param>
    /// <param name="options">The seed.</param>
    /// <param name="settings">What else decides about numbers.</param>
    /// <param name="files">What is read, by name; null where it is not given.</param>
    public static StudyManifest Of(
        string study,
        Microscope microscope,
        StudyJobOptions options,
        IEnumerable<(string Name, string Value)> settings,
        IEnumerable<(string Name, string? File)> files
    ) =>
        new(
            study,
            microscope.ModelName,
            (
                (IEnumerable<(string Name, string Value)>)
                    [
                        ("weights", $"{microscope.Model.WeightBytes} bytes of {microscope.Model.WeightType}"),
                        ("config", microscope.Model.SettingsHash),
                        ("arithmetic", $"{microscope.Model.Arithmetic}"),
                        ("dictionaries", string.Join(", ", microscope.DictionaryNames)),
                        .. settings,
                        ("seed", $"{options.Seed}"),
                    ]
            ).ToDictionary(setting => setting.Name, setting => setting.Value),
            files.Where(file => file.File is not null).ToDictionary(file => file.Name, file => Checksum(file.File!))
        );

    /// <summary>The checksum of a file.</summary>
    public static string Checksum(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new FileFormatException($"the file cannot be read: {problem.Message}", file, problem);
        }
    }
}

/// <summary>
/// The folder of a study: a manifest, the parts that are done (a JSON line each), and what is made of them. A killed study goes on where it
/// was, because each part is written as soon as it is measured and is not measured again.
/// </summary>
internal sealed class StudyFolder : IDisposable
{
    private const string ManifestName = "manifest.json",
        PartsName = "parts.jsonl";

    private readonly FileLock _lock;
    private readonly FileStream _file;
    private readonly Dictionary<string, JsonElement> _done = new(StringComparer.Ordinal);
    private readonly TimeSpan? _budget;
    private readonly TimeProvider _time;
    private readonly long _begun;
    private int _measured;

    private StudyFolder(string path, FileLock taken, TimeSpan? budget, TimeProvider time)
    {
        (Path, _lock, _budget, _time, _begun) = (path, taken, budget, time, time.GetTimestamp());
        foreach (var line in AppendedLines.Read(File(PartsName)))
            if (line.Text("part") is { } part && line.Element.TryGetProperty("value", out var value))
                _done[part] = value;
        Before = _done.Count;
        _file = AppendedLines.Open(File(PartsName));
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Parts that an earlier run has done.</summary>
    public int Before { get; }

    /// <summary>Opens a folder for a study: a new one, or one of the same study.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="manifest">What the study is.</param>
    /// <param name="restart">Whether what is there of another is thrown away.</param>
    /// <param name="budget">How long parts are begun; null for as long as there are some.</param>
    /// <param name="time">Measures it.</param>
    /// <exception cref="ArgumentProblemException">It holds another study.</exception>
    public static StudyFolder Open(string path, StudyManifest manifest, bool restart, TimeSpan? budget = null, TimeProvider? time = null)
    {
        var taken = FileLock.Take(System.IO.Path.Combine(path, ".lock"), path, "the study");
        try
        {
            var file = System.IO.Path.Combine(path, ManifestName);
            var wanted = ResultJson.Text(manifest);
            if (restart)
                foreach (var name in (string[])[ManifestName, PartsName])
                    System.IO.File.Delete(System.IO.Path.Combine(path, name));
            if (!System.IO.File.Exists(file))
                AtomicFile.Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(wanted)));
            else if (Difference(JsonFile.Read(file), JsonDocument.Parse(wanted).RootElement) is { } difference)
                throw new ArgumentProblemException(
                    $"{path} holds another study ({difference} differs); name another folder",
                    new Setting(nameof(StudyJobOptions.Out)),
                    new Remedy($"or begin anew with {new Setting(nameof(StudyJobOptions.Restart))}")
                );
            return new(path, taken, budget, time ?? TimeProvider.System);
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>The path of a file in the folder.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>A part: as it was measured before, or measured now and written.</summary>
    /// <param name="name">Its name, which stands for all that decides about it.</param>
    /// <param name="measure">Measures it.</param>
    /// <exception cref="StudyPausedException">The time is spent. A run always measures one part, so that it gets on.</exception>
    public T Part<T>(string name, Func<T> measure)
    {
        if (_done.TryGetValue(name, out var value))
            return Read<T>(value) ?? throw new FileFormatException($"the part '{name}' is damaged; begin anew", File(PartsName));
        if (_measured > 0 && _budget is { } budget && _time.GetElapsedTime(_begun) >= budget)
            throw new StudyPausedException(Path, _done.Count + _measured);
        var measured = measure();
        _measured++;
        AppendedLines.Append(_file, ResultJson.Line(new WrittenPart<T>(name, measured)));
        return measured;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _lock.Dispose();
    }

    private static T? Read<T>(JsonElement value)
    {
        try
        {
            return value.Deserialize<T>(ResultJson.Compact);
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static string? Difference(JsonSection there, JsonElement wanted)
    {
        foreach (var property in wanted.EnumerateObject())
        {
            if (!there.Element.TryGetProperty(property.Name, out var found))
                return property.Name;
            if (property.Value.ValueKind == JsonValueKind.Object)
            {
                foreach (var inner in property.Value.EnumerateObject())
                    if (!found.TryGetProperty(inner.Name, out var value) || value.GetRawText() != inner.Value.GetRawText())
                        return inner.Name;
                if (found.EnumerateObject().Count() != property.Value.EnumerateObject().Count())
                    return property.Name;
            }
            else if (found.GetRawText() != property.Value.GetRawText())
                return property.Name;
        }
        return null;
    }

    private sealed record WrittenPart<T>([property: JsonPropertyName("part")] string Part, [property: JsonPropertyName("value")] T Value);
}
