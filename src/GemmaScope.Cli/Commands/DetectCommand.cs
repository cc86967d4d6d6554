using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Features;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Detection of concepts by features, beside what needs no dictionary.</summary>
internal sealed class DetectCommand : GemmaScopeCommand
{
    private readonly Argument<string> _train;
    private readonly MicroscopeArguments _laboratory;
    private readonly Option<string?> _eval;
    private readonly Option<int> _context;
    private readonly Option<bool> _json;

    public DetectCommand()
        : base(
            "detect",
            "Measure how well features detect concepts in texts (AUROC), beside a difference of means, a probe and a bag of words.",
            "gemmascope detect axbench-concept10-2b_l20-train.jsonl.gz",
            "gemmascope detect train.jsonl --eval other.jsonl --json",
            "gemmascope detect axbench-concept10-2b_l20-train.jsonl.gz --model google/gemma-2-2b --sae gemma-scope-2b-pt-res-canonical/layer_20/width_16k"
        )
    {
        _train = Add(
            new Argument<string>("train")
            {
                Description = "Texts to learn from, in AxBench's form (.jsonl, .jsonl.gz): output, category, concept_id, concept_genre.",
            }
        );
        _laboratory = new MicroscopeArguments(this, DictionaryUse.Many);
        _eval = Add(
            new Option<string?>("--eval")
            {
                Description = "Texts to measure on. Default: the file of the same name with eval instead of train.",
                HelpName = "FILE",
            }
        );
        _context = Add(
            new Option<int>("--context")
            {
                Description = "Tokens of a text at most, BOS included; the beginning is kept.",
                HelpName = "N",
                DefaultValueFactory = _ => 512,
            }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        if (arguments.GetValue(_context) < 2)
            throw new ArgumentProblemException("must be at least 2: BOS and a token", "--context");
        var train = arguments.GetValue(_train)!;
        var set = ConceptSet.Load(train, arguments.GetValue(_eval) ?? EvalOf(train));
        using var laboratory = _laboratory.Open(arguments, session);
        var results = laboratory
            .Dictionaries.Select(dictionary =>
                Watching.Watch(
                    session,
                    "texts",
                    set.Train.Count + set.Eval.Count,
                    progress =>
                        ConceptDetection.Run(
                            laboratory.Model,
                            dictionary,
                            set,
                            FeatureLinks.Source(dictionary.Name, dictionary.Origin),
                            arguments.GetValue(_context),
                            progress,
                            session.Cancellation
                        )
                )
            )
            .ToArray();
        var view = new DetectionView(laboratory, set, results);
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => DetectionOutput.Write(json, view));
        else
            DetectionOutput.Write(session.Terminal, view);
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
