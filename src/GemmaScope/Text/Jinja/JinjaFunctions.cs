using System.Globalization;
using System.Text;

namespace GemmaScope.Text.Jinja;

/// <summary>What every template can call: Jinja's functions, and those that transformers adds.</summary>
internal static class JinjaFunctions
{
    private static readonly JinjaFunction RaiseException =
            new(
                "raise_exception",
                call => throw new JinjaRefusal(JinjaValues.ToText(call.Run, call.Line, call.Bind("raise_exception", 1, "message")[0]))
            ),
        Namespace = new("namespace", call => new JinjaNamespace(Pairs(call).ToDictionary(pair => (string)pair.Key, pair => pair.Value))),
        Dict = new("dict", call => new JinjaMap(Pairs(call))),
        RangeOf = new("range", Range),
        Now = new("strftime_now", call => Time(call, $"{call.Bind("strftime_now", 1, "format")[0]}"));

    /// <summary>A function by its name; null for an unknown name.</summary>
    public static JinjaFunction? Find(int line, string name) =>
        name switch
        {
            "raise_exception" => RaiseException,
            "namespace" => Namespace,
            "dict" => Dict,
            "range" => RangeOf,
            "strftime_now" => Now,
            // Defined in Jinja, so that they must not read as undefined here.
            "lipsum" or "cycler" or "joiner" or "varargs" or "kwargs" or "caller" or "self" or "super" => throw new JinjaProblem(
                line,
                $"'{name}' is not supported"
            ),
            _ => null,
        };

    private static IEnumerable<KeyValuePair<object, object?>> Pairs(JinjaCall call)
    {
        if (call.Positional is [JinjaMap given])
            return given.Where(pair => !call.Named.ContainsKey($"{pair.Key}")).Concat(Named());
        return call.Positional.Count == 0 ? Named() : throw call.Problem("a mapping or names with values are needed");

        IEnumerable<KeyValuePair<object, object?>> Named() => call.Named.Select(pair => KeyValuePair.Create((object)pair.Key, pair.Value));
    }

    private static List<object?> Range(JinjaCall call)
    {
        var bounds = call.Positional.ConvertAll(one =>
            one is long number ? number : throw call.Problem($"{JinjaValues.KindOf(one)} bounds no range")
        );
        if (bounds.Count is 0 or > 3 || call.Named.Count > 0)
            throw call.Problem("range takes one to three numbers");
        var (from, to, step) = bounds.Count == 1 ? (0, bounds[0], 1) : (bounds[0], bounds[1], bounds.Count > 2 ? bounds[2] : 1);
        if (step == 0)
            throw call.Problem("a range goes by steps of 0");
        var count = Math.Max(0, Math.Ceiling(((double)to - from) / step));
        if (count > JinjaRun.LongestRange)
            throw call.Problem($"a range of more than {JinjaRun.LongestRange} members");
        call.Run.Make(call.Line, (long)count);
        return [.. Enumerable.Range(0, (int)count).Select(i => (object?)(from + (i * step)))];
    }

    /// <summary>The local time as <c>strftime</c> writes it.</summary>
    private static string Time(JinjaCall call, string format)
    {
        var now = call.Run.Clock.GetLocalNow();
        var text = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            var pattern = format[++i] switch
            {
                'Y' => "yyyy",
                'y' => "yy",
                'm' => "MM",
                'd' => "dd",
                'B' => "MMMM",
                'b' => "MMM",
                'A' => "dddd",
                'a' => "ddd",
                'H' => "HH",
                'I' => "hh",
                'M' => "mm",
                'S' => "ss",
                'p' => "tt",
                'j' => null,
                '%' => "\\%",
                var other => throw call.Problem($"the time format %{other} is not supported"),
            };
            text.Append(
                pattern is null
                    ? now.DayOfYear.ToString("000", CultureInfo.InvariantCulture)
                    : now.ToString(pattern, CultureInfo.InvariantCulture)
            );
        }
        return text.ToString();
    }
}
