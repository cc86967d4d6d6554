using System.Globalization;
using System.Text;
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
        var labels = new FeatureLabels(file);
        labels.Read(TextFile.Read(file).Trim());
        return labels.Count > 0 ? labels : throw new FileFormatException("holds no label with a feature index", file);
    }

    private void Read(string text)
    {
        switch (text is [var first, ..] ? first : ' ')
        {
            case '[':
                ReadArray(text);
                break;
            case '{':
                ReadObjects(text);
                break;
            default:
                ReadTable();
                break;
        }
    }

    private void ReadArray(string text)
    {
        foreach (var entry in Json(text, "").EnumerateArray())
            Add(entry);
    }

    /// <summary>JSON lines, or one object whose keys are indices.</summary>
    private void ReadObjects(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries);
        if (lines[0].EndsWith('}') && !(lines.Length == 1 && IsMap(Json(text, ""))))
        {
            foreach (var (number, line) in lines.Index())
                if (line.Length > 0)
                    Add(Json(line, $"line {number + 1} "));
            return;
        }
        foreach (var entry in Json(text, "").EnumerateObject())
            if (entry.Value.ValueKind == JsonValueKind.String)
                Add(entry.Name, entry.Value.GetString());
    }

    private JsonElement Json(string text, string where)
    {
        var (value, problem) = JsonText.Read(Encoding.UTF8.GetBytes(text));
        return problem is null ? value : throw new FileFormatException($"{where}is not valid JSON: {problem}", _file);
    }

    private static bool IsMap(JsonElement json) =>
        json.EnumerateObject().All(entry => int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out _));

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

    private void ReadTable()
    {
        var separator = TextFile.ReadLines(_file).FirstOrDefault()?.Contains('\t', StringComparison.Ordinal) == true ? '\t' : ',';
        var rows = DelimitedFile.Read(_file, separator);
        if (rows.Count == 0)
            return;
        var (index, label) = (DelimitedFile.Column(rows[0], IndexNames), DelimitedFile.Column(rows[0], LabelNames));
        if (index < 0 || label < 0)
            throw new FileFormatException(
                $"has no columns for the feature's index ({string.Join(", ", IndexNames)}) and its label ({string.Join(", ", LabelNames)})",
                _file
            );
        foreach (var row in rows.Skip(1))
            Add(row.Fields[index].Trim(), row.Fields[label]);
    }

    private void Add(string? index, string? label)
    {
        if (IndexOf(index) is { } feature && !string.IsNullOrWhiteSpace(label))
            _labels.TryAdd(feature, label.Trim());
    }

    /// <summary>Tables of other programs may hold whole numbers as 7.0, where another row has none.</summary>
    private static int? IndexOf(string? index)
    {
        if (index?.EndsWith(".0", StringComparison.Ordinal) == true)
            index = index[..^2];
        return int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var feature) ? feature : null;
    }
}
