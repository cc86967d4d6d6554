using GemmaScope.Activations;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Numerics;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="GroundTruthJob"/> does.</summary>
public sealed record GroundTruthJobOptions
{
    /// <summary>Dictionaries: folders, files, or names of the catalogue.</summary>
    public required IReadOnlyList<string> Dictionaries { get; init; }

    /// <summary>The file of the synthetic model they were trained on.</summary>
    public required string Model { get; init; }

    /// <summary>Rows to measure on. Rare features need many: 500,000 as published.</summary>
    public long Rows { get; init; } = 500_000;

    /// <summary>Decides the rows; they are others than those of a training with the same seed.</summary>
    public long Seed { get; init; }

    /// <summary>τ of <see cref="LeaveOneOut"/>, by which encodings are refined before they are scored; null: they are not.</summary>
    public double? LeaveOneOut { get; init; }
}

/// <summary>The scores of some dictionaries.</summary>
/// <param name="Model">The file of the synthetic model.</param>
/// <param name="Dictionaries">Each with its scores.</param>
public sealed record GroundTruthResult(string Model, IReadOnlyList<ScoredDictionary> Dictionaries);

/// <summary>A dictionary with its scores.</summary>
/// <param name="Dictionary">Where it lies.</param>
/// <param name="Width">Its features.</param>
/// <param name="Activation">How they follow from the encoder's products.</param>
/// <param name="Scores">How well it found what is known.</param>
public sealed record ScoredDictionary(string Dictionary, int Width, ActivationFunction Activation, GroundTruthScores Scores);

/// <summary>Measures dictionaries on activations whose features are known.</summary>
public static class GroundTruthJob
{
    private const int RowsOfBatch = 2048;

    /// <summary>Measures all of them on the same rows.</summary>
    /// <param name="options">Which, and on what.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between two batches.</param>
    /// <exception cref="GemmaScopeException">A file cannot be read, or a dictionary has another width than the data.</exception>
    public static Task<GroundTruthResult> RunAsync(
        GroundTruthJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        Task.Run(
            () =>
            {
                if (options.Rows < 1)
                    throw new ArgumentProblemException("must be 1 or more", new Setting(nameof(options.Rows)));
                using var model = SyntheticModelFile.Read(options.Model);
                var dictionaries = new List<SparseDictionary>();
                try
                {
                    foreach (var path in options.Dictionaries)
                    {
                        dictionaries.Add(DictionaryFit.Load(path, new SiteChoice(), cancellationToken));
                        Require(dictionaries[^1], model, path);
                    }
                    return new GroundTruthResult(options.Model, Measure(dictionaries, model, options, progress, cancellationToken));
                }
                finally
                {
                    foreach (var dictionary in dictionaries)
                        dictionary.Dispose();
                }
            },
            cancellationToken
        );

    private static ScoredDictionary[] Measure(
        List<SparseDictionary> dictionaries,
        SyntheticModel model,
        GroundTruthJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var sums = new GroundTruthSums[dictionaries.Count];
        for (var i = 0; i < sums.Length; i++)
        {
            progress.Stage($"matching features of {dictionaries[i].Name}");
            using var decoder = Decoder(dictionaries[i]);
            sums[i] = new(new FeatureMatch(decoder, model.Directions, cancellationToken), model.Config.Width);
        }
        var counting = progress.Counting("measuring", "rows", options.Rows);
        // The streams of trainings begin with their seed, those of measuring with its complement.
        var rows = new SyntheticRows(model, ~options.Seed);
        for (long done = 0; done < options.Rows; )
        {
            using var x = Tensor.Uninitialized(Math.Min(RowsOfBatch, options.Rows - done), model.Config.Width);
            var truth = rows.FillKnown(done, x.AsMatrix());
            for (var i = 0; i < sums.Length; i++)
            {
                var latents = dictionaries[i].Encode(x.AsMatrix(), cancellationToken);
                if (options.LeaveOneOut is { } tau)
                    latents = LeaveOneOut.Filter(dictionaries[i], x.AsMatrix(), latents, tau);
                using var decoded = dictionaries[i].Decode(latents, x.AsMatrix());
                sums[i].Add(truth, latents, x.AsMatrix(), decoded.AsMatrix());
            }
            counting?.Report(done += truth.Rows);
        }
        return
        [
            .. sums.Select(
                (sum, i) => new ScoredDictionary(options.Dictionaries[i], dictionaries[i].Width, dictionaries[i].Activation, sum.Scores())
            ),
        ];
    }

    private static Tensor Decoder(SparseDictionary dictionary)
    {
        var rows = Tensor.Uninitialized(dictionary.Width, dictionary.OutputWidth);
        for (var feature = 0; feature < dictionary.Width; feature++)
            dictionary.Decoder(feature, rows.Row(feature));
        return rows;
    }

    private static void Require(SparseDictionary dictionary, SyntheticModel model, string path)
    {
        if (dictionary.InputWidth != model.Config.Width || dictionary.OutputWidth != model.Config.Width)
            throw new ArgumentProblemException(
                $"reads {dictionary.InputWidth} and writes {dictionary.OutputWidth} numbers; the synthetic model's rows have "
                    + $"{model.Config.Width}",
                path
            );
    }
}
