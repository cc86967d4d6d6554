using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Writes a graph for other programs.</summary>
internal sealed class CircuitExportCommand : GemmaScopeCommand
{
    private readonly Argument<string> _graph;
    private readonly Option<string> _out;
    private readonly Option<double?> _nodeShare,
        _edgeShare;
    private readonly Option<string[]> _keep;
    private readonly Option<bool> _force,
        _json;

    public CircuitExportCommand()
        : base(
            "export",
            "Write a graph for other programs, as public JSON, GraphML or tables, pruned on request.",
            "gemmascope circuit export graph.json --out small.json --node-share 0.5",
            "gemmascope circuit export graph.json --out small.json --edge-share 0.9 --keep feature:3/1422@5",
            "gemmascope circuit export graph.json --out graph.csv"
        )
    {
        _graph = Add(new Argument<string>("graph") { Description = "A graph file, or the name of one that is kept." });
        _out = Add(
            new Option<string>("--out")
            {
                Description = "The file to write: .json (the public form), .graphml, or .csv (two files: NAME.nodes.csv, NAME.edges.csv).",
                HelpName = "FILE",
                Required = true,
            }
        );
        _nodeShare = Add(Share("--node-share", "Keep nodes until they have this share of the influence, of what the file has."));
        _edgeShare = Add(Share("--edge-share", "Keep edges until they have this share of what flows, of what the file has."));
        _keep = Add(
            new Option<string[]>("--keep")
            {
                Description = "A node that stays in any case, by its id or as feature:LAYER/INDEX@POSITION; may be repeated.",
                HelpName = "NODE",
                DefaultValueFactory = _ => [],
            }
        );
        _force = Add(new Option<bool>("--force") { Description = "Replace files that exist." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new CircuitExportJobOptions
        {
            Graph = arguments.GetValue(_graph)!,
            Out = arguments.GetValue(_out)!,
            NodeShare = arguments.GetValue(_nodeShare),
            EdgeShare = arguments.GetValue(_edgeShare),
            Keep = arguments.GetValue(_keep) ?? [],
            Overwrite = arguments.GetValue(_force),
        };
        var result = session.Run((progress, cancellationToken) => CircuitExportJob.RunAsync(options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            Properties.Write(
                session.Terminal,
                ("files", string.Join(", ", result.Files)),
                ("nodes", $"{result.Nodes} of {result.AllNodes}"),
                ("edges", $"{result.Links} of {result.AllLinks}")
            );
        return Application.Success;
    }

    private static Option<double?> Share(string name, string description) => new(name) { Description = description, HelpName = "SHARE" };
}
