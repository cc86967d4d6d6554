using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>The control of a lens: the same maps on a residual stream whose dimensions have changed places. Lengths and the numbers are the
/// same; what is read means nothing.</summary>
public sealed class ShuffledLens : Lens
{
    private readonly Lens _lens;
    private readonly int[] _places;

    /// <summary>A control.</summary>
    /// <param name="lens">The lens, which stays its caller's.</param>
    /// <param name="width">Width of the residual stream.</param>
    /// <param name="seed">The same seed gives the same places.</param>
    public ShuffledLens(Lens lens, int width, int seed)
    {
        (_lens, _places) = (lens, [.. Enumerable.Range(0, width)]);
        new Random(seed).Shuffle(_places);
    }

    /// <inheritdoc/>
    public override string Kind => $"shuffled {_lens.Kind}";

    /// <inheritdoc/>
    public override int? Width => _places.Length;

    internal override int? LastLayer => _lens.LastLayer;

    /// <inheritdoc/>
    public override LensOrigin Origin => _lens.Origin;

    /// <inheritdoc/>
    public override bool Has(int layer) => _lens.Has(layer);

    internal override void Carry(int layer, MatrixView residual, MatrixView result)
    {
        using var shuffled = Tensor.Uninitialized(residual.Rows, residual.Columns);
        for (var row = 0; row < residual.Rows; row++)
        for (var i = 0; i < _places.Length; i++)
            shuffled.Row(row)[i] = residual.Row(row)[_places[i]];
        _lens.Carry(layer, shuffled.AsMatrix(), result);
    }

    internal override void Back(int layer, MatrixView vectors, MatrixView result)
    {
        using var back = Tensor.Uninitialized(vectors.Rows, vectors.Columns);
        _lens.Back(layer, vectors, back.AsMatrix());
        for (var row = 0; row < vectors.Rows; row++)
        for (var i = 0; i < _places.Length; i++)
            result.Row(row)[_places[i]] = back.Row(row)[i];
    }
}
