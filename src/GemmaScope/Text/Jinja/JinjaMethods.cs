using System.Collections.Frozen;

namespace GemmaScope.Text.Jinja;

/// <summary>The methods of Python's strings, dictionaries and lists that templates use; the others are refused by name.</summary>
internal static class JinjaMethods
{
    private delegate object? Method(JinjaCall call, string text, object?[] arguments);

    private static readonly FrozenDictionary<string, (int Required, string[] Names, Method Body)> Texts = new Dictionary<
        string,
        (int, string[], Method)
    >
    {
        ["strip"] = (0, ["chars"], (_, text, a) => PythonText.StripStart(PythonText.StripEnd(text, Text(a[0])), Text(a[0]))),
        ["lstrip"] = (0, ["chars"], (_, text, a) => PythonText.StripStart(text, Text(a[0]))),
        ["rstrip"] = (0, ["chars"], (_, text, a) => PythonText.StripEnd(text, Text(a[0]))),
        ["upper"] = (0, [], (_, text, _) => text.ToUpperInvariant()),
        ["lower"] = (0, [], (_, text, _) => text.ToLowerInvariant()),
        ["capitalize"] = (0, [], (_, text, _) => Capitalized(text)),
        ["title"] = (0, [], (_, text, _) => Titled(text)),
        ["startswith"] = (1, ["prefix"], (call, text, a) => Any(call, a[0], one => text.StartsWith(one, StringComparison.Ordinal))),
        ["endswith"] = (1, ["suffix"], (call, text, a) => Any(call, a[0], one => text.EndsWith(one, StringComparison.Ordinal))),
        ["removeprefix"] = (1, ["prefix"], (call, text, a) => Cut(call, text, a[0], fromEnd: false)),
        ["removesuffix"] = (1, ["suffix"], (call, text, a) => Cut(call, text, a[0], fromEnd: true)),
        ["split"] = (0, ["sep", "maxsplit"], (call, text, a) => Split(call, text, a, fromEnd: false)),
        ["rsplit"] = (0, ["sep", "maxsplit"], (call, text, a) => Split(call, text, a, fromEnd: true)),
        ["splitlines"] = (0, [], (_, text, _) => Lines(text)),
        ["replace"] = (2, ["old", "new", "count"], (call, text, a) => Replace(call, text, a)),
        ["find"] = (1, ["sub"], (call, text, a) => Place(text, text.IndexOf(Required(call, a[0]), StringComparison.Ordinal))),
        ["rfind"] = (1, ["sub"], (call, text, a) => Place(text, text.LastIndexOf(Required(call, a[0]), StringComparison.Ordinal))),
        ["count"] = (1, ["sub"], (call, text, a) => Count(text, Required(call, a[0]))),
        ["join"] = (1, ["iterable"], (call, text, a) => Join(call, text, JinjaValues.Each(call.Run, call.Line, a[0]))),
        ["isdigit"] = (0, [], (_, text, _) => text.Length > 0 && text.All(char.IsDigit)),
        ["isspace"] = (0, [], (_, text, _) => text.Length > 0 && text.All(PythonText.IsSpace)),
        ["isalpha"] = (0, [], (_, text, _) => text.Length > 0 && text.All(char.IsLetter)),
        ["isalnum"] = (0, [], (_, text, _) => text.Length > 0 && text.All(char.IsLetterOrDigit)),
        ["isupper"] = (0, [], (_, text, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower)),
        ["islower"] = (0, [], (_, text, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper)),
    }.ToFrozenDictionary();

    // What the value would have in Python, so that it is not taken for a member that is not there.
    private static readonly FrozenSet<string> OtherOfTexts = "casefold center encode expandtabs format format_map index isascii isdecimal isidentifier isnumeric isprintable istitle ljust maketrans partition rindex rjust rpartition swapcase translate zfill"
            .Split(' ')
            .ToFrozenSet(),
        OtherOfMaps = "clear copy fromkeys pop popitem setdefault update".Split(' ').ToFrozenSet(),
        OtherOfLists = "append clear copy extend insert pop remove reverse sort".Split(' ').ToFrozenSet();

    /// <summary>A method of a value, or null.</summary>
    public static object? Find(object? target, string name) =>
        target switch
        {
            string text when Texts.TryGetValue(name, out var method) => new JinjaFunction(
                name,
                call =>
                {
                    call.Run.MakeText(call.Line, text.Length);
                    return method.Body(call, text, call.Bind(name, method.Required, method.Names));
                }
            ),
            string when OtherOfTexts.Contains(name) => Refused(name, "strings"),
            JinjaMap map => OfMap(map, name),
            List<object?> list => OfList(list, name),
            _ => null,
        };

    private static JinjaFunction? OfMap(JinjaMap map, string name) =>
        name switch
        {
            "keys" => new(name, call => Counted(call, [.. map.Keys], name)),
            "values" => new(name, call => Counted(call, [.. map.Values], name)),
            "items" => new(name, call => Counted(call, Items(map), name)),
            "get" => new(
                name,
                call =>
                    call.Bind(name, 1, "key", "default") is var a && map.TryGetValue(JinjaValues.Key(call.Line, a[0]), out var value)
                        ? value
                    : ReferenceEquals(a[1], JinjaCall.Absent) ? null
                    : a[1]
            ),
            _ when OtherOfMaps.Contains(name) => Refused(name, "mappings"),
            _ => null,
        };

    private static JinjaFunction? OfList(List<object?> list, string name) =>
        name switch
        {
            "index" => new(
                name,
                call =>
                    call.Bind(name, 1, "value") is var a
                    && list.FindIndex(one => JinjaValues.Same(call.Run, call.Line, one, a[0])) is >= 0 and var at
                        ? (long)at
                        : throw call.Problem("the list has no such member")
            ),
            "count" => new(
                name,
                call => call.Bind(name, 1, "value") is var a ? (long)list.Count(one => JinjaValues.Same(call.Run, call.Line, one, a[0])) : 0
            ),
            _ when OtherOfLists.Contains(name) => Refused(name, "lists"),
            _ => null,
        };

    /// <summary>The members of a mapping as pairs.</summary>
    public static List<object?> Items(JinjaMap map) => [.. map.Select(pair => (object?)new JinjaTuple([pair.Key, pair.Value]))];

    /// <summary>The first letter large, the others small.</summary>
    public static string Capitalized(string text) => text.Length == 0 ? "" : text[..1].ToUpperInvariant() + text[1..].ToLowerInvariant();

    /// <summary>Texts joined by another.</summary>
    public static string Join(JinjaCall call, string between, List<object?> texts)
    {
        call.Run.MakeText(
            call.Line,
            texts.Sum(one => one is string text ? (long)text.Length : throw call.Problem($"{JinjaValues.KindOf(one)} cannot be joined"))
                + ((long)between.Length * Math.Max(0, texts.Count - 1))
        );
        return string.Join(between, texts);
    }

    /// <summary>Replaces a text wherever it stands, or as often as is said.</summary>
    public static string Replace(JinjaCall call, string text, object?[] arguments)
    {
        var (old, other) = (Required(call, arguments[0]), Required(call, arguments[1]));
        var most = arguments[2] is long count && count >= 0 ? count : long.MaxValue;
        if (old.Length == 0)
            throw call.Problem("replacing an empty text is not supported");
        var times = Math.Min(most, Count(text, old));
        call.Run.MakeText(call.Line, text.Length + (times * ((long)other.Length - old.Length)));
        if (times == Count(text, old))
            return text.Replace(old, other, StringComparison.Ordinal);
        var result = new System.Text.StringBuilder();
        var from = 0;
        for (; times > 0; times--)
        {
            var at = text.IndexOf(old, from, StringComparison.Ordinal);
            result.Append(text, from, at - from).Append(other);
            from = at + old.Length;
        }
        return result.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>Each word with its first letter large.</summary>
    private static string Titled(string text)
    {
        var letters = text.ToCharArray();
        for (var i = 0; i < letters.Length; i++)
            letters[i] = i > 0 && char.IsLetter(letters[i - 1]) ? char.ToLowerInvariant(letters[i]) : char.ToUpperInvariant(letters[i]);
        return new(letters);
    }

    private static JinjaFunction Refused(string name, string of) =>
        new(name, call => throw call.Problem($"the method '{name}' of {of} is not supported"));

    private static List<object?> Counted(JinjaCall call, List<object?> list, string name)
    {
        call.Bind(name, 0);
        call.Run.Make(call.Line, list.Count);
        return list;
    }

    private static string? Text(object? argument) => argument as string;

    private static string Required(JinjaCall call, object? argument) =>
        argument as string ?? throw call.Problem($"a string is needed, found {JinjaValues.KindOf(argument)}");

    private static bool Any(JinjaCall call, object? affixes, Func<string, bool> holds) =>
        affixes is JinjaTuple several ? several.Exists(one => holds(Required(call, one))) : holds(Required(call, affixes));

    private static string Cut(JinjaCall call, string text, object? affix, bool fromEnd)
    {
        var cut = Required(call, affix);
        return fromEnd
            ? text.EndsWith(cut, StringComparison.Ordinal)
                ? text[..^cut.Length]
                : text
            : text.StartsWith(cut, StringComparison.Ordinal)
                ? text[cut.Length..]
                : text;
    }

    private static long Place(string text, int index) => index <= 0 ? index : JinjaValues.Length(text[..index]);

    private static long Count(string text, string part)
    {
        if (part.Length == 0)
            return JinjaValues.Length(text) + 1;
        var count = 0;
        for (var at = 0; (at = text.IndexOf(part, at, StringComparison.Ordinal)) >= 0; at += part.Length)
            count++;
        return count;
    }

    private static List<object?> Lines(string text)
    {
        List<object?> lines =
        [
            .. text.Replace("\r\n", "\n").Split('\n', '\r', '\v', '\f', '\x1c', '\x1d', '\x1e', '\x85', '\u2028', '\u2029'),
        ];
        // No line begins behind the last break.
        if (lines[^1] is "")
            lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    private static List<object?> Split(JinjaCall call, string text, object?[] arguments, bool fromEnd)
    {
        var most = arguments[1] is long limit && limit >= 0 ? limit : long.MaxValue;
        List<string> parts = arguments[0] is string separator
            ? [.. text.Split(separator.Length > 0 ? separator : throw call.Problem("the separator is empty"))]
            : Words(text);
        call.Run.Make(call.Line, parts.Count + (text.Length >> 2));
        if (parts.Count - 1 > most)
        {
            if (arguments[0] is not string between)
                throw call.Problem("'maxsplit' without 'sep' is not supported");
            var kept = (int)most;
            parts = fromEnd
                ? [string.Join(between, parts[..^kept]), .. parts[^kept..]]
                : [.. parts[..kept], string.Join(between, parts[kept..])];
        }
        return [.. parts];
    }

    /// <summary>The words of a text, by Python's idea of white space.</summary>
    public static List<string> Words(string text)
    {
        var words = new List<string>();
        for (var at = 0; at < text.Length; )
        {
            var start = at;
            while (at < text.Length && !PythonText.IsSpace(text[at]))
                at++;
            if (at > start)
                words.Add(text[start..at]);
            at++;
        }
        return words;
    }
}
