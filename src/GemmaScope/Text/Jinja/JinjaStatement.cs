namespace GemmaScope.Text.Jinja;

/// <summary>How a statement ended.</summary>
internal enum JinjaFlow
{
    /// <summary>The next one follows.</summary>
    Next,

    /// <summary>The loop ends.</summary>
    Break,

    /// <summary>The next round of the loop follows.</summary>
    Continue,
}

/// <summary>A statement of a template.</summary>
/// <param name="line">Its line.</param>
internal abstract class JinjaStatement(int line)
{
    public int Line => line;

    public abstract JinjaFlow Run(JinjaRun run, JinjaScope scope);

    /// <summary>Runs statements in order.</summary>
    public static JinjaFlow RunAll(IEnumerable<JinjaStatement> statements, JinjaRun run, JinjaScope scope)
    {
        foreach (var statement in statements)
        {
            run.Spend(statement.Line);
            if (statement.Run(run, scope) is not JinjaFlow.Next and var flow)
                return flow;
        }
        return JinjaFlow.Next;
    }
}

/// <summary>Text between tags.</summary>
internal sealed class JinjaData(int line, string text) : JinjaStatement(line)
{
    public override JinjaFlow Run(JinjaRun run, JinjaScope scope)
    {
        run.Write(Line, text);
        return JinjaFlow.Next;
    }
}

/// <summary><c>{{ … }}</c>.</summary>
internal sealed class JinjaPrint(int line, JinjaExpression value) : JinjaStatement(line)
{
    public override JinjaFlow Run(JinjaRun run, JinjaScope scope)
    {
        run.Write(Line, JinjaValues.ToText(run, Line, value.Evaluate(run, scope)));
        return JinjaFlow.Next;
    }
}

/// <summary><c>{% if %}</c> with all its branches; that of else has no test.</summary>
internal sealed class JinjaIf(int line, List<(JinjaExpression? Test, List<JinjaStatement> Body)> branches) : JinjaStatement(line)
{
    public override JinjaFlow Run(JinjaRun run, JinjaScope scope)
    {
        foreach (var (test, body) in branches)
            if (test is null || JinjaValues.IsTrue(test.Evaluate(run, scope)))
                return RunAll(body, run, scope);
        return JinjaFlow.Next;
    }
}

/// <summary><c>{% for %}</c>.</summary>
internal sealed class JinjaFor(
    int line,
    JinjaTarget target,
    JinjaExpression members,
    JinjaExpression? filter,
    List<JinjaStatement> body,
    List<JinjaStatement> otherwise
) : JinjaStatement(line)
{
    public override JinjaFlow Run(JinjaRun run, JinjaScope scope)
    {
        var all = JinjaValues.Each(run, Line, members.Evaluate(run, scope));
        if (filter is not null)
            all = all.FindAll(one => JinjaValues.IsTrue(filter.Evaluate(run, Inner(run, scope, one))));
        if (all.Count == 0)
            return RunAll(otherwise, run, new(scope));
        var loop = new JinjaLoop([.. all]);
        for (; loop.Index < loop.Count; loop.Index++)
        {
            var inner = Inner(run, scope, loop.Current);
            inner.Set("loop", loop);
            if (RunAll(body, run, inner) == JinjaFlow.Break)
                break;
        }
        return JinjaFlow.Next;
    }

    private JinjaScope Inner(JinjaRun run, JinjaScope scope, object? member)
    {
        const int cost = 4;
        run.Spend(Line, cost);
        var inner = new JinjaScope(scope);
        target.Set(run, inner, member);
        return inner;
    }
}

/// <summary>A name, an attribute of a namespace, or several of them: what a value is given to.</summary>
/// <param name="Line">Its line.</param>
/// <param name="Names">Each with its attribute, where it has one.</param>
/// <param name="IsTuple">Whether the value is taken apart.</param>
internal sealed record JinjaTarget(int Line, List<(string Name, string? Attribute)> Names, bool IsTuple)
{
    public void Set(JinjaRun run, JinjaScope scope, object? value)
    {
        if (!IsTuple)
        {
            SetOne(scope, Names[0], value);
            return;
        }
        var values = JinjaValues.Each(run, Line, value);
        if (values.Count != Names.Count)
            throw new JinjaProblem(Line, $"{values.Count} values stand for {Names.Count} names");
        foreach (var (name, one) in Names.Zip(values))
            SetOne(scope, name, one);
    }

    private void SetOne(JinjaScope scope, (string Name, string? Attribute) target, object? value)
    {
        if (target.Attribute is null)
            scope.Set(target.Name, value);
        else if (scope.TryGet(target.Name, out var space) && space is JinjaNamespace { Members: var members })
            members[target.Attribute] = value;
        else
            throw new JinjaProblem(Line, $"'{target.Name}' is no namespace, and only attributes of a namespace can be set");
    }
}

/// <summary><c>{% set a = b %}</c>.</summary>
internal sealed class JinjaSet(int line, JinjaTarget target, JinjaExpression value) : JinjaStatement(line)
{
    public override JinjaFlow Run(JinjaRun run, JinjaScope scope)
    {
        target.Set(run, scope, value.Evaluate(run, scope));
        return JinjaFlow.Next;
    }
}

/// <summary><c>{% set a %} … {% endset %}</c> and <c>{% filter … %} … {% endfilter %}</c>: what is written becomes a value, or is written
/// as a filter makes it.</summary>
internal sealed class JinjaCaptured(int line, JinjaTarget? target, JinjaFiltered? filter, List<JinjaStatement> body) : JinjaStatement(line)
{
    public override JinjaFlow Run(JinjaRun run, JinjaScope scope)
    {
        var flow = JinjaFlow.Next;
        object? value = run.Capture(() => flow = RunAll(body, run, new(scope)));
        if (filter is not null)
            value = filter.ApplyAll(run, scope, value);
        if (target is null)
            run.Write(Line, JinjaValues.ToText(run, Line, value));
        else
            target.Set(run, scope, value);
        return flow;
    }
}

/// <summary><c>{% with a = b %}</c>, and <c>{% generation %}</c> of transformers, which marks what the model says.</summary>
internal sealed class JinjaWith(int line, List<(JinjaTarget Target, JinjaExpression Value)> values, List<JinjaStatement> body)
    : JinjaStatement(line)
{
    public override JinjaFlow Run(JinjaRun run, JinjaScope scope)
    {
        var inner = new JinjaScope(scope);
        foreach (var (target, value) in values)
            target.Set(run, inner, value.Evaluate(run, scope));
        return RunAll(body, run, inner);
    }
}

/// <summary><c>{% break %}</c> and <c>{% continue %}</c>.</summary>
internal sealed class JinjaJump(int line, JinjaFlow flow) : JinjaStatement(line)
{
    public override JinjaFlow Run(JinjaRun run, JinjaScope scope) => flow;
}

/// <summary><c>{% macro %}</c>: makes a function of its body, which sees the names around its definition.</summary>
internal sealed class JinjaMacro(int line, string name, List<(string Name, JinjaExpression? Default)> parameters, List<JinjaStatement> body)
    : JinjaStatement(line)
{
    private readonly string[] _names = [.. parameters.Select(parameter => parameter.Name)];

    public override JinjaFlow Run(JinjaRun run, JinjaScope scope)
    {
        scope.Set(name, new JinjaFunction(name, call => Call(call, scope)));
        return JinjaFlow.Next;
    }

    private string Call(JinjaCall call, JinjaScope around)
    {
        var given = call.Bind($"the macro '{name}'", 0, _names);
        var inner = new JinjaScope(around);
        foreach (var ((parameter, fallback), value) in parameters.Zip(given))
            inner.Set(
                parameter,
                !ReferenceEquals(value, JinjaCall.Absent) ? value
                    : fallback is null ? new JinjaUndefined($"'{parameter}'")
                    : fallback.Evaluate(call.Run, inner)
            );
        return call.Run.Call(call.Line, () => RunAll(body, call.Run, inner));
    }
}
