using System.Runtime.CompilerServices;
using System.Text;

namespace GemmaScope.Text.Jinja;

/// <summary>
/// One rendering: what has been written, and how much work is left. A template comes with a model, from anywhere: whatever it does ends, in
/// bounded time and memory.
/// </summary>
internal sealed class JinjaRun(TimeProvider clock)
{
    /// <summary>Steps of one rendering; a conversation of a thousand turns needs a fifth.</summary>
    public const long MostSteps = 30_000_000;

    /// <summary>Characters and list members that one rendering may make in all.</summary>
    public const long MostMade = 64 << 20;

    /// <summary>Characters of one text.</summary>
    public const int LongestText = 16 << 20;

    /// <summary>Members of one list; what transformers allows a range.</summary>
    public const int LongestRange = 100_000;

    /// <summary>Macros inside each other.</summary>
    public const int DeepestCall = 100;

    private long _steps = MostSteps,
        _made = MostMade;
    private int _calls;

    /// <summary>What time it is.</summary>
    public TimeProvider Clock => clock;

    /// <summary>Where text goes.</summary>
    public StringBuilder Output { get; private set; } = new();

    /// <summary>Counts steps.</summary>
    public void Spend(int line, long steps = 1)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if ((_steps -= steps) < 0)
            throw new JinjaProblem(line, "the template does too much work; it seems to go on without end");
    }

    /// <summary>Counts what is made: list members.</summary>
    public void Make(int line, long members)
    {
        Spend(line, members);
        if ((_made -= members) < 0)
            throw new JinjaProblem(line, "the template makes too many values; it seems to go on without end");
    }

    /// <summary>Writes text.</summary>
    public void Write(int line, string text)
    {
        MakeText(line, text.Length);
        CheckLength(line, Output.Length + text.Length);
        Output.Append(text);
    }

    /// <summary>Counts a text of this length, before it is made.</summary>
    public void MakeText(int line, long length)
    {
        CheckLength(line, length);
        Make(line, length >> 2);
    }

    /// <summary>Refuses texts that are too long.</summary>
    public void CheckLength(int line, long length)
    {
        Spend(line);
        if (length > LongestText)
            throw new JinjaProblem(line, $"a text of more than {LongestText} characters comes about");
    }

    /// <summary>What is written meanwhile.</summary>
    public string Capture(Action write)
    {
        var outer = Output;
        Output = new();
        try
        {
            write();
            return Output.ToString();
        }
        finally
        {
            Output = outer;
        }
    }

    /// <summary>Runs a macro.</summary>
    public string Call(int line, Action write)
    {
        if (++_calls > DeepestCall)
            throw new JinjaProblem(line, $"more than {DeepestCall} macros call each other");
        try
        {
            return Capture(write);
        }
        finally
        {
            _calls--;
        }
    }
}

/// <summary>Names and their values; those of a loop or macro hide those around it.</summary>
internal sealed class JinjaScope(JinjaScope? outer)
{
    // Few names, and very many scopes: one for each round of a loop.
    private readonly List<KeyValuePair<string, object?>> _values = new(2);

    /// <summary>Sets a name here.</summary>
    public void Set(string name, object? value)
    {
        var place = _values.FindIndex(one => one.Key == name);
        if (place < 0)
            _values.Add(new(name, value));
        else
            _values[place] = new(name, value);
    }

    /// <summary>The value of a name here or further out.</summary>
    public bool TryGet(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
            foreach (var (key, found) in scope._values)
                if (key == name)
                {
                    value = found;
                    return true;
                }
        value = null;
        return false;
    }

    private JinjaScope? Outer => outer;
}
