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
        var column = TextColumns.Of(origin).FirstOrDefault(name => line.Element.TryGetProperty(name, out _)) ?? origin.Column;
        var where = $"line {row.Line}";
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
        var texts = line.Element.EnumerateObject().Where(field => field.Value.ValueKind == JsonValueKind.String);
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
