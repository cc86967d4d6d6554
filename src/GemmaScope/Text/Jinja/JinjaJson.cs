using System.Globalization;
using System.Text;
using System.Text.Json;

namespace GemmaScope.Text.Jinja;

/// <summary><c>json.dumps</c> of Python, as transformers calls it for <c>tojson</c>: letters of all languages stand for themselves.</summary>
internal static class JinjaJson
{
    /// <summary>A value as <c>json.loads</c> gives it to templates.</summary>
    public static object? Read(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Number => value.TryGetInt64(out var whole) ? (object)whole : value.GetDouble(),
            JsonValueKind.Array => value.EnumerateArray().Select(Read).ToList(),
            JsonValueKind.Object => new JinjaMap(
                value.EnumerateObject().Select(member => KeyValuePair.Create((object)member.Name, Read(member.Value)))
            ),
            _ => null,
        };

    public static string Write(JinjaCall call, object? value, object? indent, object? separators, bool sorted)
    {
        var step = indent switch
        {
            null => null,
            long width => new string(' ', (int)Math.Clamp(width, 0, 100)),
            string given => given,
            _ => throw call.Problem($"{JinjaValues.KindOf(indent)} cannot indent"),
        };
        var (comma, colon) = separators switch
        {
            null => (step is null ? ", " : ",", ": "),
            List<object?> and [string first, string second] => (first, second),
            _ => throw call.Problem("the separators of 'tojson' are two strings"),
        };
        var text = new StringBuilder();
        One(value, "\n");
        return text.ToString();

        void One(object? one, string line)
        {
            call.Run.Make(call.Line, 1 + ((one as string)?.Length ?? 0));
            call.Run.CheckLength(call.Line, text.Length);
            switch (one)
            {
                case null:
                    text.Append("null");
                    break;
                case bool flag:
                    text.Append(flag ? "true" : "false");
                    break;
                case long number:
                    text.Append(number.ToString(CultureInfo.InvariantCulture));
                    break;
                case double number:
                    text.Append(JinjaValues.Written(number));
                    break;
                case string quoted:
                    Quote(text, quoted);
                    break;
                case List<object?> list:
                    Many('[', ']', list, line, One);
                    break;
                case JinjaMap map:
                    Many(
                        '{',
                        '}',
                        [.. sorted ? map.OrderBy(pair => $"{pair.Key}", StringComparer.Ordinal).AsEnumerable() : map],
                        line,
                        (pair, inner) =>
                        {
                            if (pair.Key is string name)
                                Quote(text, name);
                            else
                                throw call.Problem("a key of a mapping is no string");
                            text.Append(colon);
                            One(pair.Value, inner);
                        }
                    );
                    break;
                default:
                    throw call.Problem($"{JinjaValues.KindOf(one)} cannot be written as JSON");
            }
        }

        void Many<T>(char open, char close, IReadOnlyList<T> members, string line, Action<T, string> write)
        {
            text.Append(open);
            var inner = line + step;
            call.Run.MakeText(call.Line, (long)inner.Length * (members.Count + 1));
            foreach (var (i, member) in members.Index())
            {
                if (i > 0)
                    text.Append(comma);
                if (step is not null)
                    text.Append(inner);
                write(member, inner);
            }
            if (step is not null && members.Count > 0)
                text.Append(line);
            text.Append(close);
        }
    }

    private static void Quote(StringBuilder text, string quoted)
    {
        text.Append('"');
        foreach (var c in quoted)
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                < ' ' => text.Append($"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        text.Append('"');
    }
}
