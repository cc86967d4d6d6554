using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Cli.Training;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Trains a dictionary.</summary>
internal sealed class TrainCommand : GemmaScopeCommand
{
    private readonly Argument<string?> _file;
    private readonly TrainingOptions _options;
    private readonly Option<bool> _print,
        _restart,
        _json;

    public TrainCommand()
        : base(
            "train",
            "Train a dictionary on a store of activations, or on what a model computes for a text.",
            "gemmascope train --site resid_post.3 --text corpus.jsonl --width 2048 --tokens 2000000 --output runs/first",
            "gemmascope train --site mlp_in.3 --kind skip_transcoder --store activations --width 4096 --lambda 3e-4 "
                + "--eval-text held-out.txt --model demo-pt --output runs/skip",
            "gemmascope train --site resid_post.3 --store activations --target-l0 30 --search --output runs/l0-30",
            "gemmascope train recipe.yaml --set recipe.learning_rate=1e-4 --output runs/faster",
            "gemmascope train --site resid_post.3 --text corpus.jsonl --output runs/first --print-config"
        )
    {
        _file = Add(
            new Argument<string?>("recipe")
            {
                Description = "A configuration in YAML; options win over it.",
                Arity = ArgumentArity.ZeroOrOne,
            }
        );
        _options = new TrainingOptions(this);
        _print = Add(
            new Option<bool>("--print-config") { Description = "Print the whole configuration, defaults included, and do nothing." }
        );
        _restart = Add(new Option<bool>("--restart") { Description = "Begin anew where a run in the output folder could be taken up." });
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var configuration = _options.Read(arguments, arguments.GetValue(_file));
        if (arguments.GetValue(_print))
        {
            session.Terminal.Data.Write(configuration.ToYaml());
            return Application.Success;
        }
        var options = new TrainJobOptions
        {
            Configuration = configuration,
            Restart = arguments.GetValue(_restart),
            Load = new ModelLoadOptions { Arithmetic = GlobalOptions.ArithmeticOf(arguments) },
        };
        var trained = TrainingDisplay.Run(
            session,
            (progress, cancellationToken) => TrainJob.RunAsync(options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(trained));
        else
            TrainingOutput.Write(session.Terminal, trained);
        return Application.Success;
    }
}
