using System.CommandLine;
using System.Text.Json.Nodes;
using GemmaScope.Cli.Output;
using GemmaScope.Cli.Training;
using GemmaScope.Files;
using GemmaScope.Training;

namespace GemmaScope.Cli.Commands;

/// <summary>Trains a suite of dictionaries.</summary>
internal sealed class SweepCommand : GemmaScopeCommand
{
    private readonly Argument<string> _file;
    private readonly Option<string?> _output;
    private readonly Option<string[]> _set;
    private readonly Option<bool> _print,
        _restart,
        _json;

    public SweepCommand()
        : base(
            "sweep",
            "Train a suite of dictionaries: all layers, sites, widths and sparsities, as many together on one reading of the data as memory holds.",
            "gemmascope sweep suite.yaml",
            "gemmascope sweep suite.yaml --set base.tokens=5000000 --output suites/long",
            "gemmascope sweep suite.yaml --print-config"
        )
    {
        _file = Add(new Argument<string>("suite") { Description = "The suite in YAML: output, grid, base." });
        _output = Add(new Option<string?>("--output", "-o") { Description = "The folder of the suite.", HelpName = "FOLDER" });
        _set = Add(
            new Option<string[]>("--set")
            {
                Description = "Any key of the suite, e.g. base.tokens=5000000; may be repeated.",
                HelpName = "KEY=VALUE",
            }
        );
        _print = Add(
            new Option<bool>("--print-config")
            {
                Description = "Print the suite, defaults included, and the dictionaries it stands for, and do nothing.",
            }
        );
        _restart = Add(new Option<bool>("--restart") { Description = "Train anew what is there already." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var values = TrainingOptions.Set(arguments.GetValue(_set)).ToList();
        if (arguments.GetValue(_output) is { } output)
            values.Add(("output", output));
        var suite = new Suite(SweepConfiguration.Load(arguments.GetValue(_file)!, values), session);
        if (arguments.GetValue(_print))
        {
            session.Terminal.Out.Write(suite.Configuration.ToYaml());
            foreach (var item in suite.Items())
                session.Terminal.Out.WriteLine($"# {item.Name}");
            return Application.Success;
        }
        var results = suite.Train(arguments.GetValue(_restart));
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => SuiteResults.Write(json, suite.Configuration, results));
        else
            SuiteResults.Print(session.Terminal, suite.Configuration, results);
        return Application.Success;
    }
}
