using System.Text;
using GemmaScope.Cli.Output;
using Spectre.Console;

namespace GemmaScope.Cli;

/// <summary>
/// Where a command reads and writes. It is handed in, so that tests see what a user would: on a terminal tables and
/// colours, into a pipe plain lines.
/// </summary>
internal sealed class Terminal(Stream input, TextWriter output, TextWriter error)
{
    private IAnsiConsole? _console,
        _errorConsole;

    public Stream Input { get; } = input;

    /// <summary>What people read: all that comes from elsewhere is shown and steers nothing.</summary>
    public VisibleWriter Out { get; } = new(output);

    /// <summary>Messages, in the same way.</summary>
    public VisibleWriter Error { get; } = new(error);

    /// <summary>What programs read, as it is: JSON, settings, tables.</summary>
    public TextWriter Data { get; } = output;

    /// <summary>What a model wrote: as it is into a pipe or file, shown where a person reads.</summary>
    public TextWriter Text => OutputIsTerminal ? Out : Data;

    /// <summary>Whether a person types the input.</summary>
    public bool InputIsTerminal { get; init; }

    /// <summary>Whether a person reads the output: tables instead of lines.</summary>
    public bool OutputIsTerminal { get; init; }

    /// <summary>Whether a person reads the messages: progress bars instead of lines.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>Whether colours may be used where a person reads; NO_COLOR forbids them.</summary>
    public bool Colors { get; init; }

    /// <summary>Columns of the terminal.</summary>
    public int Width { get; init; } = 100;

    /// <summary>What rates and pauses between lines are measured with.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Rich output; use it only where <see cref="OutputIsTerminal"/>.</summary>
    public IAnsiConsole Console => _console ??= Create(Out.Inner, OutputIsTerminal);

    /// <summary>Rich messages; use it only where <see cref="ErrorIsTerminal"/>.</summary>
    public IAnsiConsole ErrorConsole => _errorConsole ??= Create(Error.Inner, ErrorIsTerminal);

    /// <summary>The terminal of this process.</summary>
    public static Terminal OfProcess()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var isTerminal = !System.Console.IsOutputRedirected;
        // Buffered into a pipe: a JSON report is many small writes.
        var output = new StreamWriter(System.Console.OpenStandardOutput(), utf8, 1 << 14) { AutoFlush = isTerminal };
        var error = new StreamWriter(System.Console.OpenStandardError(), utf8) { AutoFlush = true };
        return new Terminal(new StandardInput(System.Console.OpenStandardInput), output, error)
        {
            InputIsTerminal = !System.Console.IsInputRedirected,
            OutputIsTerminal = isTerminal,
            ErrorIsTerminal = !System.Console.IsErrorRedirected,
            Colors =
                string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
                && Environment.GetEnvironmentVariable("TERM") != "dumb",
            Width = isTerminal && System.Console.WindowWidth > 0 ? System.Console.WindowWidth : 100,
        };
    }

    private IAnsiConsole Create(TextWriter writer, bool isTerminal)
    {
        var console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Out = new AnsiConsoleOutput(writer),
                Ansi = isTerminal && Environment.GetEnvironmentVariable("TERM") != "dumb" ? AnsiSupport.Yes : AnsiSupport.No,
                ColorSystem = isTerminal && Colors ? ColorSystemSupport.TrueColor : ColorSystemSupport.NoColors,
                Interactive = isTerminal ? InteractionSupport.Yes : InteractionSupport.No,
            }
        );
        console.Profile.Width = Width;
        console.Pipeline.Attach(new VisibleSegments());
        return console;
    }
}
