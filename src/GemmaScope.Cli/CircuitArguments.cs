using System.CommandLine;
using GemmaScope.Circuits;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The prompt and the settings of a graph, which the commands on graphs share.</summary>
internal sealed class CircuitArguments
{
    private static readonly CircuitJobOptions Defaults = new() { Text = "" };

    private readonly CircuitPromptArguments _prompt;
    private readonly Option<string[]> _target;
    private readonly Option<int> _logits,
        _budget;
    private readonly Option<double> _mass,
        _nodeShare,
        _edgeShare;

    public CircuitArguments(Command command, bool file = true)
    {
        _prompt = new CircuitPromptArguments(command, "The text whose next word is explained.", file);
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
        _mass = Add(
            command,
            CommonOptions.Share("--mass", "Explain the likeliest tokens until they have this probability together.", Defaults.Mass)
        );
        _budget = Add(
            command,
            CommonOptions.Number("--budget", "N", "Features in the graph at most, by their influence.", Defaults.Budget)
        );
        _nodeShare = Add(
            command,
            CommonOptions.Share("--node-share", "Keep nodes until they have this share of the influence.", Defaults.NodeShare)
        );
        _edgeShare = Add(
            command,
            CommonOptions.Share("--edge-share", "Keep edges until they have this share of what flows.", Defaults.EdgeShare)
        );
    }

    /// <summary>The settings.</summary>
    public CircuitJobOptions Read(ParseResult arguments, Session session) =>
        _prompt.Read(arguments, session) with
        {
            Targets = arguments.GetValue(_target) ?? [],
            Logits = arguments.GetValue(_logits),
            Mass = arguments.GetValue(_mass),
            Budget = arguments.GetValue(_budget),
            NodeShare = arguments.GetValue(_nodeShare),
            EdgeShare = arguments.GetValue(_edgeShare),
        };

    /// <summary>The model.</summary>
    public Microscope Open(ParseResult arguments, Session session) => _prompt.Open(arguments, session);

    /// <inheritdoc cref="CircuitPromptArguments.GraphFile"/>
    public string? GraphFile(ParseResult arguments) => _prompt.GraphFile(arguments);

    /// <summary>How the graph of a file is checked.</summary>
    public CircuitGraphCheckJobOptions Read(ParseResult arguments, GraphDocument graph) => _prompt.Read(arguments, graph);

    /// <summary>The model of a graph.</summary>
    public Microscope Open(ParseResult arguments, Session session, GraphDocument graph) => _prompt.Open(arguments, session, graph);

    private static Option<T> Add<T>(Command command, Option<T> option)
    {
        command.Options.Add(option);
        return option;
    }
}
