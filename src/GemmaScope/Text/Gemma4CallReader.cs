using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GemmaScope.Text;

/// <summary>Reads a call as Gemma 4 writes it, <c>call:name{member:value,…}</c>, the reverse of <see cref="Gemma4Tools.Call"/>: strings
/// between <c>&lt;|"|&gt;</c>, names of members bare or between them too, the rest as in JSON.</summary>
internal sealed class Gemma4CallReader
{
    private const string Prefix = "call:",
        Quote = "<|\"|>";

    /// <summary>Values inside values; a model that goes round in circles must not end the process.</summary>
    private const int Deepest = 32;

    private readonly string _text;
    private int _at;

    private Gemma4CallReader(string text) => _text = text;

    /// <summary>The call; null where it is none that can be read.</summary>
    public static ChatToolCall? Read(string text)
    {
        var open = text.IndexOf('{', StringComparison.Ordinal);
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || open <= Prefix.Length)
            return null;
        var reader = new Gemma4CallReader(text) { _at = open };
        try
        {
            var arguments = reader.Object(0);
            return reader._at == text.Length ? new(text[Prefix.Length..open], JsonSerializer.SerializeToElement(arguments)) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private JsonNode? Value(int depth)
    {
        if (depth > Deepest || _at >= _text.Length)
            throw new FormatException();
        if (Takes(Quote))
            return JsonValue.Create(Quoted());
        return _text[_at] switch
        {
            '{' => Object(depth + 1),
            '[' => Array(depth + 1),
            _ => Bare(),
        };
    }

    private JsonObject Object(int depth)
    {
        JsonObject members = [];
        Require('{');
        if (Takes("}"))
            return members;
        do
        {
            var name = Takes(Quote) ? Quoted() : Until(":");
            Require(':');
            members[name] = Value(depth);
        } while (Takes(","));
        Require('}');
        return members;
    }

    private JsonArray Array(int depth)
    {
        JsonArray items = [];
        Require('[');
        if (Takes("]"))
            return items;
        do items.Add(Value(depth));
        while (Takes(","));
        Require(']');
        return items;
    }

    /// <summary>true, false, null or a number, with its digits as they were written.</summary>
    private JsonNode? Bare()
    {
        var end = _text.AsSpan(_at).IndexOfAny(',', '}', ']');
        var word = end < 0 ? throw new FormatException() : _text[_at..(_at + end)];
        _at += end;
        try
        {
            return
                word is "true" or "false" or "null"
                || double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
                ? JsonNode.Parse(word)
                : throw new FormatException();
        }
        catch (JsonException)
        {
            throw new FormatException();
        }
    }

    private string Quoted()
    {
        var text = Until(Quote);
        _at += Quote.Length;
        return text;
    }

    private string Until(string mark)
    {
        var end = _text.IndexOf(mark, _at, StringComparison.Ordinal);
        var text = end < 0 ? throw new FormatException() : _text[_at..end];
        _at = end;
        return text;
    }

    private bool Takes(string mark)
    {
        if (string.CompareOrdinal(_text, _at, mark, 0, mark.Length) != 0)
            return false;
        _at += mark.Length;
        return true;
    }

    private void Require(char mark)
    {
        if (!Takes($"{mark}"))
            throw new FormatException();
    }
}
