using System.CommandLine;
using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Features;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Text;

namespace GemmaScope.Cli.Commands;

/// <summary>Measures dictionaries over a text.</summary>
internal sealed class EvalCommand : GemmaScopeCommand
{
    /// <summary>Where an interrupted evaluation is kept that named no file for it.</summary>
    public const string DefaultState = "gemmascope-eval.safetensors";

    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(30);

    private readonly Option<string> _model = CommonOptions.Model();
    private readonly Option<string[]> _dictionaries,
        _text,
        _also;
    private readonly Option<long> _tokens;
    private readonly Option<int> _window,
        _batch;
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
            "gemmascope eval --model google/gemma-2-2b --sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71 --text texts/ --html eval.html",
            "gemmascope eval --text corpus.jsonl --tokens 1000000 --resume run.safetensors",
            "gemmascope eval --text corpus.jsonl --tokens 100000 --db features.db"
        )
    {
        Options.Add(_model);
        _dictionaries = Add(
            new Option<string[]>("--sae", "-s")
            {
                Description = "A dictionary, or a folder of which all are measured; may be repeated. Default: the demo model's.",
                HelpName = "SAE",
            }
        );
        _text = Add(
            new Option<string[]>("--text")
            {
                Description = "Text files, .jsonl or .jsonl.gz files with a 'text' in each line, or folders of them.",
                HelpName = "PATH",
                Required = true,
                AllowMultipleArgumentsPerToken = true,
            }
        );
        _tokens = Add(
            new Option<long>("--tokens")
            {
                Description = "Stop after this many tokens.",
                HelpName = "N",
                DefaultValueFactory = _ => 100_000,
            }
        );
        _window = Add(
            new Option<int>("--window")
            {
                Description = "Tokens of a window, BOS included.",
                HelpName = "N",
                DefaultValueFactory = _ => 128,
            }
        );
        _batch = Add(
            new Option<int>("--batch")
            {
                Description = "Windows run together.",
                HelpName = "N",
                DefaultValueFactory = _ => 8,
            }
        );
        _also = Add(
            new Option<string[]>("--also")
            {
                Description = "Further edited runs: splice at BOS too, or splice and ablate everywhere.",
                HelpName = "RUN",
            }.AcceptOnlyFromAmong("bos-too", "everywhere")
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
        if (arguments.GetValue(_batch) < 1 || arguments.GetValue(_tokens) < 2)
            throw new ArgumentProblemException(
                "must be at least 1 window and 2 tokens",
                arguments.GetValue(_batch) < 1 ? "--batch" : "--tokens"
            );
        var name = arguments.GetValue(_model)!;
        using var model = session.LoadModel(name);
        var dictionaries = new List<SparseDictionary>();
        try
        {
            foreach (var path in session.Dictionaries(arguments.GetValue(_dictionaries), name))
                dictionaries.Add(SparseDictionary.Load(path));
            var names = dictionaries.Select(one => one.Name).ToArray();
            if (names.Distinct().Count() < names.Length)
                names = [.. dictionaries.Select(one => one.Origin.Path)];
            using var database = arguments.GetValue(_database) is { } where ? FeatureDatabase.Open(where) : null;
            // Found out before hours of measuring.
            StoredDictionary[] stored = database is null
                ? []
                :
                [
                    .. dictionaries.Select(one =>
                        FeatureStore.Find(database, $"{FeatureLinks.ModelName(name)}/{FeatureLinks.PageName(one)}")
                    ),
                ];
            var evaluator = new Evaluator(model, dictionaries, Settings(arguments, dictionaries, names));
            Measure(evaluator, model, arguments, session, Describe(arguments, name, names));
            var view = new EvaluationView(name, names, dictionaries, evaluator.Sums);
            foreach (var (one, row) in stored.Zip(view.Rows))
                database!.SaveEvaluation(one, Evaluation(view, row.Clean, row.Spliced, arguments));
            if (arguments.GetValue(_json))
                Json.Write(session.Terminal, json => EvaluationJson.Write(json, view));
            else
                EvaluationText.Write(session.Terminal, view);
            if (arguments.GetValue(_html) is { } page)
            {
                AtomicFile.Write(page, stream => stream.Write(Encoding.UTF8.GetBytes(EvaluationPage.Render(view))), overwrite: true);
                session.Terminal.Error.WriteLine($"wrote {page}");
            }
            return Application.Success;
        }
        finally
        {
            foreach (var dictionary in dictionaries)
                dictionary.Dispose();
        }
    }

    private EvaluationOptions Settings(ParseResult arguments, List<SparseDictionary> dictionaries, string[] names)
    {
        if (arguments.GetValue(_noLosses))
            return new() { Runs = [], Uniformity = false };
        var also = arguments.GetValue(_also) ?? [];
        SplicedRun[] runs =
        [
            SplicedRun.Spliced,
            SplicedRun.ZeroAblated,
            .. also.Contains("bos-too") ? (SplicedRun[])[SplicedRun.SplicedBosToo] : [],
            .. also.Contains("everywhere") ? (SplicedRun[])[SplicedRun.SplicedEverywhere, SplicedRun.ZeroAblatedEverywhere] : [],
        ];
        int[] fitting = [.. Enumerable.Range(0, dictionaries.Count).Where(i => Evaluator.CanSplice(dictionaries[i]))];
        var sets = fitting.Select(i => new SpliceSet(names[i], [i]));
        // One of several layers is in all of its sites already; on top of others it would only hide them.
        int[] together = arguments.GetValue(_spliceAll) ? [.. fitting.Where(i => dictionaries[i].OutputSites.Count == 1)] : [];
        return new() { Runs = runs, Sets = [.. together.Length > 1 ? sets.Append(new SpliceSet("all together", together)) : sets] };
    }

    private StoredEvaluation Evaluation(
        EvaluationView view,
        DictionaryEvaluation clean,
        SpliceEvaluation? spliced,
        ParseResult arguments
    ) =>
        new(StoredEvaluation.Eval, string.Join(", ", arguments.GetValue(_text)!.Select(Path.GetFileName)), clean.Reconstruction.Rows)
        {
            L0 = clean.Sparsity.L0,
            Fvu = clean.Reconstruction.Fvu,
            Cosine = clean.Reconstruction.CosineSimilarity,
            CleanLoss = spliced is null ? null : view.Clean.CrossEntropy(),
            DeltaLoss = spliced is null ? null : view.DeltaLoss(spliced),
            LossRecovered = spliced is null ? null : view.LossRecovered(spliced),
        };

    /// <summary>What must be the same for an evaluation to go on.</summary>
    private Dictionary<string, string> Describe(ParseResult arguments, string model, string[] names) =>
        new()
        {
            ["model"] = model,
            ["dictionaries"] = string.Join('\n', names),
            ["text"] = string.Join('\n', arguments.GetValue(_text)!),
            ["window"] = $"{arguments.GetValue(_window)}",
            ["runs"] = string.Join(
                ' ',
                [.. (arguments.GetValue(_also) ?? []).Order(), $"{arguments.GetValue(_spliceAll)}", $"{arguments.GetValue(_noLosses)}"]
            ),
        };

    private void Measure(
        Evaluator evaluator,
        GemmaModel model,
        ParseResult arguments,
        Session session,
        Dictionary<string, string> description
    )
    {
        var (state, window, budget) = (arguments.GetValue(_resume), arguments.GetValue(_window), arguments.GetValue(_tokens));
        if (state is not null && File.Exists(state))
            evaluator.Restore(state, saved => RequireSame(saved, description, state));
        var done = evaluator.Sums.Tokens;
        var progress = new RateDisplay(session.Terminal, "tokens", done, budget);
        var saved = DateTime.UtcNow;
        try
        {
            foreach (
                var windows in TextWindows
                    .Remaining(model.Tokenizer, arguments.GetValue(_text)!, window, done, budget)
                    .Chunk(arguments.GetValue(_batch))
            )
            {
                var counted = windows.Select(ids => CountedPositions.Of(ids, model.Tokenizer)).ToArray();
                evaluator.Add(new EvaluationBatch(windows, counted, model.Tokenizer.BosId), session.Cancellation);
                progress.Report(evaluator.Sums.Tokens);
                if (state is null || DateTime.UtcNow - saved < SaveEvery)
                    continue;
                evaluator.Save(state, description);
                saved = DateTime.UtcNow;
            }
        }
        catch (OperationCanceledException) when (evaluator.Sums.Tokens > 0)
        {
            var file = state ?? DefaultState;
            evaluator.Save(file, description);
            progress.End();
            session.Terminal.Error.WriteLine($"{evaluator.Sums.Tokens} tokens are kept; go on with --resume {file}");
            throw;
        }
        progress.End();
        if (state is not null)
            evaluator.Save(state, description);
        if (evaluator.Sums.Tokens == 0)
            throw new ArgumentProblemException("holds no text to measure on", "--text");
    }

    private static void RequireSame(IReadOnlyDictionary<string, string> saved, Dictionary<string, string> description, string file)
    {
        foreach (var (key, value) in description)
            if (saved.GetValueOrDefault(key) != value)
                throw new ArgumentProblemException(
                    $"is the state of an evaluation with another {key} ({saved.GetValueOrDefault(key)?.ReplaceLineEndings(", ") ?? "none"}); give the same, or another file",
                    file
                );
    }
}
