using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Measures dictionaries over a text.</summary>
internal sealed class EvalCommand : GemmaScopeCommand
{
    private const string BosToo = "bos-too",
        Everywhere = "everywhere";

    private readonly MicroscopeArguments _microscope;
    private readonly TextBatchArguments _text;
    private readonly Option<string[]> _also;
    private readonly Option<bool> _spliceAll,
        _noLosses,
        _json;
    private readonly Option<string?> _html,
        _resume,
        _database;

    public EvalCommand()
        : base(
            "eval",
            "Measure how well dictionaries do over a text: sparsity, reconstruction, and what splicing them in costs the model.",
            "gemmascope eval --text story.txt",
            "gemmascope eval --text corpus.jsonl --tokens 20000 --json",
            "gemmascope eval --model google/gemma-2-2b --sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71 "
                + "--text texts/ --html eval.html",
            "gemmascope eval --text corpus.jsonl --tokens 1000000 --resume run.safetensors",
            "gemmascope eval --text corpus.jsonl --tokens 100000 --db features.db"
        )
    {
        _microscope = new MicroscopeArguments(this, DictionaryUse.Many);
        _text = new TextBatchArguments(this);
        _also = Add(
            new Option<string[]>("--also")
            {
                Description = "Further edited runs: splice at BOS too, or splice and ablate everywhere.",
                HelpName = "RUN",
            }.AcceptOnlyFromAmong(BosToo, Everywhere)
        );
        _spliceAll = Add(new Option<bool>("--splice-all") { Description = "Measure all dictionaries of one site spliced in at once too." });
        _noLosses = Add(new Option<bool>("--no-losses") { Description = "One run for all dictionaries: no splicing and no gradients." });
        _resume = Add(
            new Option<string?>("--resume")
            {
                Description = "Go on from this file where it exists, and keep the state there.",
                HelpName = "STATE",
            }
        );
        _database = Add(
            new Option<string?>("--db")
            {
                Description = "Write the results into this database too, for the pages of its dictionaries.",
                HelpName = "DB",
            }
        );
        _html = Add(CommonOptions.OutputFile("--html", "Write the results as one self-contained page with plots."));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new EvaluateJobOptions
        {
            Corpus = _text.Read(arguments),
            Also = [.. (arguments.GetValue(_also) ?? []).SelectMany(Runs)],
            SpliceAll = arguments.GetValue(_spliceAll),
            Losses = !arguments.GetValue(_noLosses),
            Resume = arguments.GetValue(_resume),
            Database = arguments.GetValue(_database),
        };
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, cancellationToken) => EvaluateJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            EvaluateText.Write(session.Terminal, result);
        if (arguments.GetValue(_html) is { } page)
        {
            EvaluatePage.Render(result).Save(page);
            session.Terminal.Error.WriteLine($"wrote {page}");
        }
        return Application.Success;
    }

    private static SplicedRun[] Runs(string word) =>
        word == BosToo ? [SplicedRun.SplicedBosToo] : [SplicedRun.SplicedEverywhere, SplicedRun.ZeroAblatedEverywhere];
}
