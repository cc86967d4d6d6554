using System.Security.Cryptography;
using System.Text.Json;

namespace GemmaScope.Files;

/// <summary>A row of a file of JSON lines: an object, or why it is none.</summary>
public sealed class JsonRow
{
    private readonly JsonElement? _remains;

    internal JsonRow(string file, TextLine line)
    {
        (File, Line) = (file, line.Number);
        Hash = Convert.ToHexStringLower(SHA256.HashData(line.Bytes.Span).AsSpan(0, 8));
        if (line.Problem is not null)
        {
            (Problem, _remains) = (line.Problem, JsonText.Remains(line.Bytes.Span));
            return;
        }
        var (value, problem) = JsonText.Read(line.Bytes.Span);
        _remains = problem is null ? value : JsonText.Remains(line.Bytes.Span);
        Problem =
            problem is not null ? $"line {line.Number} is not valid JSON: {problem}"
            : value.ValueKind != JsonValueKind.Object ? $"line {line.Number} is not a JSON object"
            : null;
        if (Problem is null)
            Section = new JsonSection($"{file} line {line.Number}", "", value);
    }

    /// <summary>The file it was read from.</summary>
    public string File { get; }

    /// <summary>The number of its line, from 1.</summary>
    public long Line { get; }

    /// <summary>What tells rows of other contents apart: the first 8 bytes of the SHA-256 of the line.</summary>
    public string Hash { get; }

    /// <summary>The object; null where there is a problem.</summary>
    public JsonSection? Section { get; }

    /// <summary>What is wrong with the row, with the number of its line: no JSON, no object, not UTF-8, half a character, too long. Null
    /// where nothing is.</summary>
    public string? Problem { get; }

    /// <summary>A short string or number of the row, even of one with a problem: what it may be called by.</summary>
    /// <param name="key">The field.</param>
    /// <returns>Null where there is no such field, or it cannot be told what it says.</returns>
    public string? Name(string key)
    {
        if (_remains is not { ValueKind: JsonValueKind.Object } row || !row.TryGetProperty(key, out var name))
            return null;
        try
        {
            return name.ValueKind switch
            {
                JsonValueKind.String => name.GetString() is { } text && !text.Contains('\uFFFD') ? text : null,
                JsonValueKind.Number => JsonText.Written(name),
                _ => null,
            };
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair.
            return null;
        }
    }

    /// <summary>The object.</summary>
    /// <exception cref="FileFormatException">The row has a problem.</exception>
    public JsonSection Needed() => Section ?? throw new FileFormatException(Problem!, File);
}
