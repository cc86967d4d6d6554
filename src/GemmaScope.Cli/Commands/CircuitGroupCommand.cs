using System.CommandLine;
using GemmaScope.Circuits;
using GemmaScope.Cli.Output;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Proposes which features of a circuit are one thing, and tests it.</summary>
internal sealed class CircuitGroupCommand : GemmaScopeCommand
{
    private static readonly CircuitSupernodesJobOptions Job = new() { Circuit = new() { Text = "" } };
    private static readonly SupernodeOptions Defaults = Job.Groups;

    private readonly CircuitArguments _circuit;
    private readonly TextBatchArguments _texts;
    private readonly Option<double> _threshold,
        _standIn;
    private readonly Option<int> _features,
        _controls,
        _seed;
    private readonly Option<bool> _across,
        _force,
        _json;
    private readonly Option<string?> _known,
        _out;

    public CircuitGroupCommand()
        : base(
            "group",
            "Propose features that play one role as supernodes, and test by intervention that they stand in for each other.",
            "gemmascope circuit group \"The people of the United\"",
            "gemmascope circuit group graph.json --text corpus.jsonl --out grouped.json",
            "gemmascope circuit group \"The people of the United\" --threshold 0.7 --controls 99 --json"
        )
    {
        _circuit = new CircuitArguments(this);
        _texts = new TextBatchArguments(this, Job.Texts.Tokens);
        _threshold = Add(
            CommonOptions.Share("--threshold", "Join features that fire and act at least this much alike.", Defaults.Threshold)
        );
        _standIn = Add(
            CommonOptions.Share("--least-stand-in", "Part of the loss of a member that the others must make good.", Defaults.LeastStandIn)
        );
        _across = Add(new Option<bool>("--across-positions") { Description = "Let features of different positions come together." });
        _features = Add(
            CommonOptions.Number("--most-features", "N", "Features looked at, those with the most influence.", Defaults.MostFeatures)
        );
        _controls = Add(CommonOptions.Number("--controls", "N", "Random groups that each group is compared with.", Defaults.Controls));
        _seed = Add(CommonOptions.Number("--seed", "N", "Seed of the random groups.", Defaults.Seed));
        _known = Add(KnownFeatureOptions.Database());
        _out = Add(CommonOptions.OutputFile("--out", "Write the graph with the validated groups as its supernodes."));
        _force = Add(new Option<bool>("--force") { Description = "Replace the file if it exists." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var circuit = _circuit.Read(arguments, session);
        var (file, force) = (arguments.GetValue(_out), arguments.GetValue(_force));
        var graph = GraphDocument.IsNameOfOne(circuit.Text) && File.Exists(circuit.Text) ? GraphDocument.Read(circuit.Text) : null;
        var options = new CircuitSupernodesJobOptions
        {
            Circuit = circuit,
            Graph = graph,
            Texts = _texts.Read(arguments),
            Groups = Defaults with
            {
                Threshold = arguments.GetValue(_threshold),
                LeastStandIn = arguments.GetValue(_standIn),
                AcrossPositions = arguments.GetValue(_across),
                MostFeatures = arguments.GetValue(_features),
                Controls = arguments.GetValue(_controls),
                Seed = arguments.GetValue(_seed),
            },
        };
        options.Check();
        if (file is not null && !force && File.Exists(file))
            throw new ArgumentProblemException($"{file} exists already; give another name or --force", "--out");
        using var microscope = _circuit.Open(arguments, session);
        using var known =
            arguments.GetValue(_known) is { } named ? FeatureDatabase.Open(named)
            : microscope.ModelName == MicroscopeOptions.DemoModel ? KnownFeatures.OpenDemo()
            : null;
        var result = session.Run(
            (progress, cancellationToken) =>
                CircuitSupernodesJob.RunAsync(microscope, options with { Known = known }, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            SupernodeText.Write(session.Terminal, result);
        if (file is not null)
        {
            result.Graph.Write(file, force);
            session.Terminal.Error.WriteLine($"wrote {file}");
        }
        return Application.Success;
    }
}
