using System.CommandLine;
using GemmaScope.Files;

namespace GemmaScope.Cli;

/// <summary>The text a command works on: an argument, a file, or the standard input.</summary>
internal sealed class TextInput
{
    /// <summary>Bytes of a text at most: far more than any context takes.</summary>
    private const long LargestText = 256 << 20;

    private readonly Argument<string?> _text;
    private readonly Option<string?> _file;

    /// <param name="command">The command.</param>
    /// <param name="name">The argument's name.</param>
    /// <param name="description">What the text is.</param>
    /// <param name="file">Whether it may be named by an option. Where another argument follows, that would be taken for the text.</param>
    public TextInput(Command command, string name, string description, bool file = true)
    {
        _text = new Argument<string?>(name)
        {
            Description = description + " In quotes; '-' reads the standard input.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        _file = new Option<string?>("--file", "-f")
        {
            Description = "Read the text from this file (UTF-8, also .gz, .zst).",
            HelpName = "FILE",
        };
        command.Arguments.Add(_text);
        if (file)
            command.Options.Add(_file);
    }

    /// <summary>Whether a text was named.</summary>
    public bool IsGiven(ParseResult arguments) => arguments.GetValue(_text) is not null || arguments.GetValue(_file) is not null;

    /// <summary>What stands on the command line, unread.</summary>
    public string? Named(ParseResult arguments) => arguments.GetValue(_text);

    /// <summary>Reads the text.</summary>
    /// <exception cref="ArgumentProblemException">There is none, it is empty, or it is not UTF-8.</exception>
    public string Read(ParseResult arguments, Session session)
    {
        var (text, file) = (arguments.GetValue(_text), arguments.GetValue(_file));
        if (text is not null && file is not null)
            throw new ArgumentProblemException("give a text or --file, not both", _text.Name);
        if (file is not null)
            return NotEmpty(ReadFile(file), file);
        if (text is not null and not "-")
            return NotEmpty(text, _text.Name);
        if (text is null && session.Terminal.InputIsTerminal)
            throw new ArgumentProblemException(
                "no text given; write it in quotes, name a file with --file, or pipe it in with '-'",
                _text.Name
            );
        return NotEmpty(WithoutLastLineBreak(ReadAll(session)), "standard input");
    }

    private static string NotEmpty(string text, string source) =>
        text.Length > 0 ? text : throw new ArgumentProblemException("the text is empty; give at least one character", source);

    private static string ReadFile(string file) =>
        file.Length == 0
            ? throw new ArgumentProblemException("the name is empty; give the file to read", "--file")
            : TextFile.Read(file, LargestText);

    private static string ReadAll(Session session) =>
        // Reading cannot be interrupted, but waiting for it can.
        Task.Run(() => TextFile.Read(session.Terminal.Input, "standard input", LargestText))
            .WaitAsync(session.Cancellation)
            .GetAwaiter()
            .GetResult();

    // echo and here-documents end with a line break that nobody means.
    private static string WithoutLastLineBreak(string text) =>
        text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2]
        : text.EndsWith('\n') ? text[..^1]
        : text;
}
