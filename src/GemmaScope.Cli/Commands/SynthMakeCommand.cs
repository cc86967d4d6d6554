using System.CommandLine;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;
using GemmaScope.Cli.Training;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Makes a model of activations with known features.</summary>
internal sealed class SynthMakeCommand : GemmaScopeCommand
{
    private readonly Argument<string?> _file;
    private readonly Option<string?> _config;
    private readonly Option<string[]> _set;
    private readonly Option<bool> _print,
        _json;

    public SynthMakeCommand()
        : base(
            "make",
            "Make a model of activations with known features: by default that of the published benchmark SynthSAEBench-16k.",
            "gemmascope synth make known.safetensors",
            "gemmascope synth make small.safetensors --set features=1024 --set width=128 --set roots=16",
            "gemmascope synth make known.safetensors --config known.yaml",
            "gemmascope synth make --print-config"
        )
    {
        _file = Add(new Argument<string?>("file") { Description = "The file to write.", Arity = ArgumentArity.ZeroOrOne });
        _config = Add(new Option<string?>("--config") { Description = "What it is made of, as YAML.", HelpName = "FILE" });
        _set = Add(new Option<string[]>("--set") { Description = "A key of the configuration; may be repeated.", HelpName = "KEY=VALUE" });
        _print = Add(
            new Option<bool>("--print-config") { Description = "Print the whole configuration, defaults included, and do nothing." }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var config = SyntheticModelFile.Config(arguments.GetValue(_config), TrainingOptions.Set(arguments.GetValue(_set)));
        if (arguments.GetValue(_print))
        {
            session.Terminal.Data.Write(SyntheticModelFile.ToYaml(config));
            return Application.Success;
        }
        var options = new SyntheticModelJobOptions
        {
            Config = config,
            Target = arguments.GetValue(_file) ?? throw new ArgumentProblemException("name the file to write", "file"),
        };
        var made = session.Run((progress, cancellationToken) => SyntheticModelJob.RunAsync(options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(made));
        else
            Properties.Write(
                session.Terminal,
                ("file", made.File),
                ("features", $"{made.Config.Features} in {made.Config.Width} dimensions"),
                ("active in a row", $"{made.TrueL0:0.0}, {made.FirstQuarterL0:0.0} of them among the first {made.Config.Features / 4}"),
                ("silent", $"{made.Silent} features in {made.Rows} rows"),
                ("scale C", $"{made.Scale:0.00}")
            );
        return Application.Success;
    }
}
