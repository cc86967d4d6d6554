using System.Text;
using System.Text.Json;

namespace GemmaScope.Files;

/// <summary>
/// Reads JSON as programs write it, strictly but for one thing: <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c>, which Python writes, are
/// numbers. They are kept as literals beyond all numbers, so that whoever asks for a finite number is refused, and whoever takes others
/// gets them by <see cref="JsonSection"/>.
/// </summary>
internal static class JsonText
{
    private const string Infinity = "1e9999";
    private const string NaN = "9e9999";

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64 };

    private static readonly (string Word, string Literal)[] PythonNumbers =
    [
        ("-Infinity", "-" + Infinity),
        ("Infinity", Infinity),
        ("NaN", NaN),
    ];

    /// <summary>Reads a value.</summary>
    /// <param name="bytes">UTF-8, with a byte order mark or without.</param>
    /// <param name="checksText">Whether half a character in a string is a problem; else it is looked for later.</param>
    /// <returns>The value, or why there is none.</returns>
    public static (JsonElement Value, string? Problem) Read(ReadOnlySpan<byte> bytes, bool checksText = true)
    {
        if (bytes is [0xEF, 0xBB, 0xBF, ..])
            bytes = bytes[3..];
        if (Utf8Text.ProblemOf(bytes) is { } problem)
            return (default, problem);
        var (value, wrong) = Parsed(bytes);
        if (wrong is not null && WithNumbers(bytes) is { } numbers)
            (value, wrong) = Parsed(numbers);
        return wrong is null
            ? (value, checksText ? HalfACharacter(bytes) : null)
            : (default, wrong + (bytes.TrimStart(" \t\r\n"u8) is [(byte)'<', ..] ? "; it is a web page" : ""));
    }

    /// <summary>What can be made of a value that is not all valid: what is no UTF-8 is replaced. For a row's name, never for its
    /// text.</summary>
    public static JsonElement? Remains(ReadOnlySpan<byte> bytes)
    {
        var repaired = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes));
        return Parsed(WithNumbers(repaired) ?? repaired) is (var value, null) ? value : null;
    }

    /// <summary>A number that Python wrote and JSON does not know, or null.</summary>
    public static double? PythonNumber(JsonElement value) =>
        value.ValueKind != JsonValueKind.Number
            ? null
            : value.GetRawText() switch
            {
                NaN => double.NaN,
                Infinity => double.PositiveInfinity,
                "-" + Infinity => double.NegativeInfinity,
                _ => null,
            };

    /// <summary>A value as its file has it.</summary>
    public static string Written(JsonElement value)
    {
        var text = value.GetRawText();
        foreach (var (word, literal) in PythonNumbers)
            if (text == literal)
                return word;
        return text;
    }

    private static (JsonElement Value, string? Problem) Parsed(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return (JsonElement.Parse(bytes, Strict), null);
        }
        catch (JsonException problem)
        {
            return (default, Short(problem));
        }
    }

    /// <summary>What the parser says, without its settings, and its place as people count.</summary>
    private static string Short(JsonException problem)
    {
        var text = problem.Message;
        foreach (var end in (string[])[" LineNumber:", " Change the reader options"])
            if (text.IndexOf(end, StringComparison.Ordinal) is > 0 and var at)
                text = text[..at];
        var line = problem.LineNumber > 0 ? $"line {problem.LineNumber + 1}, " : "";
        return $"{text.TrimEnd('.')} ({line}byte {problem.BytePositionInLine + 1})";
    }

    /// <summary>The same with Python's numbers as literals, or null where there is none outside of strings.</summary>
    private static byte[]? WithNumbers(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IndexOf("NaN"u8) < 0 && bytes.IndexOf("Infinity"u8) < 0)
            return null;
        var (result, quoted, found) = (new MemoryStream(bytes.Length), false, false);
        for (var i = 0; i < bytes.Length; i++)
        {
            if (quoted && bytes[i] == '\\' && i + 1 < bytes.Length)
                result.WriteByte(bytes[i++]);
            else if (bytes[i] == '"')
                quoted = !quoted;
            else if (!quoted && bytes[i] is (byte)'N' or (byte)'I' or (byte)'-' && WordAt(bytes[i..]) is var (word, literal))
            {
                result.Write(Encoding.ASCII.GetBytes(literal));
                i += word.Length - 1;
                found = true;
                continue;
            }
            result.WriteByte(bytes[i]);
        }
        return found ? result.ToArray() : null;
    }

    private static (string Word, string Literal)? WordAt(ReadOnlySpan<byte> bytes)
    {
        foreach (var number in PythonNumbers)
            if (bytes.Length >= number.Word.Length && Ascii.Equals(bytes[..number.Word.Length], number.Word))
                return number;
        return null;
    }

    /// <summary>The parser leaves text alone until it is asked for; half a surrogate pair must not wait till then.</summary>
    public static string? HalfACharacter(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IndexOf("\\u"u8) < 0)
            return null;
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != '\\')
                continue;
            if (Half(bytes, i) is not { } half)
            {
                i++;
                continue;
            }
            if (!char.IsHighSurrogate(half) && !char.IsLowSurrogate(half))
                i += 5;
            else if (char.IsHighSurrogate(half) && Half(bytes, i + 6) is { } low && char.IsLowSurrogate(low))
                i += 11;
            else
                return $"text is not valid Unicode: \\u{(int)half:x4} is half of a character (a lone surrogate)";
        }
        return null;
    }

    /// <summary>The unit of an escape \uXXXX, or null where there is none.</summary>
    private static char? Half(ReadOnlySpan<byte> bytes, int at) =>
        at + 6 <= bytes.Length
        && bytes[at] == '\\'
        && bytes[at + 1] == 'u'
        && ushort.TryParse(bytes.Slice(at + 2, 4), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var unit)
            ? (char)unit
            : null;
}
