using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>Cosines and sines of RoPE for positions 0 … n − 1, grown on demand; angles in f64, stored as f32 (METHODS §1.2).</summary>
internal sealed unsafe class RotaryTable(RopeSettings settings, int headSize, int maxPositions)
{
    private readonly int _half = headSize / 2;
    private readonly Lock _lock = new();
    private volatile Tensor? _rows;

    /// <summary>[positions, 2 · h/2]: the cosines of a position, then its sines. Valid as long as the caller holds it.</summary>
    public Tensor Rows(int positions)
    {
        if (_rows is { } rows && rows.Rows >= positions)
            return rows;
        lock (_lock)
        {
            if (_rows is not { } old || old.Rows < positions)
                _rows = Make((int)Math.Min(maxPositions, Math.Max(256, positions * 2L)));
            return _rows;
        }
    }

    private Tensor Make(int positions)
    {
        // Pairs that do not turn keep the angle 0; the exponent counts over the whole head.
        var inverse = new double[_half];
        for (var j = 0; j < (int)(settings.Rotated * _half); j++)
            inverse[j] = Math.Pow(settings.Theta, -2.0 * j / headSize) / settings.Factor;
        var rows = Tensor.Uninitialized(positions, headSize);
        for (var position = 0; position < positions; position++)
        {
            var row = rows.Row(position);
            for (var j = 0; j < _half; j++)
            {
                var (sine, cosine) = Math.SinCos(position * inverse[j]);
                (row[j], row[_half + j]) = ((float)cosine, (float)sine);
            }
        }
        return rows;
    }
}
