using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>How far a fit has settled after a prompt.</summary>
/// <param name="Change">By how much the prompt moved the running mean, relative to it, mean over layers; null after the first.</param>
/// <param name="IdentityDistance">‖J − I‖ / √d of the last block fitted.</param>
public sealed record JacobianProgress(double? Change, double IdentityDistance);

/// <summary>
/// Fits a Jacobian lens prompt by prompt: J[i, j] = mean over valid positions t of Σ over valid t′ ≥ t of d z[t′][i] / d h[t][j], h the output
/// of a block, z that of the last one before the final norm; then the mean over prompts, each counting once. Costs about d forward passes a
/// prompt, in batches.
/// </summary>
public sealed class JacobianFit : IDisposable
{
    private readonly GemmaModel _model;
    private readonly int[] _layers;
    private readonly Workspace _workspace = new();
    private readonly Dictionary<int, Tensor> _sums = [],
        _prompt = [];

    /// <summary>A fit of nothing yet.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">What is fitted; null for the defaults.</param>
    /// <exception cref="ArgumentProblemException">An option is out of range.</exception>
    public JacobianFit(GemmaModel model, JacobianFitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, Options) = (model, options ?? new());
        Options.Check(model.Config);
        _layers = Options.Sources(model.Config);
        foreach (var layer in _layers)
        {
            _sums[layer] = Tensor.Zeros(model.Config.Width, model.Config.Width);
            _prompt[layer] = Tensor.Zeros(model.Config.Width, model.Config.Width);
        }
    }

    /// <summary>What is fitted.</summary>
    public JacobianFitOptions Options { get; }

    /// <summary>Prompts that count.</summary>
    public int Prompts { get; private set; }

    /// <summary>Prompts that were too short.</summary>
    public int Skipped { get; private set; }

    /// <summary>Positions that counted, of all prompts.</summary>
    public long Positions { get; private set; }

    /// <summary>How far it has settled; null before the first prompt.</summary>
    public JacobianProgress? Progress { get; private set; }

    /// <summary>The sums over prompts so far, by block: what a checkpoint holds. They belong to the fit.</summary>
    public IReadOnlyDictionary<int, Tensor> ToSums() => _sums;

    /// <summary>The last prompt's own matrices, by block.</summary>
    internal IReadOnlyDictionary<int, Tensor> Last => _prompt;

    /// <summary>Adds a prompt.</summary>
    /// <param name="tokens">Token ids, BOS included.</param>
    /// <param name="cancellationToken">Stops; what was fitted before stays as it was.</param>
    /// <returns>False where the prompt has no position that counts.</returns>
    public bool Add(int[] tokens, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var count = Math.Min(tokens.Length, Options.MaxSeqLen);
        var span = count - Options.SkipFirst - (Options.KeepLast ? 0 : 1);
        if (span < 1)
        {
            Skipped++;
            return false;
        }
        Measure(tokens[..count], span, cancellationToken);
        Count();
        Positions += span;
        return true;
    }

    /// <summary>Takes up an earlier fit.</summary>
    /// <param name="sums">Its sums, by block.</param>
    /// <param name="prompts">Prompts that counted.</param>
    /// <param name="skipped">Prompts that were too short.</param>
    /// <param name="positions">Positions that counted.</param>
    public void Restore(IReadOnlyDictionary<int, Tensor> sums, int prompts, int skipped, long positions)
    {
        ArgumentNullException.ThrowIfNull(sums);
        foreach (var layer in _layers)
            sums[layer].AsSpan().CopyTo(_sums[layer].AsSpan());
        (Prompts, Skipped, Positions) = (prompts, skipped, positions);
    }

    /// <summary>The lens so far.</summary>
    /// <param name="origin">What is said of it beside the number of prompts.</param>
    /// <exception cref="ArgumentProblemException">No prompt counted.</exception>
    public JacobianLens ToLens(LensOrigin? origin = null)
    {
        if (Prompts == 0)
            throw new ArgumentProblemException(
                Skipped > 0
                    ? $"all {Skipped} prompts are too short: the first {Options.SkipFirst} positions{(Options.KeepLast ? "" : " and the last")} do not count"
                    : "there is no prompt to fit on",
                "prompts"
            );
        return new(_layers.Select(layer => KeyValuePair.Create(layer, Mean(layer))), (origin ?? new()) with { Prompts = Prompts });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _sums.Values.Concat(_prompt.Values))
            tensor.Dispose();
        _workspace.Dispose();
    }

    private void Measure(int[] tokens, int span, CancellationToken cancellationToken)
    {
        var config = _model.Config;
        using var pass = _model.RunJacobian(
            tokens,
            Options.Target(config),
            _layers[0],
            (Options.SkipFirst, span),
            Options.Paths,
            _workspace,
            Options.Arithmetic,
            cancellationToken
        );
        var pairs = Options.MeanOverPairs ? span * (span + 1L) / 2 : span;
        for (var output = 0; output < config.Width; output += pass.Batch)
        {
            var (first, outputs) = (output, Math.Min(pass.Batch, config.Width - output));
            pass.Run(
                first,
                outputs,
                (layer, gradient) =>
                {
                    if (_prompt.TryGetValue(layer, out var map))
                        Workers.For(outputs, new MeanJob(gradient, span, 1f / pairs, map.AsMatrix().SliceRows(first, outputs)));
                },
                cancellationToken
            );
        }
    }

    /// <summary>The new prompt into the sums, and how far that moved them (Neuronpedia's measure of convergence).</summary>
    private void Count()
    {
        var changes = new List<double>();
        foreach (var layer in _layers)
        {
            ReadOnlySpan<float> own = _prompt[layer].AsSpan();
            var sum = _sums[layer].AsSpan();
            double moved = 0,
                norm = 0;
            for (var i = 0; i < own.Length; i++)
            {
                var before = Prompts == 0 ? 0 : (double)sum[i] / Prompts;
                sum[i] += own[i];
                var after = (double)sum[i] / (Prompts + 1);
                moved += (own[i] - before) * (own[i] - before);
                norm += after * after;
            }
            changes.Add(Math.Sqrt(moved) / (Prompts + 1) / Math.Sqrt(norm));
        }
        Prompts++;
        Progress = new(Prompts == 1 ? null : changes.Average(), FromIdentity(_layers[^1]));
    }

    private double FromIdentity(int layer)
    {
        var map = _sums[layer];
        double sum = 0;
        for (var row = 0; row < map.Rows; row++)
        {
            var values = map.Row(row);
            for (var column = 0; column < values.Length; column++)
            {
                var difference = (double)values[column] / Prompts - (row == column ? 1 : 0);
                sum += difference * difference;
            }
        }
        return Math.Sqrt(sum) / Math.Sqrt(map.Columns);
    }

    private Tensor Mean(int layer)
    {
        var mean = Tensor.From(_sums[layer].AsSpan(), _sums[layer].Shape);
        TensorPrimitives.Multiply(mean.AsSpan(), 1f / Prompts, mean.AsSpan());
        return mean;
    }

    /// <summary>One output: the mean over the positions of its gradient.</summary>
    private readonly record struct MeanJob(MatrixView Gradient, int Span, float Weight, MatrixView Map) : IJob
    {
        public void Run(int index)
        {
            var row = Map.Row(index);
            row.Clear();
            for (var position = 0; position < Span; position++)
                TensorPrimitives.Add(row, Gradient.Row(index * Span + position), row);
            TensorPrimitives.Multiply(row, Weight, row);
        }
    }
}
