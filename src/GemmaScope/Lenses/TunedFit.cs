using System.Numerics.Tensors;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>How a tuned lens is trained. The defaults are the tuned-lens library's, but for the steps, which are of a model's size.</summary>
public sealed record TunedFitOptions
{
    /// <summary>Steps; the learning rate falls to 0 over them unless <see cref="Decay"/> says otherwise.</summary>
    public int Steps { get; init; } = 250;

    /// <summary>Multiplied by 1 − momentum.</summary>
    public double LearningRate { get; init; } = 1;

    /// <summary>Momentum, 0 for none.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Whether the step looks ahead along the momentum.</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>Whether the learning rate falls in a line to 0.</summary>
    public bool Decay { get; init; } = true;

    /// <summary>Weight decay, on A and b.</summary>
    public double WeightDecay { get; init; } = 1e-3;

    /// <summary>Largest norm of the gradient of all layers together; null for none.</summary>
    public double? Clip { get; init; } = 1;

    /// <summary>Whether only b is trained.</summary>
    public bool BiasOnly { get; init; }

    /// <summary>Refuses what cannot be.</summary>
    /// <exception cref="ArgumentProblemException">An option is out of range.</exception>
    public void Check()
    {
        if (Steps < 1)
            throw new ArgumentProblemException("must be 1 or more", new Setting(nameof(Steps)));
        if (!(LearningRate > 0) || !double.IsFinite(LearningRate))
            throw new ArgumentProblemException("must be above 0", new Setting(nameof(LearningRate)));
        if (!(Momentum >= 0 && Momentum < 1))
            throw new ArgumentProblemException("must be from 0 to below 1", new Setting(nameof(Momentum)));
        if (!(WeightDecay >= 0))
            throw new ArgumentProblemException("must be 0 or more", new Setting(nameof(WeightDecay)));
        if (Clip is { } clip && !(clip > 0))
            throw new ArgumentProblemException("must be above 0", new Setting(nameof(Clip)));
    }
}

/// <summary>
/// Trains a tuned lens: of each block T(h) = h + A h + b, A and b zero at the start, so that KL(model ‖ lens), mean over tokens and in nats,
/// becomes small. Both sides have the model's soft cap, which the tuned-lens library leaves out. The loss of a step is the sum over blocks,
/// which know nothing of each other but through the clipping.
/// </summary>
public sealed class TunedFit : IDisposable
{
    private const int RowsAtOnce = 64;

    private readonly GemmaModel _model;
    private readonly TunedFitOptions _options;
    private readonly int[] _layers;
    private readonly Workspace _workspace = new();
    private readonly Dictionary<int, Map> _maps;

    /// <summary>A lens that changes nothing yet.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How it is trained; null for the defaults.</param>
    public TunedFit(GemmaModel model, TunedFitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _options) = (model, options ?? new());
        _options.Check();
        _layers = [.. Enumerable.Range(0, model.Config.Layers - 1)];
        _maps = _layers.ToDictionary(layer => layer, _ => new Map(model.Config.Width));
    }

    /// <summary>Steps taken.</summary>
    public int Step { get; private set; }

    /// <summary>Tokens that were read in all steps.</summary>
    public long Tokens { get; private set; }

    /// <summary>Takes a step on some sequences.</summary>
    /// <returns>Of each block the loss before the step.</returns>
    public double[] Train(IReadOnlyList<int[]> sequences, CancellationToken cancellationToken = default)
    {
        foreach (var map in _maps.Values)
            map.ClearGradient();
        var (losses, _) = Pass(sequences, learn: true, cancellationToken);
        Update();
        Step++;
        Tokens += sequences.Sum(one => (long)one.Length);
        return losses;
    }

    /// <summary>Measures without learning.</summary>
    /// <returns>Of each block the loss, and how often its likeliest token is the model's.</returns>
    public (double[] Losses, double[] Agreement) Measure(IReadOnlyList<int[]> sequences, CancellationToken cancellationToken = default) =>
        Pass(sequences, learn: false, cancellationToken);

    /// <summary>The lens as it is now.</summary>
    public TunedLens ToLens(LensOrigin? origin = null) =>
        new(_maps.Select(one => KeyValuePair.Create(one.Key, (one.Value.A.ToF32(), one.Value.B.ToF32()))), origin ?? new());

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var map in _maps.Values)
            map.Dispose();
        _workspace.Dispose();
    }

    private (double[] Losses, double[] Agreement) Pass(IReadOnlyList<int[]> sequences, bool learn, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        var config = _model.Config;
        var last = config.Layers - 1;
        using var run = _model.Run(
            sequences,
            capture: _layers.Append(last).Select(Site.ResidPost),
            logits: LogitRows.None,
            cancellationToken: cancellationToken
        );
        var rows = sequences.Sum(one => one.Length);
        double[] losses = new double[_layers.Length],
            agreement = new double[_layers.Length];
        for (var start = 0; start < rows; start += RowsAtOnce)
        {
            var count = Math.Min(RowsAtOnce, rows - start);
            MatrixView carried = Buffer("carried", count, config.Width),
                normed = Buffer("normed", count, config.Width);
            MatrixView target = Buffer("target", count, config.VocabularyRows),
                logits = Buffer("logits", count, config.VocabularyRows);
            _model.ReadOut(Rows(last), normed, target);
            for (var i = 0; i < _layers.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var (residual, map) = (Rows(_layers[i]), _maps[_layers[i]]);
                map.Apply(residual, carried);
                _model.ReadOut(carried, normed, logits);
                double[] kl = new double[count],
                    same = new double[count];
                Workers.For(count, new DivergenceRow(target, logits, config.RealVocabulary, config.FinalCap, 1f / rows, learn, kl, same));
                losses[i] += kl.Sum() / rows;
                agreement[i] += same.Sum() / rows;
                if (!learn)
                    continue;
                _model.BackFromLogits(logits, carried, normed);
                map.AddGradient(residual, normed, _options.BiasOnly);
            }

            MatrixView Rows(int layer) => run[Site.ResidPost(layer)].AsMatrix().SliceRows(start, count);
        }
        return (losses, agreement);
    }

    /// <summary>Clip, weight decay, momentum and step, in the order of PyTorch.</summary>
    private void Update()
    {
        var scale = 1.0;
        if (_options.Clip is { } clip)
            scale = Math.Min(1, clip / (Math.Sqrt(_maps.Values.Sum(map => map.SquaredGradient())) + 1e-6));
        var rate = _options.LearningRate * (1 - _options.Momentum);
        if (_options.Decay)
            rate *= (double)(_options.Steps - Step) / _options.Steps;
        foreach (var map in _maps.Values)
            map.Update(_options, (float)scale, (float)Math.Max(rate, 0), first: Step == 0);
    }

    private MatrixView Buffer(string name, int rows, int columns) => _workspace.Buffer(name, rows, columns);

    /// <summary>KL(model ‖ lens) of a row; where it is learned from, the lens's logits become the gradient at the raw logits.</summary>
    private readonly record struct DivergenceRow(
        MatrixView Target,
        MatrixView Logits,
        int Vocabulary,
        float? Cap,
        float Weight,
        bool Learn,
        double[] Kl,
        double[] Same
    ) : IJob
    {
        public void Run(int index)
        {
            var p = Target.Row(index)[..Vocabulary];
            var q = Logits.Row(index)[..Vocabulary];
            var (pSum, qSum) = (Predictions.LogSum(p), Predictions.LogSum(q));
            Kl[index] = Predictions.Divergence(p, pSum, q, qSum);
            Same[index] = TensorPrimitives.IndexOfMax<float>(p) == TensorPrimitives.IndexOfMax<float>(q) ? 1 : 0;
            if (!Learn)
                return;
            for (var i = 0; i < q.Length; i++)
            {
                var ratio = Cap is float cap ? q[i] / cap : 0;
                q[i] = Weight * (MathF.Exp((float)(q[i] - qSum)) - MathF.Exp((float)(p[i] - pSum))) * (1 - ratio * ratio);
            }
            Logits.Row(index)[Vocabulary..].Clear();
        }
    }

    /// <summary>A and b of a block with gradient and momentum.</summary>
    private sealed class Map(int width) : IDisposable
    {
        private readonly Tensor _gradientA = Tensor.Zeros(width, width),
            _gradientB = Tensor.Zeros(width),
            _momentumA = Tensor.Zeros(width, width),
            _momentumB = Tensor.Zeros(width),
            _product = Tensor.Zeros(width, width);

        public Tensor A { get; } = Tensor.Zeros(width, width);

        public Tensor B { get; } = Tensor.Zeros(width);

        public void Apply(MatrixView residual, MatrixView carried)
        {
            Compute.Kernels.Multiply(residual, WeightView.Of(A, WeightLayout.OutIn), carried, Arithmetic.Exact);
            for (var row = 0; row < residual.Rows; row++)
            {
                TensorPrimitives.Add(carried.Row(row), residual.Row(row), carried.Row(row));
                TensorPrimitives.Add(carried.Row(row), B.AsSpan(), carried.Row(row));
            }
        }

        public void ClearGradient()
        {
            _gradientA.AsSpan().Clear();
            _gradientB.AsSpan().Clear();
        }

        /// <summary>dA += dxᵀ h, db += Σ dx.</summary>
        public void AddGradient(MatrixView residual, MatrixView gradient, bool biasOnly)
        {
            for (var row = 0; row < gradient.Rows; row++)
                TensorPrimitives.Add(_gradientB.AsSpan(), gradient.Row(row), _gradientB.AsSpan());
            if (biasOnly)
                return;
            using var turned = Tensor.Uninitialized(gradient.Columns, gradient.Rows);
            for (var row = 0; row < gradient.Rows; row++)
            for (var column = 0; column < gradient.Columns; column++)
                turned.Row(column)[row] = gradient.Row(row)[column];
            Compute.Kernels.Multiply(turned.AsMatrix(), WeightView.Of(residual, WeightLayout.InOut), _product.AsMatrix(), Arithmetic.Exact);
            TensorPrimitives.Add(_gradientA.AsSpan(), _product.AsSpan(), _gradientA.AsSpan());
        }

        public double SquaredGradient() => Squares(_gradientA.AsSpan()) + Squares(_gradientB.AsSpan());

        public void Update(TunedFitOptions options, float scale, float rate, bool first)
        {
            if (!options.BiasOnly)
                Update(A.AsSpan(), _gradientA.AsSpan(), _momentumA.AsSpan(), options, scale, rate, first);
            Update(B.AsSpan(), _gradientB.AsSpan(), _momentumB.AsSpan(), options, scale, rate, first);
        }

        public void Dispose()
        {
            foreach (var tensor in (Tensor[])[A, B, _gradientA, _gradientB, _momentumA, _momentumB, _product])
                tensor.Dispose();
        }

        private static void Update(
            Span<float> values,
            Span<float> gradient,
            Span<float> momentum,
            TunedFitOptions options,
            float scale,
            float rate,
            bool first
        )
        {
            var (decay, kept) = ((float)options.WeightDecay, (float)options.Momentum);
            for (var i = 0; i < values.Length; i++)
            {
                var slope = gradient[i] * scale + decay * values[i];
                momentum[i] = first ? slope : kept * momentum[i] + slope;
                values[i] -= rate * (options.Nesterov ? slope + kept * momentum[i] : momentum[i]);
            }
        }

        private static double Squares(ReadOnlySpan<float> values)
        {
            double sum = 0;
            foreach (var value in values)
                sum += (double)value * value;
            return sum;
        }
    }
}
