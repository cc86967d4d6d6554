using System.Runtime.InteropServices;
using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>
/// Documents of JSON lines: a text, a list of token ids, or a conversation as data sets have it, a list of <c>role</c> and <c>content</c>
/// or of <c>from</c> and <c>value</c>.
/// </summary>
internal static class JsonTexts
{
    public static IEnumerable<TextRow> Read(Stream stream, TextOrigin origin) =>
        JsonLines.Rows(stream, origin.File, origin.LongestRow).Select(row => Read(row, origin));

    private static TextRow Read(JsonRow row, TextOrigin origin)
    {
        if (row.Section is not { } line)
            return TextRow.Bad(row.Problem!);
        return Read(line, $"line {row.Line}", origin);
    }

    /// <summary>A list of objects or texts, or else JSON lines.</summary>
    public static IEnumerable<TextRow> ReadWhole(Stream stream, TextOrigin origin)
    {
        var bytes = TextFormats.Bytes(stream, origin);
        if (bytes.AsSpan().TrimStart(" \t\r\n"u8) is not [(byte)'[', ..])
            return Read(new MemoryStream(bytes), origin);
        var (list, problem) = JsonText.Read(bytes, checksText: false);
        return problem is null
            ? list.EnumerateArray().Select((entry, i) => Entry(entry, $"entry {i + 1}", origin))
            : throw new FileFormatException($"is not valid JSON: {problem}", origin.File);
    }

    private static TextRow Entry(JsonElement entry, string where, TextOrigin origin) =>
        JsonText.HalfACharacter(JsonMarshal.GetRawUtf8Value(entry)) is { } problem ? TextRow.Bad($"{where}: {problem}")
        : entry.ValueKind == JsonValueKind.String ? TextRow.Of(entry.GetString()!, where)
        : entry.ValueKind == JsonValueKind.Object ? Read(new JsonSection($"{origin.File} {where}", "", entry), where, origin)
        : TextRow.Bad($"{where} is no object or text, but {Short(entry)}");

    private static TextRow Read(JsonSection line, string where, TextOrigin origin)
    {
        var column = TextColumns.Of(origin).FirstOrDefault(name => line.Element.TryGetProperty(name, out _)) ?? origin.Column;
        if (!line.Element.TryGetProperty(column, out var value))
            return Without(line, where, origin);
        var read = value.ValueKind switch
        {
            JsonValueKind.String => TextRow.Of(value.GetString()!, where),
            JsonValueKind.Array when value.GetArrayLength() == 0 => TextRow.Of("", where),
            JsonValueKind.Array when value[0].ValueKind == JsonValueKind.Number => Ids(value, where),
            JsonValueKind.Array when value[0].ValueKind == JsonValueKind.Object => Messages(value, where),
            _ => null,
        };
        return read ?? TextRow.Bad($"{where} has no text in '{column}', but {Short(value)}");
    }

    private static TextRow Without(JsonSection line, string where, TextOrigin origin)
    {
        var texts = line.Element.EnumerateObject().Where(field => field.Value.ValueKind is JsonValueKind.String or JsonValueKind.Array);
        return TextRow.Bad(TextDocuments.NoColumn($"{where} has no string", origin, texts.Select(field => field.Name)));
    }

    private static TextRow? Ids(JsonElement list, string where)
    {
        var ids = new int[list.GetArrayLength()];
        for (var i = 0; i < ids.Length; i++)
            if (list[i].ValueKind != JsonValueKind.Number || !list[i].TryGetInt32(out ids[i]))
                return null;
        return TextRow.Of(ids, where);
    }

    private static TextRow? Messages(JsonElement list, string where)
    {
        var messages = new List<(string, IReadOnlyList<ChatPart>)>();
        foreach (var one in list.EnumerateArray())
        {
            if (
                one.ValueKind != JsonValueKind.Object
                || Field(one, "role", "from") is not { ValueKind: JsonValueKind.String } role
                || Field(one, "content", "value", "text") is not { } content
                || Parts(content) is not { } parts
            )
                return null;
            messages.Add((role.GetString()!, parts));
        }
        return TextRow.OfConversation(messages, where);
    }

    private static ChatPart[]? Parts(JsonElement content)
    {
        if (content.ValueKind == JsonValueKind.String)
            return [ChatPart.Of(content.GetString()!)];
        if (content.ValueKind != JsonValueKind.Array)
            return null;
        var parts = new List<ChatPart>();
        foreach (var part in content.EnumerateArray())
        {
            if (part.ValueKind != JsonValueKind.Object || Field(part, "text") is not { ValueKind: JsonValueKind.String } text)
                return null;
            parts.Add(ChatPart.Of(text.GetString()!));
        }
        return [.. parts];
    }

    private static JsonElement? Field(JsonElement one, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (one.TryGetProperty(name, out var value))
                return value;
        return null;
    }

    private static string Short(JsonElement value)
    {
        var text = JsonText.Written(value);
        return text.Length <= 60 ? text : text[..60] + " …";
    }
}
