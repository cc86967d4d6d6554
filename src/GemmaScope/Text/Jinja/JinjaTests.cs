using System.Collections.Frozen;

namespace GemmaScope.Text.Jinja;

/// <summary>The tests of Jinja: what stands behind <c>is</c>.</summary>
internal static class JinjaTests
{
    private static readonly FrozenDictionary<string, Predicate<object?>> Plain = new Dictionary<string, Predicate<object?>>
    {
        ["defined"] = value => value is not JinjaUndefined,
        ["undefined"] = value => value is JinjaUndefined,
        ["none"] = value => value is null,
        ["boolean"] = value => value is bool,
        ["true"] = value => value is true,
        ["false"] = value => value is false,
        ["integer"] = value => value is long,
        ["float"] = value => value is double,
        ["number"] = value => value is bool or long or double,
        ["string"] = value => value is string,
        ["mapping"] = value => value is JinjaMap,
        // As Jinja has it: what has a length and members.
        ["sequence"] = value => value is string or List<object?> or JinjaMap or JinjaUndefined,
        ["iterable"] = value => value is string or List<object?> or JinjaMap or JinjaUndefined,
        ["callable"] = value => value is JinjaFunction,
        ["lower"] = value => value is string text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["upper"] = value => value is string text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["filter"] = value => value is string name && JinjaFilters.IsSupported(name),
        ["test"] = value => value is string name && IsSupported(name),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> Comparisons = new Dictionary<string, string>
    {
        ["in"] = "in",
        ["eq"] = "==",
        ["equalto"] = "==",
        ["ne"] = "!=",
        ["gt"] = ">",
        ["greaterthan"] = ">",
        ["ge"] = ">=",
        ["lt"] = "<",
        ["lessthan"] = "<",
        ["le"] = "<=",
    }.ToFrozenDictionary();

    /// <summary>Whether there is such a test here.</summary>
    public static bool IsSupported(string test) =>
        Plain.ContainsKey(test) || Comparisons.ContainsKey(test) || test is "odd" or "even" or "divisibleby" or "sameas";

    public static bool Holds(string test, object? value, JinjaCall call)
    {
        if (Plain.TryGetValue(test, out var holds))
        {
            call.Bind(test, 0);
            return holds(value);
        }
        if (test is "odd" or "even")
        {
            call.Bind(test, 0);
            return value is long number
                ? number % 2 == 0 == (test == "even")
                : throw call.Problem($"{JinjaValues.KindOf(value)} is neither odd nor even");
        }
        var other = call.Bind(test, 1, "other")[0];
        if (Comparisons.TryGetValue(test, out var op))
            return JinjaComparison.Holds(call.Run, call.Line, op, value, other);
        return test switch
        {
            "divisibleby" => value is long number && other is long divisor and not 0
                ? number % divisor == 0
                : throw call.Problem("'divisibleby' goes with whole numbers other than 0"),
            "sameas" => value is null or bool ? Equals(value, other) : ReferenceEquals(value, other),
            _ => throw call.Problem($"the test '{test}' is not supported"),
        };
    }
}
