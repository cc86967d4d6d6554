using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>The one run behind a <see cref="ReplacementModel"/>: each layer is encoded and taken apart when the run passes it.</summary>
internal sealed class ReplacementBuilder : IDisposable
{
    private readonly Tensor?[] _inputs;
    private bool _released;

    public ReplacementBuilder(GemmaModel model, TranscoderSet set, int[] tokens, int zeroPositions, string? workFolder)
    {
        if (zeroPositions < 1 || zeroPositions >= tokens.Length)
            throw new ArgumentProblemException(
                zeroPositions < 1
                    ? $"{zeroPositions} positions cannot count as constants; it must be 1 or more"
                    : $"has {tokens.Length} token{(tokens.Length == 1 ? "" : "s")}, of which the first {zeroPositions} count as constants, so "
                        + "that nothing is left to explain; give a longer text",
                "prompt"
            );
        (Model, Set, Tokens, ZeroPositions) = (model, set, tokens, zeroPositions);
        var (layers, width) = (model.Config.Layers, model.Config.Width);
        Frozen = new FrozenRun(model.Config, tokens.Length, workFolder);
        Features = new SparseActivations?[layers];
        Errors = Tensor.Zeros(layers, tokens.Length, width);
        Zeroed = Tensor.Zeros(layers, zeroPositions, width);
        Unexplained = model.Config.PerLayer is null ? null : Tensor.Zeros(layers, tokens.Length, width);
        _inputs = new Tensor?[layers];
    }

    public GemmaModel Model { get; }

    public TranscoderSet Set { get; }

    public int[] Tokens { get; }

    public int ZeroPositions { get; }

    public FrozenRun Frozen { get; }

    /// <summary>Features by layer and position; none at zeroed ones.</summary>
    public SparseActivations?[] Features { get; }

    /// <summary>[layers, T, d].</summary>
    public Tensor Errors { get; }

    /// <summary>[layers, zeroed positions, d].</summary>
    public Tensor Zeroed { get; }

    /// <summary>[layers, T, d] errors, at zeroed positions what is written there, with what the layers' own embeddings add; null where there
    /// are none.</summary>
    public Tensor? Unexplained { get; }

    /// <summary>The run, with embeddings, the final norm's output and the last logits.</summary>
    public ModelRun Run { get; private set; } = null!;

    public void Execute(CancellationToken cancellationToken)
    {
        Set.RequireWhole();
        var layers = Enumerable.Range(0, Model.Config.Layers).ToArray();
        Run = Model.Run(
            Tokens,
            capture: [Site.Embed, new Site(SiteKind.FinalNormOut)],
            edits: [.. Frozen.Readers(), .. layers.SelectMany(layer => Layer(layer, cancellationToken))],
            logits: LogitRows.Last,
            arithmetic: Arithmetic.Exact,
            cancellationToken: cancellationToken
        );
        if (!Finite(Run.LastLogits()))
            throw new ArgumentProblemException("the logits are not finite; weights of the model are damaged", "model");
    }

    /// <summary>Says that another owns the results now.</summary>
    public void Release() => _released = true;

    public void Dispose()
    {
        foreach (var input in _inputs)
            input?.Dispose();
        if (_released)
            return;
        Frozen.Dispose();
        Errors.Dispose();
        Zeroed.Dispose();
        Unexplained?.Dispose();
        Run?.Dispose();
    }

    /// <summary>The edits, which only look, at one layer.</summary>
    private IEnumerable<Edit> Layer(int layer, CancellationToken cancellationToken)
    {
        if (Set[layer] is { } transcoder)
            yield return Edit.Function(
                transcoder.Input,
                (rows, _) =>
                {
                    Features[layer] = WithoutFirst(transcoder.Encode(rows, cancellationToken), ZeroPositions);
                    if (transcoder.Skip is not { } skip)
                        return;
                    _inputs[layer] = Tensor.Uninitialized(rows.Rows, rows.Columns);
                    Compute.Kernels.Multiply(rows, skip, _inputs[layer]!.AsMatrix(), Arithmetic.Exact);
                }
            );
        yield return Edit.Function(Site.MlpOut(layer), (rows, _) => TakeApart(layer, rows));
        if (Unexplained is { } sums)
            yield return Edit.Function(
                new Site(SiteKind.PleOut, layer),
                (rows, _) =>
                {
                    for (var position = 0; position < rows.Rows; position++)
                    {
                        var error =
                            position < ZeroPositions
                                ? Zeroed.Row((long)layer * ZeroPositions + position)
                                : Errors.Row((long)layer * Tokens.Length + position);
                        TensorPrimitives.Add(rows.Row(position), error, sums.Row((long)layer * Tokens.Length + position));
                    }
                }
            );
    }

    private void TakeApart(int layer, MatrixView output)
    {
        using var skip = _inputs[layer];
        _inputs[layer] = null;
        using var reconstruction = Reconstruct(layer, skip);
        for (var position = 0; position < output.Rows; position++)
        {
            var row = output.Row(position);
            if (position >= ZeroPositions)
                TensorPrimitives.Subtract(row, reconstruction.Row(position), Errors.Row((long)layer * Tokens.Length + position));
            else if (skip is not null)
                TensorPrimitives.Subtract(row, skip.Row(position), Zeroed.Row((long)layer * ZeroPositions + position));
            else
                row.CopyTo(Zeroed.Row((long)layer * ZeroPositions + position));
            if (!Finite(row))
                throw new ArgumentProblemException(
                    $"the MLP of layer {layer} gives numbers that are not finite; weights of the model are damaged",
                    "model"
                );
            if (!Finite(reconstruction.Row(position)))
                throw new ArgumentProblemException(
                    $"gives numbers that are not finite for layer {layer}; its weights are damaged, copy or download it again",
                    Set.Dictionaries.First(one => one.InputSites.Any(site => site.Layer == layer)).Name
                );
        }
    }

    /// <summary>b_dec + Σ f W_dec of all layers that write this one + the skip path: [T, d].</summary>
    internal Tensor Reconstruct(int layer, Tensor? skip)
    {
        var y = Tensor.Zeros(Tokens.Length, Model.Config.Width);
        var own = Set[layer];
        for (var position = 0; position < Tokens.Length; position++)
        {
            own?.DecoderBias.CopyTo(y.Row(position));
            if (skip is not null)
                TensorPrimitives.Add(y.Row(position), skip.Row(position), y.Row(position));
        }
        for (var source = 0; source <= layer; source++)
            if (Set[source] is { } transcoder && transcoder.Writes(layer))
                transcoder.AddDecoded(layer, Features[source]!, y.AsMatrix());
        return y;
    }

    private static SparseActivations WithoutFirst(SparseActivations all, int rows)
    {
        var dropped = all.Start(rows);
        var (starts, indices, values) = (new int[all.Rows + 1], new int[all.Count - dropped], new float[all.Count - dropped]);
        for (var row = 0; row < all.Rows; row++)
        {
            starts[row + 1] = Math.Max(0, all.Start(row + 1) - dropped);
            if (row < rows)
                continue;
            all.Indices(row).CopyTo(indices.AsSpan(starts[row]));
            all.Values(row).CopyTo(values.AsSpan(starts[row]));
        }
        return new(all.Width, starts, indices, values);
    }

    private static bool Finite(ReadOnlySpan<float> values) => float.IsFinite(TensorPrimitives.SumOfMagnitudes(values));
}
