using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>A feature of a set of transcoders, wherever it fires.</summary>
/// <param name="Layer">The layer it reads.</param>
/// <param name="Feature">Index within the layer's transcoder.</param>
public readonly record struct CircuitFeature(int Layer, int Feature);

/// <summary>
/// How alike features fire over texts: the correlation (Pearson's) of their activations, token by token, where each is read at the same
/// token. Only the sums and products that it needs are kept, so that texts may be of any length.
/// </summary>
public sealed class CoActivation
{
    private readonly Dictionary<CircuitFeature, int> _numbers = [];
    private readonly double[] _sums;
    private readonly long[] _fired;
    private readonly double[,] _products;

    private CoActivation(IEnumerable<CircuitFeature> features)
    {
        foreach (var feature in features)
            _numbers.TryAdd(feature, _numbers.Count);
        (_sums, _fired, _products) = (new double[_numbers.Count], new long[_numbers.Count], new double[_numbers.Count, _numbers.Count]);
    }

    /// <summary>Tokens read; those that do not count, as a BOS, are left out.</summary>
    public long Tokens { get; private set; }

    /// <summary>Reads texts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="transcoders">Whose features they are.</param>
    /// <param name="features">The features; each is read once.</param>
    /// <param name="texts">Windows of tokens, some at a time.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A layer has no transcoder or no such feature.</exception>
    public static CoActivation Measure(
        GemmaModel model,
        TranscoderSet transcoders,
        IReadOnlyList<CircuitFeature> features,
        IEnumerable<EvaluationBatch> texts,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(transcoders);
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(texts);
        foreach (var one in features)
            if (one.Layer < 0 || one.Layer >= model.Config.Layers || (uint)one.Feature >= (uint)(transcoders[one.Layer]?.Features ?? 0))
                throw new ArgumentProblemException($"there is no feature {one.Feature} of layer {one.Layer}", "features");
        var found = new CoActivation(features);
        var layers = found._numbers.Keys.GroupBy(one => one.Layer).OrderBy(layer => layer.Key).Select(Layer).ToArray();
        if (layers.Length == 0)
            return found;
        foreach (var batch in texts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var layer in layers)
                layer.Room = new float[batch.Rows * layer.Numbers.Length];
            model
                .Run(
                    batch.Sequences,
                    edits: layers.Select(layer => Edit.OfRun(layer.Input, (rows, _) => layer.Readout.Read(rows, layer.Room))),
                    logits: LogitRows.None,
                    stopAfter: layers[^1].Input,
                    cancellationToken: cancellationToken
                )
                .Dispose();
            found.Add(batch, layers);
        }
        return found;

        LayerFeatures Layer(IGrouping<int, CircuitFeature> layer) =>
            new(
                transcoders[layer.Key]!.Input,
                transcoders[layer.Key]!.Readout([.. layer.Select(one => one.Feature)]),
                [.. layer.Select(one => found._numbers[one])]
            );
    }

    /// <summary>On how many tokens a feature fires.</summary>
    /// <exception cref="ArgumentProblemException">It was not read.</exception>
    public long Fired(CircuitFeature feature) => _fired[Number(feature)];

    /// <summary>The correlation of two features, from −1 to 1; null where one of them never fires, or both always alike.</summary>
    /// <exception cref="ArgumentProblemException">One was not read.</exception>
    public double? Correlation(CircuitFeature one, CircuitFeature other)
    {
        var (a, b) = (Number(one), Number(other));
        double Covariance(int i, int j) => _products[Math.Min(i, j), Math.Max(i, j)] - _sums[i] * _sums[j] / Tokens;
        var (own, others) = (Covariance(a, a), Covariance(b, b));
        return _fired[a] == 0 || _fired[b] == 0 || own <= 0 || others <= 0
            ? null
            : Math.Clamp(Covariance(a, b) / Math.Sqrt(own * others), -1, 1);
    }

    private int Number(CircuitFeature feature) =>
        _numbers.TryGetValue(feature, out var number)
            ? number
            : throw new ArgumentProblemException($"feature {feature.Feature} of layer {feature.Layer} was not read", nameof(feature));

    /// <summary>Adds what fires: of a token a few of all features.</summary>
    private void Add(EvaluationBatch batch, LayerFeatures[] layers)
    {
        var firing = new List<(int Number, double Value)>();
        for (var row = 0; row < batch.Rows; row++)
        {
            if (!batch.Counted[row])
                continue;
            Tokens++;
            firing.Clear();
            foreach (var layer in layers)
                for (var i = 0; i < layer.Numbers.Length; i++)
                    if (layer.Room[row * layer.Numbers.Length + i] is var value && value != 0)
                        firing.Add((layer.Numbers[i], value));
            foreach (var (number, value) in firing)
            {
                _fired[number]++;
                _sums[number] += value;
                foreach (var (other, others) in firing)
                    if (other >= number)
                        _products[number, other] += value * others;
            }
        }
    }

    /// <summary>The features of one layer.</summary>
    private sealed class LayerFeatures(Site input, Dictionaries.FeatureReadout readout, int[] numbers)
    {
        public Site Input => input;

        public Dictionaries.FeatureReadout Readout => readout;

        /// <summary>Where each stands among all features.</summary>
        public int[] Numbers => numbers;

        /// <summary>[rows, features] of the batch that is read.</summary>
        public float[] Room { get; set; } = [];
    }
}
