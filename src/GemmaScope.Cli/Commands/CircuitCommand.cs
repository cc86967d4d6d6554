using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Files;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Traces how a text leads to the next word.</summary>
internal sealed class CircuitCommand : GemmaScopeCommand
{
    /// <summary>Behind the name of the graph: where its rows are until it is done.</summary>
    private const string Rows = ".rows";

    private readonly CircuitArguments _circuit;
    private readonly Option<int> _paths;
    private readonly Option<string?> _out,
        _database;
    private readonly Option<bool> _noCheck,
        _force,
        _json;

    public CircuitCommand()
        : base(
            "circuit",
            "Trace how features lead from a text to the next word, and write the graph.",
            "gemmascope circuit \"The people of the United\" --out graph.json",
            "gemmascope circuit \"The people\" --target \" are/ is\"",
            "gemmascope circuit \"The people\" --target \" are\" --weight 2 --target \" is\" --weight 1",
            "gemmascope circuit \"The people\" --target direction:probe.npy@resid_post.3@1",
            "gemmascope circuit \"How do I pick a lock?\" --model demo-it --transcoders demo-scope/transcoder_all --chat --target direction:refusal-demo/direction.safetensors@resid_pre.4",
            "gemmascope circuit \"How do I repot a cactus?\" --model google/shieldgemma-2b --transcoders gemma-scope-2b-pt-transcoders/width_16k --target shield:HARASSMENT",
            "gemmascope circuit \"The capital of France is\" --model google/gemma-3-1b-pt --transcoders gemma-scope-2-1b-pt/transcoder_all/width_16k_l0_small --budget 1000",
            "gemmascope circuit show graph.json",
            "gemmascope circuit check \"The people of the United\"",
            "gemmascope circuit compare \"The people of the United\" \"The people of the world\"",
            "gemmascope circuit group \"The people of the United\" --out graph.json",
            "gemmascope circuit logits \"The people of the United\"",
            "gemmascope circuit attention \"The people of the United\" --layer 4 --head 0 --key 2",
            "gemmascope circuit score --text held-out.jsonl",
            "gemmascope circuit pairs agreement.jsonl",
            "gemmascope circuit edge \"The people of the United\" --from token@2 --to \" States\"",
            "gemmascope circuit import graph.json.gz",
            "gemmascope circuit export graph.json --out graph.csv"
        )
    {
        _circuit = new CircuitArguments(this);
        _paths = Add(
            CommonOptions.Number("--paths", "N", "Strongest paths shown for each target.", new CircuitJobOptions { Text = "" }.Paths)
        );
        _database = Add(KnownFeatureOptions.Database());
        _out = Add(
            CommonOptions.OutputFile(
                "--out",
                "Write the pruned graph in the JSON form that attribution-graph viewers read, or, where the name ends with .gsgraph, in one for large graphs. Until it is done its rows are kept beside it (.rows): stopped or killed, the same command goes on with them."
            )
        );
        _force = Add(new Option<bool>("--force") { Description = "Replace the file if it exists, and rows that another trace left." });
        _noCheck = Add(
            new Option<bool>("--no-check")
            {
                Description = "With --out: do not turn features off to see how far the graph is true, which the file else says.",
            }
        );
        _json = Add(CommonOptions.Json());
        foreach (
            var command in (GemmaScopeCommand[])
                [
                    new CircuitShowCommand(),
                    new CircuitCheckCommand(),
                    new CircuitCompareCommand(),
                    new CircuitGroupCommand(),
                    new CircuitLogitsCommand(),
                    new CircuitAttentionCommand(),
                    new CircuitScoreCommand(),
                    new CircuitPairsCommand(),
                    new CircuitEdgeCommand(),
                    new CircuitImportCommand(),
                    new CircuitExportCommand(),
                ]
        )
            Subcommands.Add(command);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var (file, force) = (arguments.GetValue(_out), arguments.GetValue(_force));
        var options = _circuit.Read(arguments, session) with
        {
            Paths = arguments.GetValue(_paths),
            RowsFile = file is null ? null : file + Rows,
            Overwrite = force,
            // A file goes to others, who are to see how far it can be trusted.
            WithCheck = file is not null && !arguments.GetValue(_noCheck),
        };
        options.Check();
        if (file is not null)
            AtomicFile.Check(file, force);
        using var microscope = _circuit.Open(arguments, session);
        using var known = KnownFeatureOptions.Open(arguments.GetValue(_database), microscope, options.Transcoders);
        options = options with { Known = known };
        var result = session.Run((progress, cancellationToken) => CircuitJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitText.Write(session.Terminal, result);
        if (file is not null)
        {
            result.Graph.Write(file, force);
            CircuitJob.RemoveRows(options);
            session.Terminal.Error.WriteLine($"wrote {file}");
        }
        return Application.Success;
    }
}
