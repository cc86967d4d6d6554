namespace GemmaScope.Numerics;

/// <summary>
/// Compares other kernels with the managed ones before they are trusted: an accelerated library has given silently
/// wrong results for long sums, so the check sums 2304 products, with sizes that no block divides too.
/// </summary>
internal static unsafe class SelfCheck
{
    private const int Inputs = 2304;
    private const double Tolerance = 1e-5;

    private static readonly (DType Type, WeightLayout Layout)[] Forms =
    [
        (DType.BF16, WeightLayout.OutIn),
        (DType.F32, WeightLayout.OutIn),
        (DType.F32, WeightLayout.InOut),
    ];

    /// <summary>What is wrong, or null.</summary>
    public static string? Run(IDenseKernels candidate)
    {
        foreach (var (rows, outputs) in new[] { (16, 128), (9, 330), (33, 77) })
        {
            foreach (var (type, layout) in Forms)
            {
                var error = Difference(candidate, rows, outputs, type, layout);
                if (error <= Tolerance)
                    continue;
                return $"{candidate.Name} differs from the managed kernels by {error:E1} of the result's scale for [{rows}, {Inputs}] x "
                    + $"[{Inputs}, {outputs}] of {type}, {layout}";
            }
        }
        return null;
    }

    private static double Difference(IDenseKernels candidate, int rows, int outputs, DType type, WeightLayout layout)
    {
        using var x = Tensor.Uninitialized(rows, Inputs);
        var (stored, columns) = layout == WeightLayout.OutIn ? (outputs, Inputs) : (Inputs, outputs);
        using var values = Tensor.Uninitialized(stored, columns);
        using var narrow = Tensor.Allocate(DType.BF16, [stored, columns]);
        Fill(x.AsSpan(), 1);
        Fill(values.AsSpan(), 2);
        // f32 weights that bf16 holds: rounding them changes nothing.
        Conversions.NarrowToBF16(values.AsSpan(), new Span<ushort>(narrow.Pointer, outputs * Inputs));
        using var wide = narrow.ToF32();
        var weights = type == DType.BF16 ? narrow : wide;
        using var expected = Tensor.Zeros(rows, outputs);
        using var found = Tensor.Zeros(rows, outputs);
        var view = WeightView.Of(weights, layout);
        new ManagedKernels().Multiply(x.AsMatrix(), view, expected.AsMatrix(), Arithmetic.Fast);
        candidate.Multiply(x.AsMatrix(), view, found.AsMatrix(), Arithmetic.Fast);

        double largest = 0,
            worst = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected.Floats[i]));
            worst = Math.Max(worst, Math.Abs((double)found.Floats[i] - expected.Floats[i]));
        }
        return worst / largest;
    }

    // A fixed sequence in (-1, 1) without pattern (a linear congruential generator).
    private static void Fill(Span<float> values, uint seed)
    {
        foreach (ref var v in values)
            v = (int)(seed = seed * 1664525 + 1013904223) * (1f / 2147483648f);
    }
}
