using System.CommandLine;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The prompt, the model and the settings of a circuit, which the commands on circuits share.</summary>
internal sealed class CircuitArguments
{
    private static readonly CircuitJobOptions Defaults = new() { Text = "" };

    private readonly TextInput _text;
    private readonly MicroscopeArguments _model;
    private readonly Option<string[]> _transcoders,
        _target;
    private readonly Option<string?> _site;
    private readonly Option<int> _logits,
        _budget;
    private readonly Option<double> _mass,
        _nodeShare,
        _edgeShare;
    private readonly Option<int?> _zeroPositions;
    private readonly Option<bool> _noBos;

    public CircuitArguments(Command command)
    {
        _text = new TextInput(command, "text", "The text whose next word is explained.");
        _model = new MicroscopeArguments(command, DictionaryUse.None);
        _transcoders = Add(
            command,
            new Option<string[]>("--transcoders")
            {
                Description =
                    "Transcoders: a folder, files, or a set of the catalogue by its name without the layer; the demo model has its own.",
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
        _target = Add(
            command,
            new Option<string[]>("--target")
            {
                Description =
                    "What is explained: \" are\" or #659 (a token), \" are/ is\" (its lead over another), feature:LAYER/INDEX@POSITION; the likeliest tokens where none is named.",
                HelpName = "TARGET",
                DefaultValueFactory = _ => [],
            }
        );
        _logits = Add(command, CommonOptions.Number("--logits", "N", "Likeliest tokens explained at most.", Defaults.Logits));
        _mass = Add(command, Share("--mass", "Explain the likeliest tokens until they have this probability together.", Defaults.Mass));
        _budget = Add(
            command,
            CommonOptions.Number("--budget", "N", "Features in the graph at most, by their influence.", Defaults.Budget)
        );
        _nodeShare = Add(command, Share("--node-share", "Keep nodes until they have this share of the influence.", Defaults.NodeShare));
        _edgeShare = Add(command, Share("--edge-share", "Keep edges until they have this share of what flows.", Defaults.EdgeShare));
        _zeroPositions = Add(
            command,
            new Option<int?>("--zero-positions")
            {
                Description = "Positions at the start that count as constants: 1, and 4 in a conversation with Gemma 3.",
                HelpName = "N",
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
            Targets = arguments.GetValue(_target) ?? [],
            Logits = arguments.GetValue(_logits),
            Mass = arguments.GetValue(_mass),
            Budget = arguments.GetValue(_budget),
            NodeShare = arguments.GetValue(_nodeShare),
            EdgeShare = arguments.GetValue(_edgeShare),
            ZeroPositions = arguments.GetValue(_zeroPositions),
        };

    /// <summary>The model.</summary>
    public Microscope Open(ParseResult arguments, Session session) => _model.Open(arguments, session);

    private static Option<double> Share(string name, string description, double standard) =>
        new(name)
        {
            Description = description,
            HelpName = "SHARE",
            DefaultValueFactory = _ => standard,
        };

    private static Option<T> Add<T>(Command command, Option<T> option)
    {
        command.Options.Add(option);
        return option;
    }
}
