using System.CommandLine;
using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Spectre.Console;

namespace GemmaScope.Cli.Commands;

/// <summary>Talks with a model, turn by turn.</summary>
internal sealed class ChatCommand : GemmaScopeCommand
{
    private readonly MicroscopeArguments _microscope;
    private readonly Option<string[]> _messages;
    private readonly Option<string?> _system,
        _resume,
        _tools;
    private readonly SamplingOptions _sampling;
    private readonly WatchArguments _watch;
    private readonly Option<bool> _json,
        _thinking;

    public ChatCommand()
        : base(
            "chat",
            "Talk with a model through its chat template. /reset forgets what was said, /exit ends; each piped line is a message.",
            "gemmascope chat --model google/gemma-2-2b-it",
            "gemmascope chat --model google/gemma-3-1b-it --message \"Why is the sky blue?\" --temperature 0",
            "gemmascope chat --system \"Answer in one sentence.\" --json < questions.txt",
            "gemmascope chat --model demo-it --watch refusal-demo --stop-above 2.5 --report conversation.html"
        )
    {
        _microscope = new MicroscopeArguments(this, DictionaryUse.None);
        _messages = Add(
            new Option<string[]>("--message")
            {
                Description = "Say this and end; may be given several times, a turn each.",
                HelpName = "TEXT",
            }
        );
        _system = Add(
            new Option<string?>("--system")
            {
                Description = "An instruction; it begins the first turn, unless the model's own template has a place for it.",
                HelpName = "TEXT",
            }
        );
        _resume = Add(
            new Option<string?>("--resume")
            {
                Description = "Go on with a conversation: a file that --json has given, or that the page of the chat has saved.",
                HelpName = "FILE",
            }
        );
        _thinking = Add(
            new Option<bool>("--thinking")
            {
                Description = "Let the model think before it answers (Gemma 4); thoughts go to standard error, and into the JSON apart.",
            }
        );
        _tools = Add(
            new Option<string?>("--tools")
            {
                Description =
                    "Tools that the model may call (Gemma 4): a JSON list of functions with name, description and parameters. Calls follow an answer as a line of JSON each.",
                HelpName = "FILE",
            }
        );
        _sampling = new SamplingOptions(this);
        _watch = new WatchArguments(this);
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var terminal = session.Terminal;
        // Found out before a model of many gigabytes is loaded.
        var before = arguments.GetValue(_resume) is { } file ? SavedConversation.Read(file) : [];
        var settings = new ChatSettings
        {
            Thinking = arguments.GetValue(_thinking),
            Tools = arguments.GetValue(_tools) is { } tools ? ChatToolFile.Read(tools) : [],
        };
        var wanted = _watch.Read(arguments);
        using var microscope = _microscope.Open(arguments, session);
        foreach (var note in ChatTuning.Notes(microscope.Model))
            terminal.Error.WriteLine($"note: {note}");
        using var watched = wanted is null
            ? null
            : session.Run((progress, cancellationToken) => WatchSet.OpenAsync(microscope, wanted, progress, cancellationToken));
        using var conversation = new Conversation(
            microscope.Model,
            _sampling.Read(arguments),
            arguments.GetValue(_system),
            watched,
            settings
        );
        if (before.Count > 0)
            conversation.Reset(before);
        var given = arguments.GetValue(_messages) is { Length: > 0 } texts ? texts : null;
        var json = arguments.GetValue(_json);
        foreach (var message in given ?? Lines(session))
        {
            try
            {
                var display = json ? new TextDisplay(TextWriter.Null, TextWriter.Null) : new(terminal.Text, terminal.Error);
                var spoke = Turn(message, conversation, display, microscope.Model, session.Cancellation);
                if (spoke && !json && watched is not null)
                    WatchArguments.WriteLines(terminal, watched.Result);
            }
            catch (ArgumentProblemException problem) when (given is null && terminal.InputIsTerminal)
            {
                // Whoever types can still follow the advice.
                terminal.Error.WriteLine($"error: {problem.Describe(session.Words)}");
            }
        }
        if (json)
            terminal.Data.WriteLine(ResultJson.Text(conversation.Result));
        _watch.WritePage(arguments, terminal, microscope.ModelName, watched?.Result);
        return Application.Success;
    }

    /// <returns>Whether the model was to answer.</returns>
    private static bool Turn(
        string message,
        Conversation conversation,
        TextDisplay display,
        GemmaModel model,
        CancellationToken cancellationToken
    )
    {
        if (string.IsNullOrWhiteSpace(message))
            return false;
        if (message.Trim() == "/reset")
        {
            conversation.Reset();
            return false;
        }
        using var answer = Say(message, conversation, cancellationToken);
        display.Write(answer, ChatTuning.Splitter(model), ChatTuning.CallSplitter(model));
        cancellationToken.ThrowIfCancellationRequested();
        return true;
    }

    private static Continuation Say(string message, Conversation conversation, CancellationToken cancellationToken)
    {
        try
        {
            return conversation.Say(message, cancellationToken);
        }
        catch (ContextLengthException problem)
        {
            // Here there is a word for it.
            throw new ContextLengthException(problem.Problem, problem.Location, new Remedy($"say less, or start a new one with /reset"));
        }
    }

    /// <summary>What the user types or pipes in, up to /exit or the end.</summary>
    private static IEnumerable<string> Lines(Session session)
    {
        var terminal = session.Terminal;
        var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        using var reader = new StreamReader(terminal.Input, strict, leaveOpen: true);
        while (true)
        {
            if (terminal is { InputIsTerminal: true, OutputIsTerminal: true })
                terminal.Console.Write(new Paragraph("> ", new Style(Color.SteelBlue1)));
            // Reading cannot be interrupted, but waiting for it can.
            var line = Task.Run(Next).WaitAsync(session.Cancellation).GetAwaiter().GetResult();
            if (line is null || line.Trim() == "/exit")
                yield break;
            yield return line;
        }

        string? Next()
        {
            try
            {
                return reader.ReadLine();
            }
            catch (DecoderFallbackException problem)
            {
                throw new FileFormatException(
                    "what was written is not UTF-8; set the terminal or the program to it",
                    "standard input",
                    problem
                );
            }
        }
    }
}
