using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Keeps a graph of this or another program among the user's own.</summary>
internal sealed class CircuitImportCommand : GemmaScopeCommand
{
    private readonly Argument<string> _graph;
    private readonly Option<string?> _to,
        _name;
    private readonly Option<bool> _force,
        _json;

    public CircuitImportCommand()
        : base(
            "import",
            "Keep a graph file of this or another program among your own, where serve shows it.",
            "gemmascope circuit import graph.json.gz",
            "gemmascope circuit import graph.json --to graphs --name my-graph"
        )
    {
        _graph = Add(new Argument<string>("graph") { Description = "An attribution graph (.json, also .gz, .zst)." });
        _to = Add(
            new Option<string?>("--to")
            {
                Description = "The folder it is kept in; your own graphs, which serve shows, where none is named.",
                HelpName = "FOLDER",
            }
        );
        _name = Add(
            new Option<string?>("--name") { Description = "What it is called there; the name it has by default.", HelpName = "NAME" }
        );
        _force = Add(new Option<bool>("--force") { Description = "Replace the graph that has this name." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new CircuitImportJobOptions
        {
            Graph = arguments.GetValue(_graph)!,
            To = arguments.GetValue(_to),
            Name = arguments.GetValue(_name),
            Overwrite = arguments.GetValue(_force),
        };
        var result = session.Run((progress, cancellationToken) => CircuitImportJob.RunAsync(options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
        {
            CircuitText.Write(session.Terminal, result.Graph);
            session.Terminal.Error.WriteLine($"kept as {result.Name}: {result.File}");
        }
        return Application.Success;
    }
}
