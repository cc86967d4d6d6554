using System.CommandLine;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The prompt, the model and the transcoders, which all commands on circuits share.</summary>
internal sealed class CircuitPromptArguments
{
    private readonly TextInput _text;
    private readonly MicroscopeArguments _model;
    private readonly Option<string[]> _transcoders;
    private readonly Option<string?> _site,
        _work;
    private readonly Option<int?> _zeroPositions;
    private readonly Option<bool> _noBos;

    public CircuitPromptArguments(Command command, string text, bool file = true)
    {
        _text = new TextInput(command, "text", text, file);
        _model = new MicroscopeArguments(command, DictionaryUse.None);
        _transcoders = Add(
            command,
            new Option<string[]>("--transcoders")
            {
                Description =
                    "Transcoders: a folder, files, a set of the catalogue by its name without the layer, or a set of circuit-tracer (its repository or config.yaml); the demo model has its own.",
                HelpName = "SET",
                AllowMultipleArgumentsPerToken = true,
                DefaultValueFactory = _ => [],
            }
        );
        _site = Add(
            command,
            new Option<string?>("--site")
            {
                Description = "Where transcoders read whose files do not say it: resid_mid, ln2_normalized or mlp_in.",
                HelpName = "SITE",
            }
        );
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
        _noBos = Add(command, new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
    }

    /// <summary>The settings.</summary>
    public CircuitJobOptions Read(ParseResult arguments, Session session) =>
        new()
        {
            Text = _text.Read(arguments, session),
            AddBos = !arguments.GetValue(_noBos),
            Transcoders = arguments.GetValue(_transcoders) ?? [],
            Site = arguments.GetValue(_site),
            ZeroPositions = arguments.GetValue(_zeroPositions),
            WorkFolder = arguments.GetValue(_work),
        };

    /// <summary>The model.</summary>
    public Microscope Open(ParseResult arguments, Session session) => _model.Open(arguments, session);

    private static Option<T> Add<T>(Command command, Option<T> option)
    {
        command.Options.Add(option);
        return option;
    }
}
