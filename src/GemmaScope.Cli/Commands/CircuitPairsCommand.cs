using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Finds the features that decide between two answers, and proves them on other prompts.</summary>
internal sealed class CircuitPairsCommand : GemmaScopeCommand
{
    private static readonly CircuitPairsJobOptions Defaults = new() { Pairs = [] };

    private readonly Argument<string> _pairs;
    private readonly TranscoderArguments _transcoders;
    private readonly Option<int> _most,
        _top,
        _draws,
        _seed,
        _budget;
    private readonly Option<string?> _database;
    private readonly Option<bool> _json;

    public CircuitPairsCommand()
        : base(
            "pairs",
            "Find the features that decide between two answers, over many pairs of prompts, and turn them off on prompts kept apart.",
            "gemmascope circuit pairs agreement.jsonl",
            "gemmascope circuit pairs agreement.jsonl --most 100 --top 20 --json"
        )
    {
        _pairs = Add(
            new Argument<string>("pairs")
            {
                Description =
                    "JSON lines: prompt, other, answer, wrong and perhaps case; or clean_prefix, patch_prefix, clean_answer, patch_answer.",
            }
        );
        _transcoders = new TranscoderArguments(this);
        _most = Add(CommonOptions.Number("--most", "N", "Pairs of a case at most; of more a random choice.", Defaults.Most));
        _top = Add(CommonOptions.Number("--top", "N", "Features of each case.", Defaults.Top));
        _draws = Add(CommonOptions.Number("--draws", "N", "Draws of random features for each test.", Defaults.Draws));
        _seed = Add(CommonOptions.Number("--seed", "N", "Seed of the split and the draws.", Defaults.Seed));
        _budget = Add(CommonOptions.Number("--budget", "N", "Features in a graph at most, by their influence.", Defaults.Circuit.Budget));
        _database = Add(KnownFeatureOptions.Database());
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new CircuitPairsJobOptions
        {
            Pairs = MinimalPair.Load(arguments.GetValue(_pairs)!),
            Circuit = Defaults.Circuit with
            {
                Transcoders = _transcoders.Names(arguments),
                Site = _transcoders.Site(arguments),
                Budget = arguments.GetValue(_budget),
            },
            Most = arguments.GetValue(_most),
            Top = arguments.GetValue(_top),
            Draws = arguments.GetValue(_draws),
            Seed = arguments.GetValue(_seed),
        };
        options.Check();
        using var microscope = _transcoders.Open(arguments, session);
        using var known = KnownFeatureOptions.Open(arguments.GetValue(_database), microscope, options.Circuit.Transcoders);
        options = options with { Circuit = options.Circuit with { Known = known } };
        var result = session.Run(
            (progress, cancellationToken) => CircuitPairsJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            CircuitStudyText.Write(session.Terminal, result);
        return Application.Success;
    }
}
