using GemmaScope.Activations;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Text;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>Measures what was trained: on text with the model's losses, where there is both, else on activations.</summary>
internal static class TrainingMeasurement
{
    private const int WindowsPerRun = 8;
    private const double Dense = 0.1;

    /// <summary>Measures dictionaries that were trained together; those of a text in one pass.</summary>
    /// <param name="dictionaries">The dictionaries.</param>
    /// <param name="configurations">How each was trained; they share data and evaluation.</param>
    /// <param name="source">The data they were trained on, where the run left it.</param>
    /// <param name="model">The model, needed where losses are measured.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public static IReadOnlyList<TrainingScores> Measure(
        IReadOnlyList<SparseDictionary> dictionaries,
        IReadOnlyList<TrainingConfiguration> configurations,
        IActivationSource source,
        GemmaModel? model,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (settings, place) = (configurations[0].Evaluation, source.Position);
        if (settings.Tokens == 0)
            return [.. dictionaries.Select(_ => new TrainingScores { MeasuredOn = "nothing" })];
        var (text, rows) = (model is null ? null : MeasuredText.Of(configurations[0], model), new TrainingScores[dictionaries.Count]);
        // One map for all dictionaries that read and write the same sites.
        var maps = new Dictionary<(Site, Site), AffineMap?>();
        try
        {
            var counting = progress.Counting("measuring on activations", "dictionaries", rows.Length);
            for (var i = 0; i < rows.Length; i++)
            {
                rows[i] =
                    text is not null && !HasAffine(configurations[i])
                        ? new() { MeasuredOn = "" }
                        : OnRows(dictionaries[i], configurations[i], source, place, maps, cancellationToken);
                counting?.Report(i + 1);
            }
        }
        finally
        {
            foreach (var map in maps.Values)
                map?.Dispose();
        }
        return text is not null ? OnText(dictionaries, rows, text, settings.Tokens, model!, progress, cancellationToken) : rows;
    }

    private static bool HasAffine(TrainingConfiguration configuration) =>
        configuration.Kind is DictionaryKind.Transcoder or DictionaryKind.SkipTranscoder;

    /// <summary>An affine map from the first rows of the stream, which were trained on: those measured are others.</summary>
    private static AffineMap? FitAffine(
        SparseDictionary dictionary,
        IActivationSource source,
        long trained,
        CancellationToken cancellationToken
    )
    {
        var rows = Math.Min(trained, Math.Max(20_000, 20L * dictionary.InputWidth));
        if (rows <= dictionary.InputWidth)
            return null;
        source.Seek(0);
        return RowEvaluation.FitAffine(dictionary, source, rows, cancellationToken);
    }

    private static TrainingScores OnRows(
        SparseDictionary dictionary,
        TrainingConfiguration configuration,
        IActivationSource source,
        long place,
        Dictionary<(Site, Site), AffineMap?> maps,
        CancellationToken cancellationToken
    )
    {
        AffineMap? affine = null;
        if (HasAffine(configuration) && !maps.TryGetValue((dictionary.InputSite, dictionary.OutputSite), out affine))
            maps.Add(
                (dictionary.InputSite, dictionary.OutputSite),
                affine = FitAffine(dictionary, source, place, cancellationToken)
            );
        source.Seek(place);
        var rows = RowEvaluation.Measure(dictionary, source, configuration.Evaluation.Tokens, affine, cancellationToken);
        return Of(rows.Reconstruction, rows.Sparsity) with
        {
            MeasuredOn = "the activations that follow those trained on",
            HeldOut = TrainingData.IsUnseen(configuration.Data, place, configuration.Evaluation.Tokens),
            AffineFvu = rows.Affine?.Fvu,
        };
    }

    private static TrainingScores[] OnText(
        IReadOnlyList<SparseDictionary> dictionaries,
        TrainingScores[] rows,
        MeasuredText text,
        long tokens,
        GemmaModel model,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var counting = progress.Counting("measuring on text", "tokens", tokens);
        var tokenizer = model.Tokenizer;
        var evaluator = new Evaluator(
            model,
            dictionaries,
            new() { Uniformity = false, Runs = dictionaries.Any(Evaluator.CanSplice) ? [SplicedRun.Spliced, SplicedRun.ZeroAblated] : [] }
        );
        var done = 0L;
        foreach (var windows in TokenWindows.Within(text.Windows, tokens).Chunk(WindowsPerRun))
        {
            evaluator.Add(
                new EvaluationBatch(windows, [.. windows.Select(ids => CountedPositions.Of(ids, tokenizer))], tokenizer.BosId),
                cancellationToken
            );
            counting?.Report(done += windows.Sum(ids => (long)ids.Length));
        }
        if (evaluator.Sums.Tokens == 0)
            throw new ArgumentProblemException("holds no text to measure on", "evaluation.text");
        return
        [
            .. dictionaries.Select(
                (_, i) => Of(evaluator.Sums, i) with { MeasuredOn = text.Name, HeldOut = text.IsHeldOut, AffineFvu = rows[i].AffineFvu }
            ),
        ];
    }

    private static TrainingScores Of(EvaluationSums sums, int dictionary)
    {
        var scores = Of(sums.Dictionaries[dictionary].Reconstruction, sums.Dictionaries[dictionary].Sparsity);
        if (sums.Sets.FirstOrDefault(set => set.Set.Members is [var only] && only == dictionary) is not { } set)
            return scores;
        var (clean, spliced, ablated) = (sums.Clean.Total, set.Runs[SplicedRun.Spliced].Total, set.Runs[SplicedRun.ZeroAblated].Total);
        return scores with
        {
            CleanLoss = clean.CrossEntropy(),
            DeltaLoss = spliced.DeltaLoss(clean),
            LossRecovered = spliced.LossRecovered(clean, ablated),
            KlScore = spliced.KlScore(ablated),
        };
    }

    private static TrainingScores Of(ReconstructionSums reconstruction, SparsitySums sparsity) =>
        new()
        {
            MeasuredOn = "",
            Tokens = reconstruction.Rows,
            L0 = sparsity.L0,
            Fvu = reconstruction.Fvu,
            Cosine = reconstruction.CosineSimilarity,
            DeadFeatures = sparsity.Dead,
            DenseFeatures = sparsity.DenserThan(Dense),
        };
}
