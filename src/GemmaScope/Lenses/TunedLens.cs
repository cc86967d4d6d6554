using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>
/// The tuned lens (Belrose et al. 2023, arXiv 2303.08112): of each block an affine map h + A h + b that was trained so that its read-out
/// comes near to the model's prediction.
/// </summary>
public sealed class TunedLens : Lens
{
    internal const string Name = "tuned";

    private readonly SortedDictionary<int, (Tensor A, Tensor B)> _maps = [];
    private readonly IDisposable? _owner;

    /// <summary>A lens of maps.</summary>
    /// <param name="maps">Of each block A [d, d] and b [d]; they belong to the lens.</param>
    /// <param name="origin">Where it comes from.</param>
    /// <param name="owner">Disposed with the lens.</param>
    internal TunedLens(IEnumerable<KeyValuePair<int, (Tensor A, Tensor B)>> maps, LensOrigin origin, IDisposable? owner = null)
    {
        (Origin, _owner) = (origin, owner);
        foreach (var (layer, map) in maps)
            _maps.Add(layer, map);
        Width = _maps.Values.First().A.Columns;
    }

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override int? Width { get; }

    internal override int? LastLayer => _maps.Keys.Max();

    /// <inheritdoc/>
    public override LensOrigin Origin { get; }

    /// <summary>The blocks it has a map for.</summary>
    public IReadOnlyCollection<int> Layers => _maps.Keys;

    /// <inheritdoc/>
    public override bool Has(int layer) => _maps.ContainsKey(layer);

    /// <summary>A [d, d] and b [d] of a block.</summary>
    public (Tensor A, Tensor B) this[int layer] =>
        _maps.TryGetValue(layer, out var map)
            ? map
            : throw new ArgumentProblemException(
                $"was not trained for layer {layer}; it has {string.Join(", ", _maps.Keys)}",
                Origin.File ?? "lens"
            );

    internal override void Carry(int layer, MatrixView residual, MatrixView result)
    {
        var (a, b) = this[layer];
        Compute.Kernels.Multiply(residual, WeightView.Of(a, WeightLayout.OutIn), result, Arithmetic.Exact);
        for (var row = 0; row < residual.Rows; row++)
        {
            TensorPrimitives.Add(result.Row(row), residual.Row(row), result.Row(row));
            TensorPrimitives.Add(result.Row(row), b.AsSpan(), result.Row(row));
        }
    }

    internal override void Back(int layer, MatrixView vectors, MatrixView result)
    {
        var (a, _) = this[layer];
        Compute.Kernels.Multiply(vectors, WeightView.Of(a, WeightLayout.OutIn).Transposed, result, Arithmetic.Exact);
        for (var row = 0; row < vectors.Rows; row++)
            TensorPrimitives.Add(result.Row(row), vectors.Row(row), result.Row(row));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var (a, b) in _maps.Values)
        {
            a.Dispose();
            b.Dispose();
        }
        _owner?.Dispose();
        base.Dispose(disposing);
    }
}
