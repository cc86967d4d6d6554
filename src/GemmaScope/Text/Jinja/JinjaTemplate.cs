namespace GemmaScope.Text.Jinja;

/// <summary>
/// A template in the part of Jinja that chat templates use, rendered as transformers does: the same white space, functions, and Python's way
/// of writing values. What it does not know it refuses by name, with the line. It cannot read files or call anything, and what it does is
/// bounded (<see cref="JinjaRun"/>).
/// </summary>
internal sealed class JinjaTemplate
{
    private readonly List<JinjaStatement> _statements;
    private readonly string _file;

    private JinjaTemplate(List<JinjaStatement> statements, string file) => (_statements, _file) = (statements, file);

    /// <summary>Reads a template.</summary>
    /// <param name="source">Its text.</param>
    /// <param name="file">Where it stands, for messages.</param>
    /// <exception cref="FileFormatException">It is damaged, or uses what is not supported.</exception>
    public static JinjaTemplate Parse(string source, string file) => new(Guarded(() => JinjaParser.Parse(source), file), file);

    /// <summary>Renders it.</summary>
    /// <param name="variables">Its variables.</param>
    /// <param name="clock">What time it is; null for the system's.</param>
    /// <exception cref="FileFormatException">It cannot be rendered with these.</exception>
    /// <exception cref="JinjaRefusal">It refuses them itself.</exception>
    public string Render(IEnumerable<KeyValuePair<string, object?>> variables, TimeProvider? clock = null)
    {
        var run = new JinjaRun(clock ?? TimeProvider.System);
        var scope = new JinjaScope(null);
        foreach (var (name, value) in variables)
            scope.Set(name, value);
        return Guarded(
            () =>
            {
                JinjaStatement.RunAll(_statements, run, new JinjaScope(scope));
                return run.Output.ToString();
            },
            _file
        );
    }

    private static T Guarded<T>(Func<T> action, string file)
    {
        try
        {
            return action();
        }
        catch (JinjaProblem problem)
        {
            throw new FileFormatException($"line {problem.Line} of the chat template: {problem.Message}", file, problem);
        }
        catch (InsufficientExecutionStackException problem)
        {
            throw new FileFormatException("the chat template is nested too deeply", file, problem);
        }
    }
}
