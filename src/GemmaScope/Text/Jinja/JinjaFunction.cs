namespace GemmaScope.Text.Jinja;

/// <summary>What a call, filter or test was given.</summary>
/// <param name="Run">The rendering.</param>
/// <param name="Line">Where it stands.</param>
/// <param name="Positional">Arguments without a name.</param>
/// <param name="Named">Arguments with a name.</param>
internal sealed record JinjaCall(JinjaRun Run, int Line, List<object?> Positional, Dictionary<string, object?> Named)
{
    /// <summary>The arguments by the order of their names; those not given are <see cref="Absent"/>.</summary>
    /// <param name="what">What is called, for messages.</param>
    /// <param name="required">How many must be given.</param>
    /// <param name="names">Their names.</param>
    public object?[] Bind(string what, int required, params ReadOnlySpan<string> names)
    {
        if (Positional.Count > names.Length)
            throw Problem($"{what} takes at most {names.Length} arguments here, found {Positional.Count}");
        var bound = new object?[names.Length];
        Array.Fill(bound, Absent);
        Positional.CopyTo(bound);
        foreach (var (name, value) in Named)
        {
            var place = names.IndexOf(name);
            if (place < 0)
                throw Problem($"the argument '{name}' of {what} is not supported");
            bound[place] = ReferenceEquals(bound[place], Absent) ? value : throw Problem($"{what} is given '{name}' twice");
        }
        for (var i = 0; i < required; i++)
            if (ReferenceEquals(bound[i], Absent))
                throw Problem($"{what} needs '{names[i]}'");
        return bound;
    }

    /// <summary>Stands for an argument that was not given.</summary>
    public static object Absent { get; } = new();

    public JinjaProblem Problem(string message) => new(Line, message);
}

/// <summary>Something a template can call.</summary>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Body">What it does.</param>
internal sealed record JinjaFunction(string Name, Func<JinjaCall, object?> Body);
