using System.Globalization;
using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Features;

/// <summary>
/// Labels of features, from a file: JSON lines, one JSON array, an object of index → label, or a table (CSV, TSV) with a head line.
/// The index is called feature, index or id; the label label, description, explanation or annotation, in any case.
/// Of several labels of one feature the first counts.
/// </summary>
public sealed class FeatureLabels
{
    private static readonly string[] IndexNames = ["feature", "index", "feature_index", "feature_id", "id"];
    private static readonly string[] LabelNames = ["label", "description", "explanation", "annotation"];

    private readonly Dictionary<int, string> _labels = [];
    private readonly string _file;

    private FeatureLabels(string file) => _file = file;

    /// <summary>Number of features that have a label.</summary>
    public int Count => _labels.Count;

    /// <summary>The features that have a label, by index.</summary>
    public IEnumerable<int> Features => _labels.Keys.Order();

    /// <summary>The label of a feature, or null.</summary>
    public string? this[int feature] => _labels.GetValueOrDefault(feature);

    /// <summary>Reads a file of labels.</summary>
    /// <exception cref="FileFormatException">The file is missing, has another form, or holds no label.</exception>
    public static FeatureLabels Load(string file)
    {
        if (FileChecks.LengthOf(file) > JsonFile.LargestFile)
            throw new FileFormatException($"is larger than {JsonFile.LargestFile} bytes, too large for a file of labels", file);
        var labels = new FeatureLabels(file);
        labels.Read(ReadText(file));
        return labels.Count > 0 ? labels : throw new FileFormatException("holds no label with a feature index", file);
    }

    private static string ReadText(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(file, problem);
        }
    }

    private void Read(string text)
    {
        try
        {
            switch (text.AsSpan().TrimStart() is [var first, ..] ? first : ' ')
            {
                case '[':
                    ReadArray(text);
                    break;
                case '{':
                    ReadObjects(text);
                    break;
                default:
                    ReadTable(text);
                    break;
            }
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            throw new FileFormatException($"is not valid JSON: {problem.Message}", _file, problem);
        }
    }

    private void ReadArray(string text)
    {
        using var json = JsonDocument.Parse(text);
        foreach (var entry in json.RootElement.EnumerateArray())
            Add(entry);
    }

    /// <summary>JSON lines, or one object whose keys are indices.</summary>
    private void ReadObjects(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (IsWhole(lines[0]) && !(lines.Length == 1 && IsMap(lines[0])))
        {
            foreach (var line in lines)
            {
                using var json = JsonDocument.Parse(line);
                Add(json.RootElement);
            }
            return;
        }
        using var map = JsonDocument.Parse(text);
        foreach (var entry in map.RootElement.EnumerateObject())
            if (entry.Value.ValueKind == JsonValueKind.String)
                Add(entry.Name, entry.Value.GetString());
    }

    private static bool IsWhole(string line) => line.EndsWith('}');

    private static bool IsMap(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json
            .RootElement.EnumerateObject()
            .All(entry => int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out _));
    }

    private void Add(JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object)
            throw new FileFormatException("holds an entry that is no object with an index and a label", _file);
        Add(Value(entry, IndexNames), Value(entry, LabelNames));
    }

    private static string? Value(JsonElement entry, string[] names)
    {
        foreach (var name in names)
        foreach (var property in entry.EnumerateObject())
            if (
                property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
                && property.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number
            )
                return property.Value.ToString();
        return null;
    }

    private void ReadTable(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0)
            return;
        var separator = lines[0].Contains('\t', StringComparison.Ordinal) ? '\t' : ',';
        var head = DelimitedText.Fields(lines[0], separator);
        var (index, label) = (Column(head, IndexNames), Column(head, LabelNames));
        if (index < 0 || label < 0)
            throw new FileFormatException(
                $"has no columns for the feature's index ({string.Join(", ", IndexNames)}) and its label ({string.Join(", ", LabelNames)})",
                _file
            );
        foreach (var line in lines.Skip(1))
        {
            var fields = DelimitedText.Fields(line, separator);
            if (fields.Count > Math.Max(index, label))
                Add(fields[index], fields[label]);
        }
    }

    private static int Column(List<string> head, string[] names)
    {
        foreach (var name in names)
            if (head.FindIndex(field => field.Equals(name, StringComparison.OrdinalIgnoreCase)) is >= 0 and var at)
                return at;
        return -1;
    }

    private void Add(string? index, string? label)
    {
        if (int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var feature) && !string.IsNullOrWhiteSpace(label))
            _labels.TryAdd(feature, label.Trim());
    }
}
