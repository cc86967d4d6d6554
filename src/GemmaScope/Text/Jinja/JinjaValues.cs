using System.Globalization;
using System.Text;

namespace GemmaScope.Text.Jinja;

/// <summary>A name, attribute or member that is not there. It may be tested and printed (as nothing), and else is an error.</summary>
/// <param name="What">What is missing: "'tools'".</param>
internal sealed record JinjaUndefined(string What);

/// <summary>A tuple of Python.</summary>
internal sealed class JinjaTuple(IEnumerable<object?> members) : List<object?>(members);

/// <summary>A dictionary of Python, which keeps its order.</summary>
internal sealed class JinjaMap : OrderedDictionary<object, object?>
{
    public JinjaMap() { }

    public JinjaMap(IEnumerable<KeyValuePair<object, object?>> members)
        : base(members) { }
}

/// <summary>An object of <c>namespace()</c>: the only one whose attributes a template may set.</summary>
internal sealed class JinjaNamespace(Dictionary<string, object?> members)
{
    public Dictionary<string, object?> Members => members;
}

/// <summary>
/// Values of templates and what Python does with them. They are null (None), bool, long, double, string, a List (a list or
/// <see cref="JinjaTuple"/>), <see cref="JinjaMap"/>, <see cref="JinjaNamespace"/>, <see cref="JinjaLoop"/>, <see cref="JinjaFunction"/>,
/// <see cref="JinjaUndefined"/>.
/// </summary>
internal static class JinjaValues
{
    /// <summary>The kind of a value for messages.</summary>
    public static string KindOf(object? value) =>
        value switch
        {
            null => "none",
            bool => "a boolean",
            long or double => "a number",
            string => "a string",
            JinjaTuple => "a tuple",
            List<object?> => "a list",
            JinjaMap => "a mapping",
            JinjaUndefined undefined => $"{undefined.What}, which is undefined",
            JinjaNamespace => "a namespace",
            JinjaLoop => "a loop",
            _ => "a function",
        };

    public static bool IsTrue(object? value) =>
        value switch
        {
            null or JinjaUndefined => false,
            bool flag => flag,
            long number => number != 0,
            double number => number != 0,
            string text => text.Length > 0,
            List<object?> list => list.Count > 0,
            JinjaMap map => map.Count > 0,
            _ => true,
        };

    /// <summary>The number a value is in arithmetic, in which True is 1; null if it is none.</summary>
    public static object? AsNumber(object? value) =>
        value switch
        {
            bool flag => flag ? 1L : 0L,
            long or double => value,
            _ => null,
        };

    public static bool Same(JinjaRun run, int line, object? left, object? right)
    {
        run.Spend(line, 4 + (((left as string)?.Length ?? 0) >> 4));
        return (left, right) switch
        {
            (string a, string b) => a == b,
            (JinjaTuple a, JinjaTuple b) => Members(a, b),
            (JinjaTuple, _) or (_, JinjaTuple) => false,
            (List<object?> a, List<object?> b) => Members(a, b),
            (JinjaMap a, JinjaMap b) => a.Count == b.Count
                && a.All(pair => b.TryGetValue(pair.Key, out var other) && Same(run, line, pair.Value, other)),
            (JinjaUndefined, JinjaUndefined) => true,
            _ when AsNumber(left) is { } a && AsNumber(right) is { } b => a is long x && b is long y ? x == y : ToDouble(a) == ToDouble(b),
            _ => ReferenceEquals(left, right),
        };

        bool Members(List<object?> a, List<object?> b) =>
            a.Count == b.Count && a.Zip(b).All(pair => Same(run, line, pair.First, pair.Second));
    }

    /// <summary>Which comes first; strings and numbers have an order, and lists of them.</summary>
    public static int Compare(JinjaRun run, int line, object? left, object? right)
    {
        run.Spend(line);
        if (left is string a && right is string b)
            return string.CompareOrdinal(a, b);
        if (AsNumber(left) is { } x && AsNumber(right) is { } y)
            return x is long i && y is long k ? i.CompareTo(k) : ToDouble(x).CompareTo(ToDouble(y));
        if (left is List<object?> one && right is List<object?> two)
        {
            foreach (var (first, second) in one.Zip(two))
                if (Compare(run, line, first, second) is not 0 and var order)
                    return order;
            return one.Count.CompareTo(two.Count);
        }
        throw new JinjaProblem(line, $"{KindOf(left)} and {KindOf(right)} have no order");
    }

    public static double ToDouble(object number) => number is long whole ? whole : (double)number;

    /// <summary>What <c>str()</c> writes.</summary>
    public static string ToText(JinjaRun run, int line, object? value) =>
        value switch
        {
            string text => text,
            JinjaUndefined => "",
            _ => Written(run, line, value),
        };

    /// <summary>What <c>repr()</c> writes.</summary>
    private static string Written(JinjaRun run, int line, object? value)
    {
        var text = new StringBuilder();
        Write(value);
        return text.ToString();

        void Write(object? one)
        {
            run.CheckLength(line, text.Length);
            run.Make(line, 4 + ((one as string)?.Length ?? 0));
            switch (one)
            {
                case null:
                    text.Append("None");
                    break;
                case bool flag:
                    text.Append(flag ? "True" : "False");
                    break;
                case long number:
                    text.Append(number.ToString(CultureInfo.InvariantCulture));
                    break;
                case double number:
                    text.Append(Written(number));
                    break;
                case string quoted:
                    Quote(text, quoted);
                    break;
                case JinjaTuple tuple:
                    Each('(', tuple, tuple.Count == 1 ? ",)" : ")");
                    break;
                case List<object?> list:
                    Each('[', list, "]");
                    break;
                case JinjaMap map:
                    text.Append('{');
                    foreach (var (i, (key, member)) in map.Index())
                    {
                        if (i > 0)
                            text.Append(", ");
                        Write(key);
                        text.Append(": ");
                        Write(member);
                    }
                    text.Append('}');
                    break;
                case JinjaUndefined:
                    text.Append("Undefined");
                    break;
                default:
                    throw new JinjaProblem(line, $"{KindOf(one)} cannot be written");
            }
        }

        void Each(char open, List<object?> list, string close)
        {
            text.Append(open);
            foreach (var (i, member) in list.Index())
            {
                if (i > 0)
                    text.Append(", ");
                Write(member);
            }
            text.Append(close);
        }
    }

    /// <summary>A number as Python writes it: 1.0, 1e-05, 1e+16.</summary>
    public static string Written(double number)
    {
        if (double.IsNaN(number))
            return "nan";
        if (double.IsInfinity(number))
            return number > 0 ? "inf" : "-inf";
        if (number == 0)
            return double.IsNegative(number) ? "-0.0" : "0.0";
        var digits = number.ToString("E16", CultureInfo.InvariantCulture);
        var exponent = int.Parse(digits.AsSpan(digits.IndexOf('E') + 1), CultureInfo.InvariantCulture);
        var shortest = number.ToString("R", CultureInfo.InvariantCulture);
        if (exponent is >= -4 and < 16)
        {
            var plain = shortest.Contains('E') ? ((decimal)number).ToString(CultureInfo.InvariantCulture) : shortest;
            return plain.Contains('.') ? plain : plain + ".0";
        }
        var mantissa = shortest.Split('E')[0].Replace(".", "").TrimStart('-', '0').TrimEnd('0');
        return (number < 0 ? "-" : "")
            + mantissa[0]
            + (mantissa.Length > 1 ? "." + mantissa[1..] : "")
            + $"e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    private static void Quote(StringBuilder text, string quoted)
    {
        var quote = quoted.Contains('\'') && !quoted.Contains('"') ? '"' : '\'';
        text.Append(quote);
        foreach (var c in quoted)
            _ = c switch
            {
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                _ when c == quote => text.Append('\\').Append(c),
                < ' ' or (>= '\x7f' and < '\xa1') or '\xad' => text.Append($"\\x{(int)c:x2}"),
                _ => text.Append(c),
            };
        text.Append(quote);
    }

    /// <summary>What a loop goes through.</summary>
    public static List<object?> Each(JinjaRun run, int line, object? value)
    {
        List<object?> members = value switch
        {
            List<object?> list => list,
            JinjaMap map => [.. map.Keys],
            string text => [.. Characters(text)],
            JinjaUndefined => [],
            _ => throw new JinjaProblem(line, $"{KindOf(value)} has no members to go through"),
        };
        run.Make(line, members.Count);
        return members;
    }

    /// <summary>The characters of a text, as Python counts them.</summary>
    public static IEnumerable<string> Characters(string text)
    {
        for (var i = 0; i < text.Length; i++)
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                yield return text.Substring(i++, 2);
            else
                yield return text[i].ToString();
    }

    /// <summary>How many characters a text has, as Python counts them.</summary>
    public static int Length(string text)
    {
        var pairs = 0;
        for (var i = 0; i + 1 < text.Length; i++)
            if (char.IsHighSurrogate(text[i]) && char.IsLowSurrogate(text[i + 1]))
                pairs++;
        return text.Length - pairs;
    }

    /// <summary>Whether a container has a member.</summary>
    public static bool Contains(JinjaRun run, int line, object? container, object? member)
    {
        switch (container)
        {
            case string text:
                run.Spend(line, text.Length >> 4);
                return member is string part
                    ? text.Contains(part, StringComparison.Ordinal)
                    : throw new JinjaProblem(line, $"{KindOf(member)} cannot stand in a string");
            case List<object?> list:
                return list.Exists(one => Same(run, line, one, member));
            case JinjaMap map:
                return map.ContainsKey(Key(line, member));
            case JinjaUndefined:
                return false;
            default:
                throw new JinjaProblem(line, $"{KindOf(container)} has no members");
        }
    }

    /// <summary>A value as a key of a mapping.</summary>
    public static object Key(int line, object? value) =>
        value is string or long or bool or double
            ? value
            : throw new JinjaProblem(line, $"{KindOf(value)} cannot be a key of a mapping here");
}
