using System.CommandLine;
using System.Text;

namespace GemmaScope.Cli;

/// <summary>The text a command works on: an argument, a file, or the standard input.</summary>
internal sealed class TextInput
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Argument<string?> _text;
    private readonly Option<string?> _file;

    public TextInput(Command command, string name, string description)
    {
        _text = new Argument<string?>(name)
        {
            Description = description + " In quotes; '-' reads the standard input.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        _file = new Option<string?>("--file", "-f") { Description = "Read the text from this file (UTF-8).", HelpName = "FILE" };
        command.Arguments.Add(_text);
        command.Options.Add(_file);
    }

    /// <summary>Whether a text was named.</summary>
    public bool IsGiven(ParseResult arguments) => arguments.GetValue(_text) is not null || arguments.GetValue(_file) is not null;

    /// <summary>Reads the text.</summary>
    /// <exception cref="ArgumentProblemException">There is none, it is empty, or it is not UTF-8.</exception>
    public string Read(ParseResult arguments, Session session)
    {
        var (text, file) = (arguments.GetValue(_text), arguments.GetValue(_file));
        if (text is not null && file is not null)
            throw new ArgumentProblemException("give a text or --file, not both", _text.Name);
        if (file is not null)
            return NotEmpty(Decode(ReadFile(file), file), file);
        if (text is not null and not "-")
            return NotEmpty(text, _text.Name);
        if (text is null && session.Terminal.InputIsTerminal)
            throw new ArgumentProblemException(
                "no text given; write it in quotes, name a file with --file, or pipe it in with '-'",
                _text.Name
            );
        return NotEmpty(WithoutLastLineBreak(Decode(ReadAll(session), "standard input")), "standard input");
    }

    private static string NotEmpty(string text, string source) =>
        text.Length > 0 ? text : throw new ArgumentProblemException("the text is empty; give at least one character", source);

    private static byte[] ReadFile(string file)
    {
        if (file.Length == 0)
            throw new ArgumentProblemException("the name is empty; give the file to read", "--file");
        if (Directory.Exists(file))
            throw new FileFormatException("this is a folder; give a file of text", file);
        if (!Path.Exists(file))
            throw new FileFormatException("the file does not exist; check the name", file);
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new FileFormatException($"the file cannot be read: {problem.Message}", file, problem);
        }
    }

    private static byte[] ReadAll(Session session)
    {
        // Reading cannot be interrupted, but waiting for it can.
        var buffer = new MemoryStream();
        Task.Run(() => session.Terminal.Input.CopyTo(buffer)).WaitAsync(session.Cancellation).GetAwaiter().GetResult();
        return buffer.ToArray();
    }

    private static string Decode(byte[] bytes, string source)
    {
        try
        {
            var text = Strict.GetString(bytes);
            return text.StartsWith('\uFEFF') ? text[1..] : text;
        }
        catch (DecoderFallbackException problem)
        {
            throw new FileFormatException($"byte {problem.Index} is not valid UTF-8; save the text as UTF-8", source, problem);
        }
    }

    // echo and here-documents end with a line break that nobody means.
    private static string WithoutLastLineBreak(string text) =>
        text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2]
        : text.EndsWith('\n') ? text[..^1]
        : text;
}
