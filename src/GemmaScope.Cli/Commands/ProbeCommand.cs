using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>k-sparse probing with its baselines, on labelled texts.</summary>
internal sealed class ProbeCommand : GemmaScopeCommand
{
    private static readonly ProbeJobOptions Defaults = new() { Sets = [] };

    private readonly Argument<string[]> _data;
    private readonly MicroscopeArguments _microscope;
    private readonly Option<int[]> _sizes;
    private readonly Option<int> _seed,
        _context,
        _train,
        _test;
    private readonly Option<bool> _json;

    public ProbeCommand()
        : base(
            "probe",
            "Tell classes of texts apart by a few features (k-sparse probing), beside a dense probe and other baselines.",
            "gemmascope probe facts_true_false.csv",
            "gemmascope probe emotion-anger.json emotion-fear.json emotion-happiness.json emotion-sadness.json --json",
            "gemmascope probe traits.jsonl.gz --sae demo-sae -k 1 -k 10 --seed 7"
        )
    {
        _data = Add(
            new Argument<string[]>("data")
            {
                Description =
                    "Labelled texts: .csv (prompt or text, target or label), .jsonl (text, label), "
                    + "or .json lists of texts, one file a class.",
                Arity = ArgumentArity.OneOrMore,
            }
        );
        _microscope = new MicroscopeArguments(this, DictionaryUse.Many);
        _sizes = Add(
            new Option<int[]>("--latents", "-k")
            {
                Description = "Latents of a probe; may be repeated.",
                HelpName = "K",
                DefaultValueFactory = _ => [.. Defaults.Latents],
            }
        );
        _seed = Add(new Option<int>("--seed") { Description = "Decides which rows are tested.", HelpName = "N" });
        _context = Add(
            CommonOptions.Number("--context", "N", "Tokens of a text at most, BOS included; the beginning is kept.", Defaults.Context)
        );
        _train = Add(CommonOptions.Number("--train", "N", "Training rows of a set at most.", Defaults.Train));
        _test = Add(CommonOptions.Number("--test", "N", "Test rows of a set at most.", Defaults.Test));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = Defaults with
        {
            Latents = arguments.GetValue(_sizes)!,
            Seed = arguments.GetValue(_seed),
            Context = arguments.GetValue(_context),
            Train = arguments.GetValue(_train),
            Test = arguments.GetValue(_test),
        };
        options.Check();
        options = options with { Sets = LabelledSet.Load(arguments.GetValue(_data)!) };
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, cancellationToken) => ProbeJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            ProbeText.Write(session.Terminal, result);
        return Application.Success;
    }
}
