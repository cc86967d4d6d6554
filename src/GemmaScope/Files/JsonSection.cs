using System.Text.Json;

namespace GemmaScope.Files;

/// <summary>
/// One object of a JSON or YAML file. A value that is absent or null reads as null, so a default is <c>?? value</c> and a
/// demand is <c>?? throw section.Missing(key)</c>; a value of another type is an error that names file and key.
/// </summary>
public sealed class JsonSection
{
    private readonly string _prefix;
    private readonly HashSet<string>? _read;

    internal JsonSection(string file, string prefix, JsonElement element, HashSet<string>? read = null) =>
        (File, _prefix, Element, _read) = (file, prefix, element, read);

    /// <summary>The file it was read from.</summary>
    public string File { get; }

    /// <summary>The object itself.</summary>
    public JsonElement Element { get; }

    /// <summary>The names of all values, in the file's order.</summary>
    public IEnumerable<string> Keys => Element.EnumerateObject().Select(p => p.Name);

    /// <summary>True if there is a value other than null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>The string, or null.</summary>
    public string? Text(string key) => Find(key) is not { } value ? null : AsText(key, value);

    /// <summary>The whole number, or null.</summary>
    public int? Integer(string key) => Find(key) is not { } value ? null : AsInteger(key, value);

    /// <summary>The number, or null.</summary>
    public double? Number(string key) => Find(key) is not { } value ? null : AsNumber(key, value);

    /// <summary>The number, which may be one that Python writes and JSON does not know (NaN, Infinity), or null.</summary>
    public double? AnyNumber(string key) => Find(key) is not { } value ? null : JsonText.PythonNumber(value) ?? AsNumber(key, value);

    /// <summary>True or false, or null.</summary>
    public bool? Flag(string key) =>
        Find(key) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Wrong(key, "true or false", value);

    /// <summary>The object, or null.</summary>
    public JsonSection? Section(string key) =>
        Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new JsonSection(File, $"{_prefix}{key}.", value, _read)
        : throw Wrong(key, "an object", value);

    /// <summary>The list of whole numbers, or null; a single number reads as a list of one.</summary>
    public IReadOnlyList<int>? Integers(string key) => List(key, AsInteger);

    /// <summary>The list of numbers, or null; a single number reads as a list of one.</summary>
    public IReadOnlyList<double>? Numbers(string key) => List(key, AsNumber);

    /// <summary>The list of strings, or null; a single string reads as a list of one.</summary>
    public IReadOnlyList<string>? Texts(string key) => List(key, AsText);

    /// <summary>The list of objects, or an error if there is none.</summary>
    public IReadOnlyList<JsonSection> Objects(string key)
    {
        if (Find(key) is not { } value)
            throw Missing(key);
        if (value.ValueKind != JsonValueKind.Array)
            throw Wrong(key, "a list of objects", value);
        return
        [
            .. value
                .EnumerateArray()
                .Select(
                    (item, i) =>
                        item.ValueKind == JsonValueKind.Object
                            ? new JsonSection(File, $"{_prefix}{key}[{i}].", item, _read)
                            : throw Wrong(key, "a list of objects", item)
                ),
        ];
    }

    /// <summary>Refuses values that nobody would read: a misspelt name must not silently leave a default in force.</summary>
    /// <param name="known">The names that have a meaning here.</param>
    /// <exception cref="FileFormatException">There is another; the message says which known name is nearest.</exception>
    public void RequireKnown(params IReadOnlyCollection<string> known)
    {
        foreach (var key in Keys)
        {
            if (known.Contains(key))
                continue;
            throw Bad(
                key,
                Similar.To(key, known) is [var near, ..]
                    ? $"is unknown; did you mean '{near}'?"
                    : $"is unknown; known are {string.Join(", ", known)}"
            );
        }
    }

    /// <summary>The same object, which from now on remembers what is asked for, its inner objects included: see <see cref="Unread"/>.</summary>
    internal JsonSection Watched() => new(File, _prefix, Element, new(StringComparer.Ordinal));

    /// <summary>True if the key is there, whatever its value; null counts.</summary>
    internal bool Names(string key)
    {
        _read?.Add(_prefix + key);
        return Element.TryGetProperty(key, out _);
    }

    /// <summary>The values of a watched object that nobody has asked for yet, inner ones where the object around them was asked for.
    /// </summary>
    internal IEnumerable<(JsonSection Section, string Key, JsonElement Value)> Unread()
    {
        foreach (var property in Element.EnumerateObject())
            if (_read is null || !_read.Contains(_prefix + property.Name))
                yield return (this, property.Name, property.Value);
            else if (property.Value.ValueKind == JsonValueKind.Object)
                foreach (var inner in new JsonSection(File, $"{_prefix}{property.Name}.", property.Value, _read).Unread())
                    yield return inner;
    }

    /// <summary>The name of a value with those of the objects around it, as messages write it.</summary>
    internal string FullName(string key) => _prefix + key;

    /// <summary>Refuses a stated size that is not that of the weights; one that is not stated is right.</summary>
    internal void RequireSize(string key, int found)
    {
        if (Integer(key) is { } told && told != found)
            throw Bad(key, $"is {told}, the weights have {found}");
    }

    /// <summary>The error to throw for a value that must be there.</summary>
    public FileFormatException Missing(string key) => new($"'{_prefix}{key}' is missing", File);

    /// <summary>The error to throw for a value that cannot be used.</summary>
    /// <param name="key">Its name in this object.</param>
    /// <param name="problem">What is wrong with it, e.g. "must be above 0, found -3".</param>
    public FileFormatException Bad(string key, string problem) => new($"'{_prefix}{key}' {problem}", File);

    private JsonElement? Find(string key)
    {
        _read?.Add(_prefix + key);
        return Element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    private List<T>? List<T>(string key, Func<string, JsonElement, T> convert) =>
        Find(key) is not { } value ? null
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(item => convert(key, item))]
        : [convert(key, value)];

    private int AsInteger(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Wrong(key, "a whole number", value);

    private double AsNumber(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Wrong(key, "a number", value);

    private string AsText(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(key, "a string", value);

    private FileFormatException Wrong(string key, string expected, JsonElement found)
    {
        var text = JsonText.Written(found);
        return Bad(key, $"must be {expected}, found {(text.Length <= 60 ? text : text[..60] + " …")}");
    }
}
