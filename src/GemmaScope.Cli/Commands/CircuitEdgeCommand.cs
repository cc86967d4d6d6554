using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Says by which attention heads an edge came.</summary>
internal sealed class CircuitEdgeCommand : GemmaScopeCommand
{
    private readonly CircuitPromptArguments _prompt;
    private readonly Option<string> _from,
        _to;
    private readonly Option<int> _top;
    private readonly Option<bool> _json;

    public CircuitEdgeCommand()
        : base(
            "edge",
            "Split an edge of a graph into what came directly and what each attention head carried.",
            "gemmascope circuit edge \"The people of the United\" --from token@2 --to \" States\"",
            "gemmascope circuit edge \"The people of the United\" --from token@3 --to feature:3/1422@5 --json"
        )
    {
        _prompt = new CircuitPromptArguments(this, "The text of the graph.");
        _from = Add(
            Node("--from", "Where it begins: feature:LAYER/INDEX@POSITION, error:LAYER@POSITION (what is unexplained) or token@POSITION.")
        );
        _to = Add(Node("--to", "Where it ends: feature:LAYER/INDEX@POSITION, or another target as circuit --target takes it."));
        _top = Add(CommonOptions.Number("--top", "N", "Heads shown, those that deliver most first.", 15));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new CircuitEdgeJobOptions
        {
            Circuit = _prompt.Read(arguments, session),
            From = arguments.GetValue(_from)!,
            To = arguments.GetValue(_to)!,
            Top = arguments.GetValue(_top),
        };
        options.Check();
        using var microscope = _prompt.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => CircuitEdgeJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitSumText.Write(session.Terminal, result);
        return Application.Success;
    }

    private static Option<string> Node(string name, string description) =>
        new(name)
        {
            Description = description,
            HelpName = "NODE",
            Required = true,
        };
}
