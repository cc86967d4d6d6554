using System.Numerics.Tensors;

namespace GemmaScope.Circuits;

/// <summary>What is known of a row beside its contributions.</summary>
/// <param name="EncoderBias">Constant part.</param>
/// <param name="DecoderBias">From decoder biases.</param>
/// <param name="Zeroed">From zeroed positions.</param>
/// <param name="Total">Sum of all contributions, of features outside the budget too.</param>
/// <param name="Value">Value in the run.</param>
internal readonly record struct RowFacts(double EncoderBias, double DecoderBias, double Zeroed, double Total, double Value)
{
    /// <summary>How far all of it is from adding up to the value.</summary>
    public double Error => Math.Abs(Total + EncoderBias + DecoderBias + Zeroed - Value);
}

/// <summary>Computes the rows of a graph: first those of the targets, then those of features, all or the most influential.</summary>
internal sealed class AttributionBuilder : IDisposable
{
    private readonly AttributionOptions _options;
    private readonly IProgress<AttributionProgress>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly RowTarget[] _resolved;
    private readonly int _features,
        _limit;
    private int _resumed;

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
        var kept = options.RowsFile is { } file
            ? RowsFile.Open(file, RowsManifest.Of(model, targets, _resolved, options), options.Overwrite)
            : null;
        Store = new RowStore(model, options.WorkFolder, kept);
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

    /// <summary>The rows of features or targets, of one layer and neighbouring positions together. Batches follow from the rows before them
    /// alone, so that a trace that begins again meets those that it had kept.</summary>
    private void Compute(FrozenBackward backward, IReadOnlyList<int> rows)
    {
        foreach (var batch in rows.Order().Chunk(backward.BatchSize))
        {
            _cancellationToken.ThrowIfCancellationRequested();
            RowTarget[] targets = [.. batch.Select(row => row < _features ? RowTarget.Of(Model, row) : _resolved[row - _features])];
            RowPlan[] plan =
            [
                .. batch.Select((row, i) => new RowPlan(row, targets[i].Injections.Max(one => LayersBefore(one.Site, Model.Layers)))),
            ];
            var facts = new RowFacts[batch.Length];
            if (Store.TryTake(plan, facts))
                _resumed += batch.Length;
            else
            {
                var found = backward.Rows(targets, _cancellationToken);
                facts = Array.ConvertAll(found, FactsOf);
                Store.Add(plan, facts, Array.ConvertAll(found, row => row.Sources));
            }
            for (var i = 0; i < batch.Length; i++)
                Keep(batch[i], facts[i]);
            _progress?.Report(new(Facts.Count, _limit + Targets.Count, _resumed));
        }
    }

    private static RowFacts FactsOf(AttributionRow row)
    {
        double total = 0;
        foreach (var part in row.Sources)
            total += part;
        var facts = new RowFacts(row.EncoderBias, row.DecoderBias, row.Zeroed, total, row.Value);
        return double.IsFinite(facts.Error)
            ? facts
            : throw new ArgumentProblemException(
                "contributions are not finite; weights of the model or of a transcoder are damaged",
                "transcoders"
            );
    }

    private void Keep(int row, RowFacts facts)
    {
        IdentityError = Math.Max(IdentityError, facts.Error);
        RelativeIdentityError = Math.Max(RelativeIdentityError, facts.Error / Math.Max(1, Math.Abs(facts.Value)));
        Facts[row] = facts;
    }

    /// <summary>How many layers, from the first, write what a site reads.</summary>
    private static int LayersBefore(Models.Site site, int layers) =>
        site.Layer is { } layer ? layer + (site >= Models.Site.MlpOut(layer) ? 1 : 0)
        : site.Kind == Models.SiteKind.Embed ? 0
        : layers;
}
