using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.ExceptionServices;

namespace GemmaScope.Text.Jinja;

/// <summary>The filters of Jinja that chat templates use; the others are refused by name.</summary>
internal static class JinjaFilters
{
    private delegate object? Filter(JinjaCall call, object? value, object?[] arguments);

    private static readonly FrozenDictionary<string, (int Required, string[] Names, Filter Body)> Filters = new Dictionary<
        string,
        (int, string[], Filter)
    >
    {
        ["abs"] = (
            0,
            [],
            (call, value, _) =>
                Number(call, value) is long whole
                    ? (object)Math.Abs(Math.Max(whole, -long.MaxValue))
                    : Math.Abs((double)Number(call, value))
        ),
        ["capitalize"] = (0, [], (call, value, _) => JinjaMethods.Capitalized(Text(call, value))),
        ["count"] = (0, [], (call, value, _) => Length(call, value)),
        ["d"] = (0, ["default_value", "boolean"], Default),
        ["default"] = (0, ["default_value", "boolean"], Default),
        ["dictsort"] = (0, ["case_sensitive", "by", "reverse"], SortMap),
        ["first"] = (
            0,
            [],
            (call, value, _) => Each(call, value) is [var first, ..] ? first : new JinjaUndefined("the first member of nothing")
        ),
        ["float"] = (0, ["default"], ToFloat),
        ["indent"] = (0, ["width", "first", "blank"], Indent),
        ["int"] = (0, ["default"], ToWhole),
        ["items"] = (0, [], (call, value, _) => Items(call, value)),
        ["join"] = (0, ["d", "attribute"], Join),
        ["last"] = (
            0,
            [],
            (call, value, _) => Each(call, value) is [.., var last] ? last : new JinjaUndefined("the last member of nothing")
        ),
        ["length"] = (0, [], (call, value, _) => Length(call, value)),
        ["list"] = (0, [], (call, value, _) => Each(call, value).ToList()),
        ["lower"] = (0, [], (call, value, _) => Text(call, value).ToLowerInvariant()),
        ["max"] = (
            0,
            [],
            (call, value, _) => Sorted(call, Each(call, value)) is [.., var most] ? most : new JinjaUndefined("the most of nothing")
        ),
        ["min"] = (
            0,
            [],
            (call, value, _) => Sorted(call, Each(call, value)) is [var least, ..] ? least : new JinjaUndefined("the least of nothing")
        ),
        ["replace"] = (2, ["old", "new", "count"], (call, value, a) => JinjaMethods.Replace(call, Text(call, value), a)),
        ["reverse"] = (0, [], Reverse),
        ["round"] = (0, ["precision", "method"], (call, value, a) => Round(call, value, a)),
        ["sort"] = (0, ["reverse", "case_sensitive", "attribute"], Sort),
        ["string"] = (0, [], (call, value, _) => Text(call, value)),
        ["sum"] = (0, ["attribute", "start"], Sum),
        ["title"] = (0, [], (call, value, _) => Text(call, value).ToLowerInvariant() is var text ? Titled(text) : null),
        ["tojson"] = (0, ["indent", "ensure_ascii", "separators", "sort_keys"], ToJson),
        ["trim"] = (0, ["chars"], (call, value, a) => Trim(Text(call, value), a[0] as string)),
        ["unique"] = (0, ["case_sensitive", "attribute"], Unique),
        ["upper"] = (0, [], (call, value, _) => Text(call, value).ToUpperInvariant()),
        ["wordcount"] = (0, [], (call, value, _) => (long)JinjaMethods.Words(Text(call, value)).Count),
    }.ToFrozenDictionary();

    /// <summary>Filters whose arguments name another filter or test.</summary>
    private static readonly FrozenSet<string> OfMembers = "map select reject selectattr rejectattr".Split(' ').ToFrozenSet();

    /// <summary>Whether there is such a filter here.</summary>
    public static bool IsSupported(string filter) => Filters.ContainsKey(filter) || OfMembers.Contains(filter);

    public static object? Apply(string filter, object? value, JinjaCall call)
    {
        if (value is string text)
            call.Run.MakeText(call.Line, text.Length);
        if (OfMembers.Contains(filter))
            return OfEach(filter, Each(call, value), call);
        return Filters.TryGetValue(filter, out var known)
            ? known.Body(call, value, call.Bind($"the filter '{filter}'", known.Required, known.Names))
            : throw call.Problem($"the filter '{filter}' is not supported");
    }

    private static List<object?> Each(JinjaCall call, object? value) => JinjaValues.Each(call.Run, call.Line, value);

    private static string Text(JinjaCall call, object? value) => JinjaValues.ToText(call.Run, call.Line, value);

    private static object Number(JinjaCall call, object? value) =>
        JinjaValues.AsNumber(value) ?? throw call.Problem($"a number is needed, found {JinjaValues.KindOf(value)}");

    private static bool IsAbsent(object? argument) => ReferenceEquals(argument, JinjaCall.Absent);

    private static bool IsOn(object? argument) => !IsAbsent(argument) && JinjaValues.IsTrue(argument);

    private static long Length(JinjaCall call, object? value) =>
        value switch
        {
            string text => JinjaValues.Length(text),
            List<object?> list => list.Count,
            JinjaMap map => map.Count,
            JinjaUndefined => 0,
            _ => throw call.Problem($"{JinjaValues.KindOf(value)} has no length"),
        };

    private static object? Default(JinjaCall call, object? value, object?[] arguments) =>
        value is JinjaUndefined || (IsOn(arguments[1]) && !JinjaValues.IsTrue(value))
            ? IsAbsent(arguments[0])
                ? ""
                : arguments[0]
            : value;

    private static string Trim(string text, string? characters) => PythonText.StripStart(PythonText.StripEnd(text, characters), characters);

    private static string Titled(string text) =>
        string.Concat(
            text.Select(
                (c, i) =>
                    i == 0 || text[i - 1] is '-' or '(' or '{' or '[' or '<' || PythonText.IsSpace(text[i - 1])
                        ? char.ToUpperInvariant(c)
                        : c
            )
        );

    private static List<object?> Items(JinjaCall call, object? value) =>
        value switch
        {
            JinjaUndefined => [],
            JinjaMap map => JinjaMethods.Items(map),
            _ => throw call.Problem($"{JinjaValues.KindOf(value)} has no items"),
        };

    private static string Join(JinjaCall call, object? value, object?[] arguments)
    {
        var members = Each(call, value);
        if (!IsAbsent(arguments[1]))
            members = members.ConvertAll(one => Attribute(call, one, arguments[1]));
        return JinjaMethods.Join(
            call,
            IsAbsent(arguments[0]) ? "" : Text(call, arguments[0]),
            members.ConvertAll(one => (object?)Text(call, one))
        );
    }

    private static object Reverse(JinjaCall call, object? value, object?[] arguments)
    {
        var members = Enumerable.Reverse(Each(call, value));
        return value is string ? string.Concat(members) : members.ToList();
    }

    private static object ToWhole(JinjaCall call, object? value, object?[] arguments) =>
        value switch
        {
            long or bool => JinjaValues.AsNumber(value)!,
            double number when Math.Abs(number) < 1e18 => (long)number,
            string text
                when long.TryParse(PythonText.Strip(text), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) =>
                whole,
            string text
                when double.TryParse(PythonText.Strip(text), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                    && Math.Abs(number) < 1e18 => (long)number,
            _ => IsAbsent(arguments[0]) ? 0L : arguments[0]!,
        };

    private static object ToFloat(JinjaCall call, object? value, object?[] arguments) =>
        value switch
        {
            long or bool or double => JinjaValues.ToDouble(JinjaValues.AsNumber(value)!),
            string text when double.TryParse(PythonText.Strip(text), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) =>
                number,
            _ => IsAbsent(arguments[0]) ? 0.0 : arguments[0]!,
        };

    private static double Round(JinjaCall call, object? value, object?[] arguments)
    {
        var number = JinjaValues.ToDouble(Number(call, value));
        var factor = Math.Pow(10, IsAbsent(arguments[0]) ? 0 : JinjaValues.ToDouble(Number(call, arguments[0])));
        return (IsAbsent(arguments[1]) ? "common" : arguments[1]) switch
        {
            "common" => Math.Round(number * factor, MidpointRounding.ToEven) / factor,
            "ceil" => Math.Ceiling(number * factor) / factor,
            "floor" => Math.Floor(number * factor) / factor,
            _ => throw call.Problem("numbers are rounded by 'common', 'ceil' or 'floor'"),
        };
    }

    private static object Sum(JinjaCall call, object? value, object?[] arguments) =>
        Each(call, value)
            .Aggregate(
                IsAbsent(arguments[1]) ? 0L : arguments[1]!,
                (sum, one) =>
                    JinjaArithmetic.Of(
                        call.Run,
                        call.Line,
                        "+",
                        sum,
                        IsAbsent(arguments[0]) || arguments[0] is null ? one : Attribute(call, one, arguments[0])
                    )
            );

    private static string Indent(JinjaCall call, object? value, object?[] arguments)
    {
        var space = arguments[0] switch
        {
            long width => new string(' ', (int)Math.Clamp(width, 0, 1000)),
            string text => text,
            _ => "    ",
        };
        var lines = Text(call, value).Split('\n');
        call.Run.MakeText(call.Line, Text(call, value).Length + ((long)space.Length * lines.Length));
        for (var i = 0; i < lines.Length; i++)
            if (i == 0 ? IsOn(arguments[1]) : lines[i].Length > 0 || IsOn(arguments[2]))
                lines[i] = space + lines[i];
        return string.Join('\n', lines);
    }

    private static string ToJson(JinjaCall call, object? value, object?[] arguments)
    {
        if (IsOn(arguments[1]))
            throw call.Problem("'ensure_ascii' of 'tojson' is not supported");
        return JinjaJson.Write(
            call,
            value,
            IsAbsent(arguments[0]) ? null : arguments[0],
            IsAbsent(arguments[2]) ? null : arguments[2],
            IsOn(arguments[3])
        );
    }

    /// <summary>A member of a value by the path <c>a.b.0</c>.</summary>
    private static object? Attribute(JinjaCall call, object? value, object? path) =>
        path is long
            ? JinjaMembers.Of(call.Run, call.Line, value, path, isAttribute: false)
            : Text(call, path)
                .Split('.')
                .Aggregate(
                    value,
                    (one, name) =>
                        JinjaMembers.Of(call.Run, call.Line, one, long.TryParse(name, out var place) ? place : name, isAttribute: false)
                );

    private static List<object?> Ordered(JinjaCall call, IEnumerable<object?> members, Func<object?, object?> key, bool isReverse)
    {
        var order = Comparer<object?>.Create((a, b) => JinjaValues.Compare(call.Run, call.Line, a, b));
        try
        {
            return (isReverse ? members.OrderByDescending(key, order) : members.OrderBy(key, order)).ToList();
        }
        catch (InvalidOperationException problem) when (problem.InnerException is { } cause)
        {
            // Sorting wraps what a comparison throws.
            ExceptionDispatchInfo.Throw(cause);
            throw;
        }
    }

    private static List<object?> Sorted(JinjaCall call, IEnumerable<object?> members) => Ordered(call, members, Folded, isReverse: false);

    private static object? Folded(object? value) => value is string text ? text.ToLowerInvariant() : value;

    private static List<object?> Sort(JinjaCall call, object? value, object?[] arguments)
    {
        var isExact = IsOn(arguments[1]);
        return Ordered(
            call,
            Each(call, value),
            one =>
                (IsAbsent(arguments[2]) || arguments[2] is null ? one : Attribute(call, one, arguments[2])) is var key && isExact
                    ? key
                    : Folded(key),
            IsOn(arguments[0])
        );
    }

    private static List<object?> SortMap(JinjaCall call, object? value, object?[] arguments)
    {
        if (value is not JinjaMap map)
            throw call.Problem($"a mapping is needed, found {JinjaValues.KindOf(value)}");
        var place = arguments[1] is "value" ? 1 : 0;
        return Ordered(
            call,
            Each(call, JinjaMethods.Items(map)),
            pair => IsOn(arguments[0]) ? ((JinjaTuple)pair!)[place] : Folded(((JinjaTuple)pair!)[place]),
            IsOn(arguments[2])
        );
    }

    private static List<object?> Unique(JinjaCall call, object? value, object?[] arguments)
    {
        var seen = new List<object?>();
        return Each(call, value)
            .Where(one =>
            {
                var key = IsAbsent(arguments[1]) || arguments[1] is null ? one : Attribute(call, one, arguments[1]);
                key = IsOn(arguments[0]) ? key : Folded(key);
                if (JinjaValues.Contains(call.Run, call.Line, seen, key))
                    return false;
                seen.Add(key);
                return true;
            })
            .ToList();
    }

    /// <summary>map, select, reject, selectattr, rejectattr: the first arguments say by which attribute, filter or test, the others are its
    /// own.</summary>
    private static List<object?> OfEach(string filter, List<object?> members, JinjaCall call)
    {
        var (given, named) = (call.Positional, call.Named);
        if (filter == "map" && named.TryGetValue("attribute", out var attribute))
        {
            if (given.Count > 0 || named.Keys.Any(name => name is not ("attribute" or "default")))
                throw call.Problem("'map' takes an attribute and a default, or a filter");
            return members.ConvertAll(one =>
                Attribute(call, one, attribute) is var value && value is JinjaUndefined && named.TryGetValue("default", out var other)
                    ? other
                    : value
            );
        }
        if (filter == "map")
            return members.ConvertAll(one => Apply(Name(0), one, Rest(1)));
        var byAttribute = filter.EndsWith("attr", StringComparison.Ordinal);
        var rejects = filter.StartsWith("reject", StringComparison.Ordinal);
        var place = byAttribute ? 1 : 0;
        if (byAttribute && given.Count == 0)
            throw call.Problem($"'{filter}' needs an attribute");
        return members.FindAll(one =>
        {
            var value = byAttribute ? Attribute(call, one, given[0]) : one;
            return rejects != (given.Count > place ? JinjaTests.Holds(Name(place), value, Rest(place + 1)) : JinjaValues.IsTrue(value));
        });

        string Name(int at) =>
            given.Count > at && given[at] is string name ? name : throw call.Problem($"'{filter}' needs the name of a filter or test");

        JinjaCall Rest(int from) => call with { Positional = given[from..] };
    }
}
