using System.Numerics.Tensors;

namespace GemmaScope.Circuits;

/// <summary>What is known of a row beside its contributions.</summary>
/// <param name="EncoderBias">Constant part.</param>
/// <param name="DecoderBias">From decoder biases.</param>
/// <param name="Zeroed">From zeroed positions.</param>
/// <param name="Total">Sum of all contributions, of features outside the budget too.</param>
/// <param name="Value">Value in the run.</param>
internal readonly record struct RowFacts(double EncoderBias, double DecoderBias, double Zeroed, double Total, double Value);

/// <summary>Computes the rows of a graph: first those of the targets, then those of features, all or the most influential.</summary>
internal sealed class AttributionBuilder : IDisposable
{
    private readonly AttributionOptions _options;
    private readonly IProgress<AttributionProgress>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly RowTarget[] _resolved;
    private readonly int _features,
        _limit;

    public AttributionBuilder(
        ReplacementModel model,
        IReadOnlyList<CircuitTarget> targets,
        AttributionOptions options,
        IProgress<AttributionProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        options.Check();
        if (targets.Count == 0)
            throw new ArgumentProblemException("there is none to explain", "target");
        (Model, Targets, _options, _progress, _cancellationToken) = (model, targets, options, progress, cancellationToken);
        _resolved = [.. targets.Select(target => target.Resolve(model))];
        (_features, _limit) = (model.Features.Count, Math.Min(options.MaxFeatures, model.Features.Count));
        Store = new RowStore(model, options.WorkFolder);
    }

    public ReplacementModel Model { get; }

    public IReadOnlyList<CircuitTarget> Targets { get; }

    /// <summary>Features by their number in the model, targets after all of them.</summary>
    public RowStore Store { get; }

    public Dictionary<int, RowFacts> Facts { get; } = [];

    public double IdentityError { get; private set; }

    public double RelativeIdentityError { get; private set; }

    /// <summary>Computes and keeps the rows.</summary>
    /// <returns>The features that are nodes, in the order in which they were chosen.</returns>
    public int[] Execute()
    {
        using var backward = new FrozenBackward(Model, _options.WorkingBytes);
        Compute(backward, [.. Enumerable.Range(_features, Targets.Count)]);
        if (_limit < _features)
            return GreedyBudget.Choose(
                new StoredRows(Store, Model, Targets.Count),
                [.. Targets.Select(target => target.Weight)],
                _limit,
                _options.QueueLength,
                features => Compute(backward, features)
            );
        int[] all = [.. Enumerable.Range(0, _features)];
        Compute(backward, all);
        return all;
    }

    public void Dispose() => Store.Dispose();

    /// <summary>The rows of features or targets, of one layer and neighbouring positions together.</summary>
    private void Compute(FrozenBackward backward, IReadOnlyList<int> rows)
    {
        foreach (var batch in rows.Order().Chunk(backward.BatchSize))
        {
            RowTarget[] targets = [.. batch.Select(row => row < _features ? RowTarget.Of(Model, row) : _resolved[row - _features])];
            var found = backward.Rows(targets, _cancellationToken);
            for (var i = 0; i < batch.Length; i++)
                Keep(batch[i], targets[i], found[i]);
            _progress?.Report(new(Facts.Count, _limit + Targets.Count));
        }
    }

    private void Keep(int row, RowTarget target, AttributionRow found)
    {
        double total = 0;
        foreach (var part in found.Sources)
            total += part;
        var facts = new RowFacts(found.EncoderBias, found.DecoderBias, found.Zeroed, total, found.Value);
        var error = Math.Abs(total + facts.EncoderBias + facts.DecoderBias + facts.Zeroed - facts.Value);
        if (!double.IsFinite(error))
            throw new ArgumentProblemException(
                "contributions are not finite; weights of the model or of a transcoder are damaged",
                "transcoders"
            );
        IdentityError = Math.Max(IdentityError, error);
        RelativeIdentityError = Math.Max(RelativeIdentityError, error / Math.Max(1, Math.Abs(facts.Value)));
        Facts[row] = facts;
        Store.Add(row, found.Sources, target.Injections.Max(one => LayersBefore(one.Site, Model.Layers)));
    }

    /// <summary>How many layers, from the first, write what a site reads.</summary>
    private static int LayersBefore(Models.Site site, int layers) =>
        site.Layer is { } layer ? layer + (site >= Models.Site.MlpOut(layer) ? 1 : 0)
        : site.Kind == Models.SiteKind.Embed ? 0
        : layers;
}
