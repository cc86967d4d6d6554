using System.CommandLine;
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
        _seed;
    private readonly Option<bool> _json;

    public CircuitCheckCommand()
        : base(
            "check",
            "Turn features off one by one and compare the change with what the graph predicts.",
            "gemmascope circuit check \"The people of the United\"",
            "gemmascope circuit check \"The people of the United\" --strongest 30 --random 30 --json"
        )
    {
        _circuit = new CircuitArguments(this);
        _strongest = Add(
            CommonOptions.Number("--strongest", "N", "Features with the most influence that are turned off.", Defaults.Strongest)
        );
        _random = Add(CommonOptions.Number("--random", "N", "Random other features that fire, as control.", Defaults.Random));
        _seed = Add(CommonOptions.Number("--seed", "N", "Seed of their choice.", Defaults.Seed));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = Defaults with
        {
            Circuit = _circuit.Read(arguments, session),
            Strongest = arguments.GetValue(_strongest),
            Random = arguments.GetValue(_random),
            Seed = arguments.GetValue(_seed),
        };
        options.Check();
        using var microscope = _circuit.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => CircuitCheckJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitText.Write(session.Terminal, result);
        return Application.Success;
    }
}
