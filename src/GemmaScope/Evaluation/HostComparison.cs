using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>Settings of a <see cref="HostComparison"/>.</summary>
public sealed record HostComparisonOptions
{
    /// <summary>How many of a token's strongest features are compared.</summary>
    public int Top { get; init; } = 10;

    /// <summary>Whether logits are computed and compared.</summary>
    public bool Losses { get; init; } = true;

    /// <summary>Chooses the random directions of the control.</summary>
    public int Seed { get; init; }

    /// <summary>Exact or fast; null for each model's own.</summary>
    public Arithmetic? Arithmetic { get; init; }
}

/// <summary>
/// Two models over the same tokens, which read and write the same sites and know the same tokens: a model and its quantised or tuned form.
/// What differs in logits, in the residual stream behind each layer, and in the features that dictionaries find. Only sums are kept.
/// </summary>
public sealed class HostComparison
{
    private readonly GemmaModel _first,
        _second;
    private readonly IReadOnlyList<SparseDictionary> _dictionaries;
    private readonly FeatureMargins[] _margins;
    private readonly HostComparisonOptions _options;
    private readonly Site[] _sites;
    private readonly Random _random;

    /// <summary>A comparison that has seen no text yet.</summary>
    /// <param name="first">The model that the other is held against.</param>
    /// <param name="second">The other, of the same layers and widths.</param>
    /// <param name="dictionaries">Dictionaries of their sites.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentProblemException">The models differ in shape.</exception>
    public HostComparison(
        GemmaModel first,
        GemmaModel second,
        IReadOnlyList<SparseDictionary> dictionaries,
        HostComparisonOptions? options = null
    )
    {
        (_first, _second, _dictionaries, _options) = (first, second, dictionaries, options ?? new());
        if (first.Config.Layers != second.Config.Layers || first.Config.Width != second.Config.Width)
            throw new ArgumentProblemException(
                $"has {second.Config.Layers} layers of width {second.Config.Width} where the other has {first.Config.Layers} of "
                    + $"{first.Config.Width}",
                "second"
            );
        _margins = [.. dictionaries.Select(dictionary => new FeatureMargins(dictionary))];
        _sites =
        [
            .. Enumerable
                .Range(0, first.Config.Layers)
                .Select(Site.ResidPost)
                .Union(dictionaries.SelectMany(one => one.InputSites.Concat(one.OutputSites))),
        ];
        _random = new Random(_options.Seed);
        Sums = new(
            first.Config.Layers,
            first.Config.Width,
            dictionaries.Select(one => new DictionaryComparison(one.Width, one.OutputWidth, _options.Top))
        );
    }

    /// <summary>What was found so far.</summary>
    public HostComparisonSums Sums { get; }

    /// <summary>Runs both models over a batch. What is cancelled before both are through changes nothing.</summary>
    /// <param name="batch">Sequences that are run together.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    public void Add(EvaluationBatch batch, CancellationToken cancellationToken = default)
    {
        using var first = Run(_first, batch, cancellationToken);
        using var second = Run(_second, batch, cancellationToken);
        Sums.Tokens += batch.Rows;
        if (_options.Losses)
            AddLogits(batch, first.Logits!.AsMatrix(), second.Logits!.AsMatrix());
        for (var layer = 0; layer < Sums.Residuals.Count; layer++)
            AddRows(Sums.Residuals[layer], batch, first[Site.ResidPost(layer)].AsMatrix(), second[Site.ResidPost(layer)].AsMatrix());
        for (var i = 0; i < _dictionaries.Count; i++)
            AddDictionary(i, batch, first, second, cancellationToken);
    }

    private ModelRun Run(GemmaModel model, EvaluationBatch batch, CancellationToken cancellationToken) =>
        model.Run(
            batch.Sequences,
            capture: _sites,
            logits: _options.Losses ? LogitRows.All : LogitRows.None,
            arithmetic: _options.Arithmetic,
            cancellationToken: cancellationToken
        );

    /// <summary>Over the tokens that both know: tables of files differ in padding rows.</summary>
    private void AddLogits(EvaluationBatch batch, MatrixView first, MatrixView second)
    {
        var shared = Math.Min(first.Columns, second.Columns);
        (first, second) = (first.SliceColumns(0, shared), second.SliceColumns(0, shared));
        var predictions = new Predictions(batch, first);
        var (losses, divergence) = predictions.Compare(second);
        for (var row = 0; row < batch.Rows; row++)
            if (batch.Prediction(row) is not PredictionRule.None and var sides)
                Sums.Logits.Add(
                    sides,
                    predictions.CrossEntropy[row],
                    losses[row],
                    divergence[row],
                    TensorPrimitives.IndexOfMax<float>(first.Row(row)) == TensorPrimitives.IndexOfMax<float>(second.Row(row))
                );
    }

    private void AddDictionary(int i, EvaluationBatch batch, ModelRun first, ModelRun second, CancellationToken cancellationToken)
    {
        var (dictionary, sums) = (_dictionaries[i], Sums.Dictionaries[i]);
        using Tensor x = SparseDictionary.Beside(first, dictionary.InputSites),
            y = SparseDictionary.Beside(second, dictionary.InputSites);
        var features = Reconstruct(dictionary, batch, x.AsMatrix(), first, sums.First, cancellationToken);
        var others = Reconstruct(dictionary, batch, y.AsMatrix(), second, sums.Second, cancellationToken);
        sums.Survival.Add(features, others, row => _margins[i].Of(features, row, x.Row(row)), batch.Counted);
        Scatter(x.AsMatrix(), y.AsMatrix(), dictionary.InputSites.Count);
        sums.Noise.Add(features, dictionary.Encode(y.AsMatrix(), cancellationToken), counted: batch.Counted);
    }

    private static SparseActivations Reconstruct(
        SparseDictionary dictionary,
        EvaluationBatch batch,
        MatrixView input,
        ModelRun run,
        ReconstructionSums sums,
        CancellationToken cancellationToken
    )
    {
        using var target = SparseDictionary.Beside(run, dictionary.OutputSites);
        var features = dictionary.Encode(input, cancellationToken);
        using var reconstruction = dictionary.Decode(features, input);
        AddRows(sums, batch, target.AsMatrix(), reconstruction.AsMatrix());
        return features;
    }

    private static void AddRows(ReconstructionSums sums, EvaluationBatch batch, MatrixView x, MatrixView y)
    {
        for (var row = 0; row < batch.Rows; row++)
            if (batch.Counted[row])
                sums.Add(x.Row(row), y.Row(row));
    }

    /// <summary>y ← x + r ‖y − x‖ of each row and site, r a random direction.</summary>
    private void Scatter(MatrixView x, MatrixView y, int sites)
    {
        var width = x.Columns / sites;
        var direction = new float[width];
        for (var row = 0; row < x.Rows; row++)
        for (var site = 0; site < sites; site++)
        {
            var from = x.Row(row).Slice(site * width, width);
            var to = y.Row(row).Slice(site * width, width);
            // Normal coordinates favour no direction.
            for (var d = 0; d < width; d++)
                direction[d] = (float)NormalDistribution.Draw(_random);
            var distance = TensorPrimitives.Distance<float>(from, to);
            TensorPrimitives.MultiplyAdd(direction, distance / TensorPrimitives.Norm<float>(direction), from, to);
        }
    }
}
