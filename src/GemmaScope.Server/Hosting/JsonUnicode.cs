using System.Globalization;
using System.Text.Json;

namespace GemmaScope.Server.Hosting;

/// <summary>
/// Finds text in JSON that is no text: bytes that are not UTF-8, and escapes of half a character. The serializer would fail on them
/// without saying where, or read them as something else.
/// </summary>
internal static class JsonUnicode
{
    /// <summary>The field whose name or value is broken, such as <c>messages[0].content</c>; empty for the whole body, null for none. What is
    /// no JSON at all is left to its reader.</summary>
    public static string? FindBroken(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var path = new Stack<Place>();
        try
        {
            while (reader.Read())
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.EndObject or JsonTokenType.EndArray:
                        path.Pop();
                        continue;
                    case JsonTokenType.PropertyName when Text(ref reader) is { } name:
                        path.Peek().Name = name;
                        continue;
                    case JsonTokenType.PropertyName:
                        return Describe(path.Skip(1));
                }
                if (path.TryPeek(out var place))
                    place.Index++;
                if (reader.TokenType == JsonTokenType.String && Text(ref reader) is null)
                    return Describe(path);
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                    path.Push(new Place());
            }
        }
        catch (JsonException)
        {
            // Its reader says where.
        }
        return null;
    }

    private static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A part of a message is called by its place, as everywhere: <c>input[0]</c> and not <c>input[0].text</c>.</summary>
    private static string Describe(IEnumerable<Place> path)
    {
        var text = string.Concat(
            path.Reverse()
                .Select(place => place.Name is { } name ? $".{name}" : string.Create(CultureInfo.InvariantCulture, $"[{place.Index}]"))
        );
        return (text.EndsWith("].text", StringComparison.Ordinal) ? text[..^".text".Length] : text).TrimStart('.');
    }

    /// <summary>Where in an object or a list the reader is.</summary>
    private sealed class Place
    {
        public string? Name { get; set; }

        public int Index { get; set; } = -1;
    }
}
