using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Measures dictionaries against known features.</summary>
internal sealed class SynthScoreCommand : GemmaScopeCommand
{
    private readonly Argument<string[]> _dictionaries;
    private readonly Option<string> _model;
    private readonly Option<long> _rows,
        _seed;
    private readonly Option<double?> _leaveOneOut;
    private readonly Option<bool> _json;

    public SynthScoreCommand()
        : base(
            "score",
            "Measure which of the known features dictionaries found, and how well they fire with them.",
            "gemmascope synth score runs/known --model known.safetensors",
            "gemmascope synth score runs/a runs/b --model known.safetensors --rows 100000 --json",
            "gemmascope synth score runs/known --model known.safetensors --leave-one-out 1.5"
        )
    {
        _dictionaries = Add(
            new Argument<string[]>("dictionaries") { Description = "Dictionaries trained on it.", Arity = ArgumentArity.OneOrMore }
        );
        _model = Add(
            new Option<string>("--model", "-m")
            {
                Description = "The model's file.",
                HelpName = "FILE",
                Required = true,
            }
        );
        _rows = Add(
            new Option<long>("--rows")
            {
                Description = "Rows to measure on; with few, rare features never fire and count as missed.",
                HelpName = "N",
                DefaultValueFactory = _ => 500_000,
            }
        );
        _seed = Add(new Option<long>("--seed") { Description = "Decides the rows.", HelpName = "N" });
        _leaveOneOut = Add(
            new Option<double?>("--leave-one-out")
            {
                Description =
                    "Keep only features whose direction the row still has by more than this without what the others contribute. "
                    + "Default: keep all.",
                HelpName = "TAU",
            }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new GroundTruthJobOptions
        {
            Dictionaries = arguments.GetValue(_dictionaries)!,
            Model = arguments.GetValue(_model)!,
            Rows = arguments.GetValue(_rows),
            Seed = arguments.GetValue(_seed),
            LeaveOneOut = arguments.GetValue(_leaveOneOut),
        };
        var result = session.Run((progress, cancellationToken) => GroundTruthJob.RunAsync(options, progress, cancellationToken));
        if (arguments.GetValue(_json))
        {
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
            return Application.Success;
        }
        var table = new DataTable([
            "dictionary",
            .. "L0 F1 MCC unique precision recall explained shrinkage dead".Split(' ').Select(name => new Column(name, true)),
        ]);
        foreach (var (path, width, _, scores) in result.Dictionaries)
            table.Add(
                path,
                $"{scores.L0:0.0}",
                $"{scores.F1:0.000}",
                $"{scores.Mcc:0.000}",
                $"{scores.Uniqueness:0.000}",
                $"{scores.Precision:0.000}",
                $"{scores.Recall:0.000}",
                $"{scores.ExplainedVariance:0.000}",
                $"{scores.Shrinkage:0.000}",
                $"{scores.Dead} of {width}"
            );
        table.Write(session.Terminal);
        var any = result.Dictionaries[0].Scores;
        session.Terminal.Out.WriteLine($"{any.Rows} rows with {any.TrueL0:0.0} of {any.Features} true features each");
        return Application.Success;
    }
}
