using System.CommandLine;
using GemmaScope.Circuits;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Turns features of a circuit off and compares what happens with what the graph predicts.</summary>
internal sealed class CircuitCheckCommand : GemmaScopeCommand
{
    private static readonly CircuitCheckJobOptions Defaults = new() { Circuit = new() { Text = "" } };

    private readonly CircuitArguments _circuit;
    private readonly Option<int> _strongest,
        _random,
        _seed,
        _randomCircuits;
    private readonly Option<bool> _curve,
        _force,
        _json;
    private readonly Option<string[]> _reference;
    private readonly Option<string?> _out;

    public CircuitCheckCommand()
        : base(
            "check",
            "Turn features off one by one and compare the change with what the graph predicts. A graph file may stand in the text's place.",
            "gemmascope circuit check \"The people of the United\"",
            "gemmascope circuit check \"The people of the United\" --strongest 30 --random 30 --json",
            "gemmascope circuit check \"The people of the United\" --curve --reference texts.jsonl",
            "gemmascope circuit check graph.json"
        )
    {
        _circuit = new CircuitArguments(this);
        _strongest = Add(
            CommonOptions.Number("--strongest", "N", "Features with the most influence that are turned off.", Defaults.Strongest)
        );
        _random = Add(CommonOptions.Number("--random", "N", "Random other features that fire, as control.", Defaults.Random));
        _seed = Add(CommonOptions.Number("--seed", "N", "Seed of random choices.", Defaults.Seed));
        _curve = Add(
            new Option<bool>("--curve")
            {
                Description =
                    "Measure circuits of rising size too: how much features do alone, beside random ones and neurons (CPR and CMD, as MIB has them).",
            }
        );
        _reference = Add(
            new Option<string[]>("--reference")
            {
                Description =
                    "With --curve: texts whose mean stands for what is not kept; 16 plain sentences where none is named. "
                    + CommonOptions.Texts,
                HelpName = "PATH",
                AllowMultipleArgumentsPerToken = true,
                DefaultValueFactory = _ => [],
            }
        );
        _randomCircuits = Add(
            CommonOptions.Number("--random-circuits", "N", "With --curve: random circuits of each size.", Defaults.RandomCircuits)
        );
        _out = Add(CommonOptions.OutputFile("--out", "Of a graph file: write it again with what was found in it."));
        _force = Add(new Option<bool>("--force") { Description = "Replace the file if it exists." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var (graphFile, output) = (_circuit.GraphFile(arguments), arguments.GetValue(_out));
        if (output is not null && graphFile is null)
            throw new ArgumentProblemException("only the graph of a file is written again; 'circuit' makes one of a text", "--out");
        if (output is not null && !arguments.GetValue(_force) && File.Exists(output))
            throw new ArgumentProblemException($"{output} exists already; give another name or --force", "--out");
        var options = Defaults with
        {
            Strongest = arguments.GetValue(_strongest),
            Random = arguments.GetValue(_random),
            Seed = arguments.GetValue(_seed),
            Curve = arguments.GetValue(_curve),
            Reference = arguments.GetValue(_reference) ?? [],
            RandomCircuits = arguments.GetValue(_randomCircuits),
        };
        options.Check();
        var result = graphFile is null ? OfText(arguments, session, options) : OfFile(arguments, session, options, graphFile, output);
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitCheckText.Write(session.Terminal, result);
        return Application.Success;
    }

    private CircuitCheckResult OfText(ParseResult arguments, Session session, CircuitCheckJobOptions options)
    {
        options = options with { Circuit = _circuit.Read(arguments, session) };
        options.Check();
        using var microscope = _circuit.Open(arguments, session);
        return session.Run((progress, cancellationToken) => CircuitCheckJob.RunAsync(microscope, options, progress, cancellationToken));
    }

    private CircuitCheckResult OfFile(ParseResult arguments, Session session, CircuitCheckJobOptions options, string file, string? output)
    {
        var graph = GraphDocument.Read(file);
        using var microscope = _circuit.Open(arguments, session, graph);
        var job = _circuit.Read(arguments, graph) with { Check = options };
        var result = session.Run(
            (progress, cancellationToken) => CircuitGraphCheckJob.RunAsync(microscope, job, progress, cancellationToken)
        );
        if (output is not null)
        {
            new GraphCheck(result.Agreement, result.Faithfulness).Into(graph).Write(output, arguments.GetValue(_force));
            session.Terminal.Error.WriteLine($"wrote {output}");
        }
        return result;
    }
}
