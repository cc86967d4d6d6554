using System.CommandLine;
using GemmaScope.Circuits;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Sums a graph file up, of this or another program.</summary>
internal sealed class CircuitShowCommand : GemmaScopeCommand
{
    private readonly Argument<string> _graph;
    private readonly Option<int> _paths;
    private readonly Option<bool> _json;

    public CircuitShowCommand()
        : base(
            "show",
            "Show the strongest paths of a graph file, of this program or another.",
            "gemmascope circuit show graph.json",
            "gemmascope circuit show graph.json.gz --paths 10 --json"
        )
    {
        _graph = Add(new Argument<string>("graph") { Description = "An attribution graph (.json, also .gz, .zst)." });
        _paths = Add(CommonOptions.Number("--paths", "N", "Strongest paths shown for each target.", 3));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var summary = GraphSummary.Of(GraphDocument.Read(arguments.GetValue(_graph)!), arguments.GetValue(_paths));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(summary));
        else
            CircuitText.Write(session.Terminal, summary);
        return Application.Success;
    }
}
