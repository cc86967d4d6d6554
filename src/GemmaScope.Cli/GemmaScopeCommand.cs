using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>A command: its constructor declares name, arguments, options and examples; <see cref="Run"/> reads them, runs a job and prints
/// its result.</summary>
internal abstract class GemmaScopeCommand(string name, string description, params string[] examples) : Command(name, description)
{
    /// <summary>Command lines shown by --help.</summary>
    public IReadOnlyList<string> Examples { get; } = examples;

    /// <summary>Does the work and returns the exit code.</summary>
    public abstract int Run(ParseResult arguments, Session session);

    protected Argument<T> Add<T>(Argument<T> argument)
    {
        Arguments.Add(argument);
        return argument;
    }

    protected Option<T> Add<T>(Option<T> option)
    {
        Options.Add(option);
        return option;
    }
}

/// <summary>What every command works with.</summary>
internal sealed class Session(Terminal terminal, CancellationToken cancellationToken)
{
    public Terminal Terminal { get; } = terminal;

    public CancellationToken Cancellation { get; } = cancellationToken;

    /// <summary>How the command names settings in messages.</summary>
    public Func<Setting, string> Words { get; private init; } = OptionWords.Of;

    /// <summary>The same for one command.</summary>
    public Session Of(GemmaScopeCommand command) => new(Terminal, Cancellation) { Words = OptionWords.In(command) };

    /// <summary>Finds, and downloads where needed, what a name stands for.</summary>
    public string Find(Func<string, IProgress<JobReport>?, CancellationToken, Task<string>> locateAsync, string name) =>
        Run((progress, cancellationToken) => locateAsync(name, progress, cancellationToken));

    /// <summary>Runs a job to its end and shows how far it is.</summary>
    /// <param name="jobAsync">The job.</param>
    /// <param name="tell">Told what else the job says beside stages and notes.</param>
    public T Run<T>(Func<IProgress<JobReport>, CancellationToken, Task<T>> jobAsync, Action<JobReport>? tell = null)
    {
        using var display = new ProgressDisplay(Terminal, tell, Words);
        return jobAsync(display, Cancellation).GetAwaiter().GetResult();
    }
}
