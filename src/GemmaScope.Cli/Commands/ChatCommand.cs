using System.CommandLine;
using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Text;
using Spectre.Console;

namespace GemmaScope.Cli.Commands;

/// <summary>Talks with a model, turn by turn.</summary>
internal sealed class ChatCommand : GemmaScopeCommand
{
    private readonly Option<string> _model;
    private readonly Option<string[]> _messages;
    private readonly Option<string?> _system;
    private readonly SamplingOptions _sampling;
    private readonly Option<bool> _json;

    public ChatCommand()
        : base(
            "chat",
            "Talk with a model through its chat template. /reset forgets what was said, /exit ends; each piped line is a message.",
            "gemmascope chat --model google/gemma-2-2b-it",
            "gemmascope chat --model google/gemma-3-1b-it --message \"Why is the sky blue?\" --temperature 0",
            "gemmascope chat --system \"Answer in one sentence.\" --json < questions.txt"
        )
    {
        _model = Add(CommonOptions.Model());
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
                Description = "An instruction; it begins the first turn, as Gemma has no system role.",
                HelpName = "TEXT",
            }
        );
        _sampling = new SamplingOptions(this);
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var terminal = session.Terminal;
        var name = arguments.GetValue(_model)!;
        using var model = session.LoadModel(name);
        var tokenizer = model.Tokenizer;
        if (!Conversation.IsTuned(name, model, tokenizer))
            terminal.Error.WriteLine(
                "note: this model was not tuned to chat; it continues the conversation as a text, often without sense."
            );
        using var conversation = new Conversation(model, tokenizer, _sampling.Read(arguments), arguments.GetValue(_system));
        var given = arguments.GetValue(_messages) is { Length: > 0 } messages ? messages : null;
        var json = arguments.GetValue(_json);
        foreach (var message in given ?? Lines(session))
        {
            try
            {
                Turn(message, conversation, tokenizer, json ? TextWriter.Null : terminal.Out, session.Cancellation);
            }
            catch (ArgumentProblemException problem) when (given is null && terminal.InputIsTerminal)
            {
                // Whoever types can still follow the advice.
                terminal.Error.WriteLine($"error: {problem.Message}");
            }
        }
        if (json)
            Write(terminal, conversation);
        return Application.Success;
    }

    private static void Turn(
        string message,
        Conversation conversation,
        Tokenizer tokenizer,
        TextWriter writer,
        CancellationToken cancellationToken
    )
    {
        if (string.IsNullOrWhiteSpace(message))
            return;
        if (message.Trim() == "/reset")
        {
            conversation.Reset();
            return;
        }
        conversation.Say(message, new TokenStream(tokenizer, writer), cancellationToken);
        writer.WriteLine();
        writer.Flush();
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>What the user types or pipes in, up to /exit or the end.</summary>
    private static IEnumerable<string> Lines(Session session)
    {
        var terminal = session.Terminal;
        using var reader = new StreamReader(terminal.Input, Encoding.UTF8, leaveOpen: true);
        while (true)
        {
            if (terminal is { InputIsTerminal: true, OutputIsTerminal: true })
                terminal.Console.Write(new Paragraph("> ", new Style(Color.SteelBlue1)));
            // Reading cannot be interrupted, but waiting for it can.
            var line = Task.Run(reader.ReadLine).WaitAsync(session.Cancellation).GetAwaiter().GetResult();
            if (line is null || line.Trim() == "/exit")
                yield break;
            yield return line;
        }
    }

    private static void Write(Terminal terminal, Conversation conversation) =>
        Json.Write(
            terminal,
            json =>
                json.Objects(
                    "messages",
                    conversation.Messages,
                    message =>
                    {
                        json.WriteString("role", message.Role);
                        json.WriteString("content", string.Concat(message.Parts.Select(part => part.Text)));
                    }
                )
        );
}
