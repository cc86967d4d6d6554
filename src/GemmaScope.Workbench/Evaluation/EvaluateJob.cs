using System.Diagnostics;
using GemmaScope.Evaluation;
using GemmaScope.Features;
using GemmaScope.Store;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="EvaluateJob"/> does.</summary>
public sealed record EvaluateJobOptions
{
    /// <summary>The text, and how much of it is read.</summary>
    public required TextBatches Corpus { get; init; }

    /// <summary>Edited runs beside the spliced and the zero-ablated one, each of which costs a run of the model.</summary>
    public IReadOnlyList<SplicedRun> Also { get; init; } = [];

    /// <summary>Whether all dictionaries of one site are spliced in at once too.</summary>
    public bool SpliceAll { get; init; }

    /// <summary>Whether losses are measured; without them one run serves all dictionaries, with no splicing and no gradients.</summary>
    public bool Losses { get; init; } = true;

    /// <summary>The file of a state: it is gone on from where it exists, and kept there. Null for none.</summary>
    public string? Resume { get; init; }

    /// <summary>A database that has the dictionaries and gets the results too: a file or postgres://…; null for none.</summary>
    public string? Database { get; init; }

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="GemmaScopeException">A number is too small, or a file does not exist.</exception>
    public void Check()
    {
        Corpus.Check();
        if (Also.Contains(SplicedRun.MeanAblated))
            throw new ArgumentProblemException("the means are not known, so that they cannot stand in place", new Setting(nameof(Also)));
    }
}

/// <summary>Measures dictionaries over a text: sparsity, reconstruction, and what splicing them in costs the model.</summary>
public static class EvaluateJob
{
    /// <summary>Where an evaluation that was broken off is kept when no file is named for it.</summary>
    public const string DefaultState = "gemmascope-eval.safetensors";

    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(30);

    /// <summary>Measures all dictionaries of a microscope in one pass. Broken off, it keeps what it has and says how to go on.</summary>
    /// <param name="microscope">Model and dictionaries.</param>
    /// <param name="options">The text, and what is measured.</param>
    /// <param name="progress">Told how many tokens are done.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    /// <exception cref="GemmaScopeException">An option cannot be, the text cannot be read, the state is of another evaluation, or the
    /// database does not have a dictionary.</exception>
    public static Task<EvaluateResult> RunAsync(
        Microscope microscope,
        EvaluateJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        // It begins in any case, so that it can say what is kept.
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), CancellationToken.None);
    }

    private static EvaluateResult Run(
        Microscope microscope,
        EvaluateJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        using var database = options.Database is { } where ? FeatureDatabase.Open(where) : null;
        // Found out before hours of measuring.
        StoredDictionary[] stored = database is null
            ? []
            : [.. microscope.Dictionaries.Select(one => database.Find(microscope.StoredName(one)))];
        var evaluator = new Evaluator(microscope.Model, microscope.Dictionaries, Settings(microscope, options));
        var skipped = new SkippedRows();
        Measure(evaluator, microscope, options, skipped, progress, cancellationToken);
        var result = new EvaluateResult(microscope, evaluator.Sums, skipped.Count);
        foreach (var (dictionary, found) in stored.Zip(result.Dictionaries))
            database!.SaveEvaluation(dictionary, Stored(result, found, options.Corpus.Name));
        return result;
    }

    private static EvaluationOptions Settings(Microscope microscope, EvaluateJobOptions options)
    {
        if (!options.Losses)
            return new() { Runs = [], Uniformity = false };
        var (dictionaries, names) = (microscope.Dictionaries, microscope.DictionaryNames);
        SplicedRun[] runs = [.. new[] { SplicedRun.Spliced, SplicedRun.ZeroAblated }.Union(options.Also.Order())];
        int[] fitting = [.. Enumerable.Range(0, dictionaries.Count).Where(i => Evaluator.CanSplice(dictionaries[i]))];
        var sets = fitting.Select(i => new SpliceSet(names[i], [i]));
        // One of several layers is in all of its sites already; on top of others it would only hide them.
        int[] together = options.SpliceAll ? [.. fitting.Where(i => dictionaries[i].OutputSites.Count == 1)] : [];
        return new() { Runs = runs, Sets = [.. together.Length > 1 ? sets.Append(new SpliceSet("all together", together)) : sets] };
    }

    private static void Measure(
        Evaluator evaluator,
        Microscope microscope,
        EvaluateJobOptions options,
        SkippedRows skipped,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (state, description) = (options.Resume, Describe(microscope, options));
        if (state is not null && File.Exists(state))
            evaluator.Restore(state, saved => RequireSame(saved, description, state));
        var (saved, isCut) = (Stopwatch.GetTimestamp(), false);
        try
        {
            var model = microscope.Model;
            var batches = options.Corpus.Read(
                model.Tokenizer,
                evaluator.Sums.Tokens,
                progress,
                () => model.ChatTemplate,
                skipped,
                beforeCut: () =>
                {
                    // The state is of whole windows, so that more tokens can be measured later.
                    if (state is not null && evaluator.Sums.Tokens > 0)
                        evaluator.Save(state, description);
                    isCut = true;
                }
            );
            foreach (var batch in batches)
            {
                evaluator.Add(batch, cancellationToken);
                if (state is null || isCut || Stopwatch.GetElapsedTime(saved) < SaveEvery)
                    continue;
                evaluator.Save(state, description);
                saved = Stopwatch.GetTimestamp();
            }
        }
        catch (OperationCanceledException) when (evaluator.Sums.Tokens > 0)
        {
            var file = state ?? DefaultState;
            evaluator.Save(file, description);
            progress.Note(
                $"{evaluator.Sums.Tokens} tokens are kept",
                new Remedy($"go on with {new Setting(nameof(EvaluateJobOptions.Resume), file)}")
            );
            throw;
        }
        if (state is not null && !isCut)
            evaluator.Save(state, description);
    }

    /// <summary>What must be the same for an evaluation to go on.</summary>
    private static Dictionary<string, string> Describe(Microscope microscope, EvaluateJobOptions options) =>
        new()
        {
            ["model"] = microscope.ModelName,
            ["dictionaries"] = string.Join('\n', microscope.DictionaryNames),
            ["text"] = options.Corpus.Description,
            ["window"] = $"{options.Corpus.Window}",
            ["runs"] = string.Join(
                ' ',
                [.. options.Also.Order().Distinct().Select(run => $"{run}"), $"{options.SpliceAll}", $"{!options.Losses}"]
            ),
        };

    private static void RequireSame(IReadOnlyDictionary<string, string> saved, Dictionary<string, string> description, string file)
    {
        foreach (var (key, value) in description)
            if (saved.GetValueOrDefault(key) != value)
                throw new ArgumentProblemException(
                    $"is the state of an evaluation with another {key} "
                        + $"({saved.GetValueOrDefault(key)?.ReplaceLineEndings(", ") ?? "none"}); give the same, or another file",
                    file
                );
    }

    private static StoredEvaluation Stored(EvaluateResult result, EvaluatedDictionary found, string text) =>
        new(StoredEvaluation.Eval, text, result.CountedTokens)
        {
            L0 = found.L0,
            Fvu = found.Fvu,
            Cosine = found.Cosine,
            CleanLoss = found.DeltaLoss is null ? null : result.CeClean,
            DeltaLoss = found.DeltaLoss,
            LossRecovered = found.LossRecovered,
        };
}
