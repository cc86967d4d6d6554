using System.Text.Json;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Text;
using GemmaScope.Training;

namespace GemmaScope.Cli.Training;

/// <summary>How well a trained dictionary does, and what that was measured on. What was not measured is null.</summary>
internal sealed record TrainingScores
{
    private const int WindowsPerRun = 8;
    private const double Dense = 0.1;

    /// <summary>In words.</summary>
    public required string MeasuredOn { get; init; }

    /// <summary>Whether it was trained on the same; null where that is not known.</summary>
    public bool? HeldOut { get; init; }

    /// <summary>Positions that count.</summary>
    public long Tokens { get; init; }

    public double? L0 { get; init; }

    public double? Fvu { get; init; }

    public double? Cosine { get; init; }

    public int? Dead { get; init; }

    /// <summary>Features that fired at more than a tenth of the tokens.</summary>
    public int? DenseFeatures { get; init; }

    /// <summary>FVU of the best affine map alone, for transcoders (METHODS §4.2).</summary>
    public double? AffineFvu { get; init; }

    public double? CleanLoss { get; init; }

    public double? DeltaLoss { get; init; }

    public double? LossRecovered { get; init; }

    public double? KlScore { get; init; }

    /// <summary>Measures dictionaries that were trained together; those of a text in one pass.</summary>
    /// <param name="dictionaries">The dictionaries.</param>
    /// <param name="configurations">How each was trained; they share data and evaluation.</param>
    /// <param name="source">The data they were trained on, where the run left it.</param>
    /// <param name="model">The model, needed where losses are measured.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public static IReadOnlyList<TrainingScores> Measure(
        IReadOnlyList<SparseDictionary> dictionaries,
        IReadOnlyList<TrainingConfiguration> configurations,
        IActivationSource source,
        GemmaModel? model,
        CancellationToken cancellationToken
    )
    {
        var (settings, place) = (configurations[0].Evaluation, source.Position);
        if (settings.Tokens == 0)
            return [.. dictionaries.Select(_ => new TrainingScores { MeasuredOn = "nothing" })];
        var (text, rows) = (model is null ? null : HeldOutText.Of(configurations[0], model), new TrainingScores[dictionaries.Count]);
        for (var i = 0; i < rows.Length; i++)
            rows[i] =
                text is not null && !HasAffine(configurations[i])
                    ? new() { MeasuredOn = "" }
                    : OnRows(dictionaries[i], configurations[i], source, place, cancellationToken);
        return text is not null ? OnText(dictionaries, rows, text, settings.Tokens, model!, cancellationToken) : rows;
    }

    /// <summary>What a training wrote beside its dictionary; null where there is nothing of the kind.</summary>
    public static TrainingScores? Read(string folder)
    {
        var file = Path.Combine(folder, TrainingResult.ScoresFile);
        if (!File.Exists(file) || JsonFile.Read(file) is not { } scores || scores.Text("measured_on") is not { } on)
            return null;
        return new()
        {
            MeasuredOn = on,
            HeldOut = scores.Flag("held_out"),
            Tokens = (long)(scores.Number("tokens") ?? 0),
            L0 = scores.Number("l0"),
            Fvu = scores.Number("fvu"),
            Cosine = scores.Number("cosine"),
            CleanLoss = scores.Number("ce_clean"),
            DeltaLoss = scores.Number("delta_loss"),
            LossRecovered = scores.Number("loss_recovered"),
        };
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteString("measured_on", MeasuredOn);
        if (HeldOut is { } heldOut)
            json.WriteBoolean("held_out", heldOut);
        else
            json.WriteNull("held_out");
        json.WriteNumber("tokens", Tokens);
        json.Number("l0", L0);
        json.Number("fvu", Fvu);
        json.Number("cosine", Cosine);
        json.Number("dead_features", Dead);
        json.Number("dense_features", DenseFeatures);
        json.Number("affine_fvu", AffineFvu);
        json.Number("ce_clean", CleanLoss);
        json.Number("delta_loss", DeltaLoss);
        json.Number("loss_recovered", LossRecovered);
        json.Number("kl_score", KlScore);
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
        CancellationToken cancellationToken
    )
    {
        using var affine = HasAffine(configuration) ? FitAffine(dictionary, source, place, cancellationToken) : null;
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
        HeldOutText text,
        long tokens,
        GemmaModel model,
        CancellationToken cancellationToken
    )
    {
        var tokenizer = model.Tokenizer;
        var evaluator = new Evaluator(
            model,
            dictionaries,
            new() { Uniformity = false, Runs = dictionaries.Any(Evaluator.CanSplice) ? [SplicedRun.Spliced, SplicedRun.ZeroAblated] : [] }
        );
        foreach (var windows in text.Windows.Chunk(WindowsPerRun))
        {
            evaluator.Add(
                new EvaluationBatch(windows, [.. windows.Select(ids => CountedPositions.Of(ids, tokenizer))], tokenizer.BosId),
                cancellationToken
            );
            if (evaluator.Sums.Tokens >= tokens)
                break;
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
            Dead = sparsity.Dead,
            DenseFeatures = sparsity.DenserThan(Dense),
        };
}
