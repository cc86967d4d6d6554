using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Makes the dashboards of dictionaries over a text and writes them into a database.</summary>
internal sealed class BuildFeaturesCommand : GemmaScopeCommand
{
    private const int FeaturesPerTransaction = 128;

    private readonly Option<string> _model = CommonOptions.Model(),
        _database = FeatureStore.Option();
    private readonly Option<string[]> _dictionaries,
        _text;
    private readonly Option<long> _tokens;
    private readonly Option<int> _window,
        _batch,
        _seed,
        _memory;
    private readonly Option<bool> _noNeurons;
    private readonly Option<string?> _work;

    public BuildFeaturesCommand()
        : base(
            "build",
            "Build the dashboards of all features of dictionaries over a text. Interrupted, the same command goes on.",
            "gemmascope features build --text corpus.jsonl --tokens 20000 --db features.db",
            "gemmascope features build --model google/gemma-2-2b --sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71 --text texts/ --tokens 10000000 --db gemma.db"
        )
    {
        Options.Add(_model);
        _dictionaries = Add(
            new Option<string[]>("--sae", "-s", "--dict")
            {
                Description = "A dictionary, or a folder of which all are built; may be repeated. Default: the demo model's.",
                HelpName = "SAE",
            }
        );
        _text = Add(
            new Option<string[]>("--text")
            {
                Description = "Text files, .jsonl files with a 'text' in each line, or folders of them.",
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
        _seed = Add(new Option<int>("--seed") { Description = "Decides which examples are drawn from the intervals.", HelpName = "N" });
        _memory = Add(
            new Option<int>("--pair-memory")
            {
                Description = "MiB for pairs of features; less memory means more readings of the activations.",
                HelpName = "MIB",
                DefaultValueFactory = _ => 512,
            }
        );
        _noNeurons = Add(
            new Option<bool>("--no-neurons")
            {
                Description = "Without correlations with the input's coordinates, which need 8 bytes times features times input width.",
            }
        );
        _work = Add(
            new Option<string?>("--work")
            {
                Description =
                    "Where activations are kept meanwhile: 8 bytes for each active feature of each token. Default: beside the database.",
                HelpName = "DIR",
            }
        );
        Options.Add(_database);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        foreach (var (option, least) in (ReadOnlySpan<(Option<int>, int)>)[(_batch, 1), (_memory, 1)])
            if (arguments.GetValue(option) < least)
                throw new ArgumentProblemException($"must be at least {least}", option.Name);
        if (arguments.GetValue(_tokens) < 2)
            throw new ArgumentProblemException("must be at least 2", "--tokens");
        TextDocuments.Check(arguments.GetValue(_text)!);
        var (name, where) = (arguments.GetValue(_model)!, arguments.GetValue(_database)!);
        using var model = session.LoadModel(name);
        var dictionaries = new List<SparseDictionary>();
        try
        {
            foreach (var path in session.Dictionaries(arguments.GetValue(_dictionaries), name))
                dictionaries.Add(SparseDictionary.Load(path));
            using var database = FeatureDatabase.Open(where, create: true);
            var work = arguments.GetValue(_work) ?? (where.Contains("://", StringComparison.Ordinal) ? "features.work" : where + ".work");
            using (
                var statistics = new FeatureStatistics(
                    model,
                    dictionaries,
                    work,
                    Settings(arguments),
                    Describe(arguments, name, dictionaries)
                )
            )
            {
                ReadText(statistics, model, arguments, session);
                for (var d = 0; d < dictionaries.Count; d++)
                    Write(database, statistics, d, dictionaries[d], model, arguments, session);
            }
            // All is in the database.
            Directory.Delete(work, recursive: true);
            return Application.Success;
        }
        finally
        {
            foreach (var dictionary in dictionaries)
                dictionary.Dispose();
        }
    }

    private FeatureStatisticsOptions Settings(ParseResult arguments) =>
        new()
        {
            Seed = arguments.GetValue(_seed),
            Neurons = !arguments.GetValue(_noNeurons),
            PairBytes = (long)arguments.GetValue(_memory) << 20,
        };

    /// <summary>What must be the same for kept activations to be gone on with.</summary>
    private Dictionary<string, string> Describe(ParseResult arguments, string model, List<SparseDictionary> dictionaries) =>
        new()
        {
            ["model"] = model,
            ["dictionaries"] = string.Join('\n', dictionaries.Select(one => one.Origin.Path)),
            ["text"] = string.Join('\n', arguments.GetValue(_text)!),
            ["window"] = $"{arguments.GetValue(_window)}",
        };

    private void ReadText(FeatureStatistics statistics, GemmaModel model, ParseResult arguments, Session session)
    {
        var (window, budget, done) = (arguments.GetValue(_window), arguments.GetValue(_tokens), statistics.Tokens);
        if (done > 0)
            session.Terminal.Error.WriteLine($"going on after {done} tokens");
        var progress = new RateDisplay(session.Terminal, "tokens", done, budget);
        try
        {
            foreach (
                var windows in TextWindows
                    .Remaining(model.Tokenizer, arguments.GetValue(_text)!, window, done, budget)
                    .Chunk(arguments.GetValue(_batch))
            )
            {
                var counted = windows.Select(ids => CountedPositions.Of(ids, model.Tokenizer)).ToArray();
                statistics.Add(new EvaluationBatch(windows, counted, model.Tokenizer.BosId), session.Cancellation);
                progress.Report(statistics.Tokens);
            }
            statistics.Save();
        }
        catch (OperationCanceledException)
        {
            statistics.Save();
            progress.End();
            session.Terminal.Error.WriteLine($"{statistics.Tokens} tokens are kept; the same command goes on");
            throw;
        }
        progress.End();
        if (statistics.Tokens == 0)
            throw new ArgumentProblemException("holds no text to make statistics of", "--text");
    }

    private void Write(
        IFeatureDatabase database,
        FeatureStatistics statistics,
        int index,
        SparseDictionary dictionary,
        GemmaModel model,
        ParseResult arguments,
        Session session
    )
    {
        var (description, name) = (MadeOf(arguments, statistics), FeatureLinks.PageName(dictionary));
        var stored = database.Begin(Source(dictionary, model, statistics, arguments), name, dictionary.Width, description);
        if (!stored.IsComplete)
        {
            var progress = new StepDisplay(session.Terminal, name);
            foreach (
                var features in statistics.Dashboards(index, stored.Features, progress, session.Cancellation).Chunk(FeaturesPerTransaction)
            )
                database.Write(stored, [.. features.Select(one => new LabelledDashboard(one, []))]);
            database.Complete(stored);
            progress.End();
        }
        foreach (var evaluation in Evaluations(dictionary, statistics.Quality(index), arguments))
            database.SaveEvaluation(stored, evaluation);
        session.Terminal.Out.WriteLine(
            $"{stored.Model}/{name}: {dictionary.Width} features over {statistics.Corpus.Counted} of {statistics.Corpus.Positions} tokens"
        );
    }

    /// <summary>How well it does over this text, and what its training said.</summary>
    private IEnumerable<StoredEvaluation> Evaluations(SparseDictionary dictionary, DictionaryQuality quality, ParseResult arguments)
    {
        yield return new(StoredEvaluation.Build, TextName(arguments), quality.Tokens)
        {
            L0 = quality.L0,
            Fvu = quality.Fvu,
            Cosine = quality.CosineSimilarity,
        };
        var folder = File.Exists(dictionary.Origin.Path) ? Path.GetDirectoryName(dictionary.Origin.Path)! : dictionary.Origin.Path;
        if (TrainingScores.Read(folder) is { } scores)
            yield return new(StoredEvaluation.Training, scores.MeasuredOn, scores.Tokens)
            {
                HeldOut = scores.HeldOut,
                L0 = scores.L0,
                Fvu = scores.Fvu,
                Cosine = scores.Cosine,
                CleanLoss = scores.CleanLoss,
                DeltaLoss = scores.DeltaLoss,
                LossRecovered = scores.LossRecovered,
            };
    }

    private string TextName(ParseResult arguments) => string.Join(", ", arguments.GetValue(_text)!.Select(Path.GetFileName));

    /// <summary>The same text in the database means the same pages.</summary>
    private string MadeOf(ParseResult arguments, FeatureStatistics statistics) =>
        $"{string.Join(", ", arguments.GetValue(_text)!)}; windows of {arguments.GetValue(_window)}; {statistics.Corpus}; seed {arguments.GetValue(_seed)}{(arguments.GetValue(_noNeurons) ? "; no neurons" : "")}";

    private DashboardSource Source(SparseDictionary dictionary, GemmaModel model, FeatureStatistics statistics, ParseResult arguments)
    {
        var (tokenizer, name) = (model.Tokenizer, FeatureLinks.PageName(dictionary));
        var layer = dictionary.InputSite.Layer ?? 0;
        return new DashboardSource
        {
            Model = FeatureLinks.ModelName(arguments.GetValue(_model)!),
            Set = name.StartsWith($"{layer}-", StringComparison.Ordinal) ? name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..] : name,
            Layer = layer,
            Hook = dictionary.InputSite.TransformerLensName,
            Corpus = statistics.Corpus,
            CorpusId = MadeOf(arguments, statistics),
            Text = TextName(arguments),
            Pieces = [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Piece)],
            Bos = tokenizer.BosId,
            Pad = tokenizer.PadId,
        };
    }
}
