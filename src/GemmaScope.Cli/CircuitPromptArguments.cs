using System.CommandLine;
using GemmaScope.Circuits;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The prompt, the model and the transcoders, which commands on the circuit of a text share.</summary>
internal sealed class CircuitPromptArguments
{
    private static readonly string[] GraphEndings = [".json", ".json.gz", ".json.zst"];

    private readonly TextInput _text;
    private readonly TranscoderArguments _transcoders;
    private readonly Option<string?> _work;
    private readonly Option<int?> _zeroPositions;
    private readonly Option<bool> _noBos,
        _chat;

    public CircuitPromptArguments(Command command, string text, bool file = true)
    {
        _text = new TextInput(command, "text", text, file);
        _transcoders = new TranscoderArguments(command);
        _zeroPositions = Add(
            command,
            new Option<int?>("--zero-positions")
            {
                Description = "Positions at the start that count as constants: 1, and 4 in a conversation with Gemma 3.",
                HelpName = "N",
            }
        );
        _work = Add(
            command,
            new Option<string?>("--work")
            {
                Description = "Folder for what does not fit into memory, of long texts; the system's for temporary files by default.",
                HelpName = "FOLDER",
            }
        );
        _chat = Add(
            command,
            new Option<bool>("--chat") { Description = "The text is what a user says; it is written in the model's chat template." }
        );
        _noBos = Add(command, new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
    }

    /// <summary>The settings.</summary>
    public CircuitJobOptions Read(ParseResult arguments, Session session) =>
        new()
        {
            Text = _text.Read(arguments, session),
            AsMessage = arguments.GetValue(_chat),
            AddBos = !arguments.GetValue(_noBos),
            Transcoders = _transcoders.Names(arguments),
            Site = _transcoders.Site(arguments),
            ZeroPositions = arguments.GetValue(_zeroPositions),
            WorkFolder = arguments.GetValue(_work),
        };

    /// <summary>The model.</summary>
    public Microscope Open(ParseResult arguments, Session session) => _transcoders.Open(arguments, session);

    /// <summary>The file of a graph that stands in the place of a text; null where a text does.</summary>
    public string? GraphFile(ParseResult arguments) =>
        _text.Named(arguments) is { } name && GraphEndings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            ? name
            : null;

    /// <summary>How the graph of a file is checked.</summary>
    public CircuitGraphCheckJobOptions Read(ParseResult arguments, GraphDocument graph) =>
        new()
        {
            Graph = graph,
            Transcoders = _transcoders.Names(arguments),
            Site = _transcoders.Site(arguments),
            ZeroPositions = arguments.GetValue(_zeroPositions),
        };

    /// <summary>The model of a graph: the one that is named, else the one that the graph names.</summary>
    public Microscope Open(ParseResult arguments, Session session, GraphDocument graph) => _transcoders.Open(arguments, session, graph);

    private static Option<T> Add<T>(Command command, Option<T> option)
    {
        command.Options.Add(option);
        return option;
    }
}
