using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Cli.Training;
using GemmaScope.Models;
using GemmaScope.Training;
using GemmaScope.Workbench;

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
            "Train a suite of dictionaries: all layers, sites, widths and sparsities, "
                + "as many together on one reading of the data as memory holds.",
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
        var configuration = SweepConfiguration.Load(arguments.GetValue(_file)!, values);
        if (arguments.GetValue(_print))
        {
            session.Terminal.Data.Write(configuration.ToYaml());
            foreach (var item in SweepJob.Items(configuration))
                session.Terminal.Out.WriteLine($"# {item.Name}");
            return Application.Success;
        }
        var options = new SweepJobOptions
        {
            Configuration = configuration,
            Restart = arguments.GetValue(_restart),
            Load = new ModelLoadOptions { Arithmetic = GlobalOptions.ArithmeticOf(arguments) },
        };
        var suite = TrainingDisplay.Run(session, (progress, cancellationToken) => SweepJob.RunAsync(options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(suite));
        else
            TrainingOutput.Write(session.Terminal, suite);
        return Application.Success;
    }
}
