using System.CommandLine.Parsing;
using System.Text;
using System.Text.Json;
using GemmaScope.Bench;
using GemmaScope.Cli;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>Runs the command inside the test's process, with the streams of a pipe or of a terminal.</summary>
internal sealed record CommandLine(int Code, string Out, string Error)
{
    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static CommandLine Run(params string[] arguments) => Run(arguments, []);

    public static CommandLine Piped(string input, params string[] arguments) => Run(arguments, Encoding.UTF8.GetBytes(input));

    public static CommandLine Run(
        string[] arguments,
        byte[] input,
        bool terminal = false,
        bool colors = false,
        CancellationToken cancellationToken = default
    )
    {
        using StringWriter output = new() { NewLine = "\n" },
            error = new() { NewLine = "\n" };
        using var stream = new MemoryStream(input);
        // The benchmarks are a program of their own, which the command starts.
        Func<string[], Terminal, CancellationToken, int> program = arguments is ["bench", ..]
            ? (all, terminal, token) => MeasureCommand.Run(all[1..], terminal, token)
            : Application.Run;
        var code = program(
            arguments,
            new Terminal(stream, output, error)
            {
                InputIsTerminal = terminal,
                OutputIsTerminal = terminal,
                Colors = colors,
                Width = 120,
                // In a pipe progress is told every ten seconds, and a busy machine takes as long for what is a moment's work elsewhere.
                Clock = terminal ? TimeProvider.System : new StandingClock(),
            },
            cancellationToken
        );
        return new(code, output.ToString(), error.ToString());
    }

    /// <summary>What the parser has against a command line as a shell would read it; redirections, comments and line ends are the shell's
    /// business.</summary>
    public static IEnumerable<string> Problems(string line) =>
        Application
            .Root(
                new GlobalOptions(),
                new Session(new Terminal(Stream.Null, TextWriter.Null, TextWriter.Null), default),
                Application.Commands()
            )
            .Parse(Words(line))
            .Errors.Select(error => $"{line}: {error.Message}");

    /// <summary>The arguments of a command line.</summary>
    public static string[] Words(string line) =>
        [.. CommandLineParser.SplitCommandLine(line).TakeWhile(word => word is not ("<" or ">" or "|" or "#" or "&&" or "\\")).Skip(1)];

    /// <summary>The output as JSON, which must have come without an error.</summary>
    public JsonElement Json()
    {
        Assert.Equal("", Error);
        Assert.Equal(0, Code);
        using var document = JsonDocument.Parse(Out);
        return document.RootElement.Clone();
    }

    /// <summary>Bad input that is found after some notes: exit code 2, and an error that says this.</summary>
    public void Refuses(string says)
    {
        Assert.Equal(2, Code);
        Assert.Contains(says, Error.Split('\n').Single(line => line.StartsWith("error: ", StringComparison.Ordinal)));
    }

    /// <summary>Bad input: exit code 2, nothing on the output, one line that says all of these.</summary>
    public void IsRefused(params string[] says)
    {
        Assert.Equal(2, Code);
        Assert.Equal("", Out);
        Assert.StartsWith("error: ", Error);
        Assert.Equal(1, Error.Count(c => c == '\n'));
        Assert.All(says, part => Assert.Contains(part, Error));
    }

    private sealed class StandingClock : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
