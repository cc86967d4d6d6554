namespace GemmaScope.Text.Jinja;

/// <summary>An expression of a template.</summary>
/// <param name="line">Its line.</param>
internal abstract class JinjaExpression(int line)
{
    public int Line => line;

    public object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        run.Spend(line);
        return Value(run, scope);
    }

    protected abstract object? Value(JinjaRun run, JinjaScope scope);

    protected JinjaProblem Problem(string message) => new(line, message);
}

/// <summary>A string, number, boolean or none.</summary>
internal sealed class JinjaConstant(int line, object? value) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) => value;
}

/// <summary>A name.</summary>
internal sealed class JinjaName(int line, string name) : JinjaExpression(line)
{
    public string Name => name;

    protected override object? Value(JinjaRun run, JinjaScope scope) =>
        scope.TryGet(name, out var value) ? value : JinjaFunctions.Find(Line, name) ?? (object)new JinjaUndefined($"'{name}'");
}

/// <summary>A list or tuple.</summary>
internal sealed class JinjaListOf(int line, List<JinjaExpression> members, bool isTuple) : JinjaExpression(line)
{
    public List<JinjaExpression> Members => members;

    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        var values = members.ConvertAll(member => member.Evaluate(run, scope));
        return isTuple ? new JinjaTuple(values) : values;
    }
}

/// <summary>A mapping.</summary>
internal sealed class JinjaMapOf(int line, List<(JinjaExpression Key, JinjaExpression Value)> members) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        var map = new JinjaMap();
        foreach (var (key, value) in members)
            map[JinjaValues.Key(Line, key.Evaluate(run, scope))] = value.Evaluate(run, scope);
        return map;
    }
}

/// <summary><c>a if b else c</c>; without else it is undefined where b is not true.</summary>
internal sealed class JinjaChoice(int line, JinjaExpression test, JinjaExpression then, JinjaExpression? otherwise) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) =>
        JinjaValues.IsTrue(test.Evaluate(run, scope)) ? then.Evaluate(run, scope)
        : otherwise is null ? new JinjaUndefined("the value of an 'if' without 'else'")
        : otherwise.Evaluate(run, scope);
}

/// <summary><c>and</c> and <c>or</c>, which give one of their sides.</summary>
internal sealed class JinjaEither(int line, JinjaExpression left, JinjaExpression right, bool isAnd) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        var first = left.Evaluate(run, scope);
        return JinjaValues.IsTrue(first) == isAnd ? right.Evaluate(run, scope) : first;
    }
}

/// <summary><c>not</c>.</summary>
internal sealed class JinjaNot(int line, JinjaExpression inner) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) => !JinjaValues.IsTrue(inner.Evaluate(run, scope));
}

/// <summary>A sign in front of a number.</summary>
internal sealed class JinjaSign(int line, JinjaExpression inner, bool isMinus) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        var value = inner.Evaluate(run, scope);
        var number = JinjaValues.AsNumber(value) ?? throw Problem($"{JinjaValues.KindOf(value)} takes no sign");
        return isMinus ? JinjaArithmetic.Of(run, Line, "-", 0L, number) : number;
    }
}

/// <summary>Arithmetic, and what looks like it: joining and repeating texts and lists.</summary>
internal sealed class JinjaOperation(int line, string op, JinjaExpression left, JinjaExpression right) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) =>
        JinjaArithmetic.Of(run, Line, op, left.Evaluate(run, scope), right.Evaluate(run, scope));
}

/// <summary>Comparisons, of which several may follow each other: <c>1 &lt; a &lt;= 3</c>.</summary>
internal sealed class JinjaComparison(int line, JinjaExpression first, List<(string Op, JinjaExpression Right)> steps)
    : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        var left = first.Evaluate(run, scope);
        foreach (var (op, expression) in steps)
        {
            var right = expression.Evaluate(run, scope);
            if (!Holds(run, Line, op, left, right))
                return false;
            left = right;
        }
        return true;
    }

    public static bool Holds(JinjaRun run, int line, string op, object? left, object? right) =>
        op switch
        {
            "==" => JinjaValues.Same(run, line, left, right),
            "!=" => !JinjaValues.Same(run, line, left, right),
            "in" => JinjaValues.Contains(run, line, right, left),
            "not in" => !JinjaValues.Contains(run, line, right, left),
            "<" => JinjaValues.Compare(run, line, left, right) < 0,
            "<=" => JinjaValues.Compare(run, line, left, right) <= 0,
            ">" => JinjaValues.Compare(run, line, left, right) > 0,
            _ => JinjaValues.Compare(run, line, left, right) >= 0,
        };
}

/// <summary><c>a.b</c> and <c>a[b]</c>.</summary>
internal sealed class JinjaMember(int line, JinjaExpression target, JinjaExpression key, bool isAttribute) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) =>
        JinjaMembers.Of(run, Line, target.Evaluate(run, scope), key.Evaluate(run, scope), isAttribute);
}

/// <summary><c>a[b:c:d]</c>.</summary>
internal sealed class JinjaSlice(int line, JinjaExpression target, JinjaExpression?[] bounds) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope)
    {
        var value = target.Evaluate(run, scope);
        var numbers = Array.ConvertAll(
            bounds,
            bound =>
                bound?.Evaluate(run, scope) switch
                {
                    null => (long?)null,
                    long number => number,
                    var other => throw Problem($"{JinjaValues.KindOf(other)} cannot bound a slice"),
                }
        );
        return JinjaMembers.Slice(run, Line, value, numbers[0], numbers[1], numbers[2] ?? 1);
    }
}

/// <summary>Arguments as they stand in a template.</summary>
/// <param name="Positional">Those without a name.</param>
/// <param name="Named">Those with one.</param>
internal sealed record JinjaArguments(List<JinjaExpression> Positional, List<(string Name, JinjaExpression Value)> Named)
{
    public static JinjaArguments None { get; } = new([], []);

    public JinjaCall Evaluate(JinjaRun run, JinjaScope scope, int line)
    {
        var named = new Dictionary<string, object?>();
        foreach (var (name, value) in Named)
            named[name] = value.Evaluate(run, scope);
        return new(run, line, Positional.ConvertAll(one => one.Evaluate(run, scope)), named);
    }
}

/// <summary><c>a(…)</c>.</summary>
internal sealed class JinjaInvocation(int line, JinjaExpression target, JinjaArguments arguments) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) =>
        target.Evaluate(run, scope) is var called && called is JinjaFunction function
            ? function.Body(arguments.Evaluate(run, scope, Line))
            : throw Problem($"{JinjaValues.KindOf(called)} cannot be called");
}

/// <summary><c>a | filter(…)</c>; without a value it is applied to what a block has written.</summary>
internal sealed class JinjaFiltered(int line, JinjaExpression? inner, string filter, JinjaArguments arguments) : JinjaExpression(line)
{
    public string Filter => filter;

    public JinjaExpression? Inner => inner;

    protected override object? Value(JinjaRun run, JinjaScope scope) => Apply(run, scope, inner!.Evaluate(run, scope));

    /// <summary>Applies a filter, or several of which this is the last, to a value.</summary>
    public object? Apply(JinjaRun run, JinjaScope scope, object? value) =>
        JinjaFilters.Apply(filter, value, arguments.Evaluate(run, scope, Line));

    /// <summary>The same where the first filter in the row has no value of its own.</summary>
    public object? ApplyAll(JinjaRun run, JinjaScope scope, object? value) =>
        Apply(run, scope, inner is JinjaFiltered before ? before.ApplyAll(run, scope, value) : value);
}

/// <summary><c>a is test(…)</c>.</summary>
internal sealed class JinjaTested(int line, JinjaExpression inner, string test, JinjaArguments arguments) : JinjaExpression(line)
{
    protected override object? Value(JinjaRun run, JinjaScope scope) =>
        JinjaTests.Holds(test, inner.Evaluate(run, scope), arguments.Evaluate(run, scope, Line));
}
