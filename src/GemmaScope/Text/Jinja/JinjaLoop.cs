namespace GemmaScope.Text.Jinja;

/// <summary>The variable <c>loop</c>.</summary>
/// <param name="members">What the loop goes through.</param>
internal sealed class JinjaLoop(List<object?> members)
{
    private List<object?>? _seen;

    /// <summary>The round, from 0.</summary>
    public int Index { get; set; }

    /// <summary>Rounds in all.</summary>
    public int Count => members.Count;

    /// <summary>The member of this round.</summary>
    public object? Current => members[Index];

    public bool TryAttribute(int line, string name, out object? value)
    {
        value = name switch
        {
            "index" => Index + 1L,
            "index0" => (long)Index,
            "revindex" => (long)members.Count - Index,
            "revindex0" => members.Count - Index - 1L,
            "first" => Index == 0,
            "last" => Index == members.Count - 1,
            "length" => (long)members.Count,
            // Only loops that call themselves go deeper.
            "depth" => 1L,
            "depth0" => 0L,
            "previtem" => Index > 0 ? members[Index - 1] : new JinjaUndefined("the member before the first"),
            "nextitem" => Index + 1 < members.Count ? members[Index + 1] : new JinjaUndefined("the member after the last"),
            "cycle" => new JinjaFunction(
                name,
                call =>
                    call.Positional.Count > 0
                        ? call.Positional[Index % call.Positional.Count]
                        : throw call.Problem("loop.cycle has nothing to choose from")
            ),
            "changed" => new JinjaFunction(name, Changed),
            _ => throw new JinjaProblem(line, $"'loop.{name}' is not supported"),
        };
        return true;
    }

    private object Changed(JinjaCall call)
    {
        var isSame = _seen is { } seen && JinjaValues.Same(call.Run, call.Line, seen, call.Positional);
        _seen = call.Positional;
        return !isSame;
    }
}
