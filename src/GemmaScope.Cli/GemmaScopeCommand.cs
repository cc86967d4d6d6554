using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Models;

namespace GemmaScope.Cli;

/// <summary>A command: its constructor declares name, arguments, options and examples; <see cref="Run"/> does the work.</summary>
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
internal sealed class Session(Terminal terminal, CancellationToken cancellation)
{
    public Terminal Terminal { get; } = terminal;

    public CancellationToken Cancellation { get; } = cancellation;

    public Resolver Resolver { get; } = new(terminal, cancellation);

    /// <summary>Finds and loads a model.</summary>
    public GemmaModel LoadModel(string name, ModelLoadOptions? options = null)
    {
        var folder = Resolver.Model(name);
        return Waiting.For(Terminal, $"loading {name}", () => GemmaModel.Load(folder, options));
    }
}
