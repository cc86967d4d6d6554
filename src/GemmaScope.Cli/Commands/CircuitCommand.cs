using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Traces how a text leads to the next word.</summary>
internal sealed class CircuitCommand : GemmaScopeCommand
{
    private readonly CircuitArguments _circuit;
    private readonly Option<int> _paths;
    private readonly Option<string?> _out;
    private readonly Option<bool> _force,
        _json;

    public CircuitCommand()
        : base(
            "circuit",
            "Trace how features lead from a text to the next word, and write the graph.",
            "gemmascope circuit \"The people of the United\" --out graph.json",
            "gemmascope circuit \"The people\" --target \" are/ is\"",
            "gemmascope circuit \"The capital of France is\" --model google/gemma-3-1b-pt --transcoders gemma-scope-2-1b-pt/transcoder_all/width_16k_l0_small --budget 1000",
            "gemmascope circuit show graph.json",
            "gemmascope circuit check \"The people of the United\"",
            "gemmascope circuit compare \"The people of the United\" \"The people of the world\"",
            "gemmascope circuit group \"The people of the United\" --out graph.json",
            "gemmascope circuit logits \"The people of the United\"",
            "gemmascope circuit attention \"The people of the United\" --layer 4 --head 0 --key 2"
        )
    {
        _circuit = new CircuitArguments(this);
        _paths = Add(
            CommonOptions.Number("--paths", "N", "Strongest paths shown for each target.", new CircuitJobOptions { Text = "" }.Paths)
        );
        _out = Add(CommonOptions.OutputFile("--out", "Write the pruned graph in the JSON form that attribution-graph viewers read, or, where the name ends with .gsgraph, in one for large graphs."));
        _force = Add(new Option<bool>("--force") { Description = "Replace the file if it exists." });
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
                ]
        )
            Subcommands.Add(command);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = _circuit.Read(arguments, session) with { Paths = arguments.GetValue(_paths) };
        options.Check();
        var (file, force) = (arguments.GetValue(_out), arguments.GetValue(_force));
        if (file is not null && !force && File.Exists(file))
            throw new ArgumentProblemException($"{file} exists already; give another name or --force", "--out");
        using var microscope = _circuit.Open(arguments, session);
        var result = session.Run((progress, cancellationToken) => CircuitJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitText.Write(session.Terminal, result);
        if (file is not null)
        {
            result.Graph.Write(file, force);
            session.Terminal.Error.WriteLine($"wrote {file}");
        }
        return Application.Success;
    }
}
