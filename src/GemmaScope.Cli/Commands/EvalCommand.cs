using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Workbench;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Cli.Commands;

/// <summary>Measures dictionaries over a text, or what another form of their model does to features.</summary>
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
        _database,
        _against;
    private readonly Option<int> _top;

    public EvalCommand()
        : base(
            "eval",
            "Measure how well dictionaries do over a text: sparsity, reconstruction, and what splicing them in costs the model.",
            "gemmascope eval --text story.txt",
            "gemmascope eval --text corpus.jsonl --tokens 20000 --json",
            "gemmascope eval --model google/gemma-2-2b --sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71 "
                + "--text texts/ --html eval.html",
            "gemmascope eval --text corpus.jsonl --tokens 1000000 --resume run.safetensors",
            "gemmascope eval --text corpus.jsonl --tokens 100000 --db features.db",
            "gemmascope eval --model google/gemma-2-2b --sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71 "
                + "--against gemma-2-2b-Q4_K_M.gguf --text corpus.jsonl --tokens 20000"
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
        _against = Add(
            new Option<string?>("--against")
            {
                Description =
                    "Run this form of the model (quantised, tuned) over the same tokens, and measure what it does to logits, "
                    + "the residual stream and features instead.",
                HelpName = "MODEL2",
            }
        );
        _top = Add(CommonOptions.Number("--top", "K", "With --against: strongest features of a token that are compared.", 10));
        _html = Add(CommonOptions.OutputFile("--html", "Write the results as one self-contained page with plots."));
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session) =>
        arguments.GetValue(_against) is { } against ? RunAgainst(against, arguments, session) : RunAlone(arguments, session);

    private int RunAgainst(string against, ParseResult arguments, Session session)
    {
        foreach (var option in (Option[])[_also, _spliceAll, _resume, _database])
            if (arguments.GetResult(option) is { Implicit: false })
                throw new ArgumentProblemException($"cannot be combined with {_against.Name}", option.Name);
        var options = new EvaluateAgainstJobOptions
        {
            Against = against,
            Corpus = _text.Read(arguments),
            Top = arguments.GetValue(_top),
            Losses = !arguments.GetValue(_noLosses),
            Load = _microscope.Read(arguments).Load,
        };
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => EvaluateAgainstJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            EvaluateAgainstText.Write(session.Terminal, result);
        return WritePage(arguments, session, () => EvaluateAgainstPage.Render(result));
    }

    private int RunAlone(ParseResult arguments, Session session)
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
        return WritePage(arguments, session, () => EvaluatePage.Render(result));
    }

    private int WritePage(ParseResult arguments, Session session, Func<Markup> render)
    {
        if (arguments.GetValue(_html) is { } page)
        {
            render().Save(page);
            session.Terminal.Error.WriteLine($"wrote {page}");
        }
        return Application.Success;
    }

    private static SplicedRun[] Runs(string word) =>
        word == BosToo ? [SplicedRun.SplicedBosToo] : [SplicedRun.SplicedEverywhere, SplicedRun.ZeroAblatedEverywhere];
}
