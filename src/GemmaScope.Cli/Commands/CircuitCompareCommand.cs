using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Says in what the graphs of two texts differ.</summary>
internal sealed class CircuitCompareCommand : GemmaScopeCommand
{
    private static readonly CircuitCompareJobOptions Defaults = new()
    {
        Circuit = new() { Text = "" },
        Other = "",
    };

    private readonly CircuitArguments _circuit;
    private readonly Argument<string> _other;
    private readonly Option<int> _top;
    private readonly Option<bool> _json;

    public CircuitCompareCommand()
        : base(
            "compare",
            "Compare the graphs of two texts: nodes of one alone, changed activations and influence.",
            "gemmascope circuit compare \"The people of the United\" \"The people of the world\"",
            "gemmascope circuit compare \"The boy\" \"The boys\" --target \" are/ is\" --json"
        )
    {
        _circuit = new CircuitArguments(this, file: false);
        _other = new Argument<string>("other") { Description = "The text it is compared with, in quotes." };
        Arguments.Add(_other);
        _top = Add(CommonOptions.Number("--top", "N", "Nodes of each list.", Defaults.Top));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new CircuitCompareJobOptions
        {
            Circuit = _circuit.Read(arguments, session),
            Other = arguments.GetValue(_other)!,
            Top = arguments.GetValue(_top),
        };
        options.Check();
        using var microscope = _circuit.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => CircuitCompareJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitCompareText.Write(session.Terminal, result);
        return Application.Success;
    }
}
