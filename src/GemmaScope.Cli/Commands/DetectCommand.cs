using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Detection of concepts by features, beside what needs no dictionary.</summary>
internal sealed class DetectCommand : GemmaScopeCommand
{
    private static readonly DetectJobOptions Defaults = new() { Set = new([], [], []) };

    private readonly Argument<string> _train;
    private readonly MicroscopeArguments _microscope;
    private readonly Option<string?> _eval;
    private readonly Option<int> _context;
    private readonly Option<bool> _json;

    public DetectCommand()
        : base(
            "detect",
            "Measure how well features detect concepts in texts (AUROC), beside a difference of means, a probe and a bag of words.",
            "gemmascope detect axbench-concept10-2b_l20-train.jsonl.gz",
            "gemmascope detect train.jsonl --eval other.jsonl --json",
            "gemmascope detect axbench-concept10-2b_l20-train.jsonl.gz --model google/gemma-2-2b "
                + "--sae gemma-scope-2b-pt-res-canonical/layer_20/width_16k"
        )
    {
        _train = Add(
            new Argument<string>("train")
            {
                Description = "Texts to learn from, in AxBench's form (.jsonl, .jsonl.gz): output, category, concept_id, concept_genre.",
            }
        );
        _microscope = new MicroscopeArguments(this, DictionaryUse.Many);
        _eval = Add(
            new Option<string?>("--eval")
            {
                Description = "Texts to measure on. Default: the file of the same name with eval instead of train.",
                HelpName = "FILE",
            }
        );
        _context = Add(
            CommonOptions.Number("--context", "N", "Tokens of a text at most, BOS included; the beginning is kept.", Defaults.Context)
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var train = arguments.GetValue(_train)!;
        var options = Defaults with { Context = arguments.GetValue(_context) };
        options.Check();
        options = options with { Set = ConceptSet.Load(train, arguments.GetValue(_eval) ?? EvalOf(train)) };
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, cancellationToken) => DetectJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            DetectText.Write(session.Terminal, result);
        return Application.Success;
    }

    private static string EvalOf(string train)
    {
        var name = Path.GetFileName(train);
        var at = name.LastIndexOf("train", StringComparison.Ordinal);
        return at < 0
            ? throw new ArgumentProblemException(
                "is needed: the name of the training file does not say how that of the other is called",
                "--eval"
            )
            : Path.Combine(Path.GetDirectoryName(train)!, $"{name[..at]}eval{name[(at + "train".Length)..]}");
    }
}
