namespace GemmaScope.Numerics;

/// <summary>The one door to dense products. Implementations use all worker threads and are safe to call from one thread at a time
/// each.</summary>
public interface IDenseKernels
{
    /// <summary>Name with version and instruction set, as <c>gemmascope info</c> prints it.</summary>
    string Name { get; }

    /// <summary>
    /// y = x · W: <paramref name="x"/> [T, inputs], <paramref name="y"/> [T, outputs]. Weights are read in their stored type.
    /// <see cref="Arithmetic.Fast"/> may round x and weights to bf16; <see cref="Arithmetic.Exact"/> never does.
    /// </summary>
    void Multiply(MatrixView x, WeightView weights, MatrixView y, Arithmetic arithmetic);

    /// <summary>Products of one x, which is made ready once for all of them where that pays.</summary>
    internal void MultiplyEach(MatrixView x, ReadOnlySpan<DenseProduct> products, Arithmetic arithmetic)
    {
        foreach (var (w, y) in products)
            Multiply(x, w, y, arithmetic);
    }

    /// <summary>y = gelu(x · gate) ∘ (x · up), joined while both are in the cache where that pays.</summary>
    /// <param name="x">[T, inputs].</param>
    /// <param name="gate">The weights under the non-linearity.</param>
    /// <param name="up">The others, of the same shape.</param>
    /// <param name="y">[T, outputs].</param>
    /// <param name="room">As large as y; holds anything afterwards.</param>
    /// <param name="arithmetic">How.</param>
    internal void MultiplyGated(MatrixView x, WeightView gate, WeightView up, MatrixView y, MatrixView room, Arithmetic arithmetic)
    {
        MultiplyEach(x, [new(gate, y), new(up, room)], arithmetic);
        Workers.For(x.Rows, new GateRow(y, room));
    }
}

/// <summary>Weights and the matrix [T, outputs] that receives their product with an x.</summary>
internal readonly record struct DenseProduct(WeightView Weights, MatrixView Target);

/// <summary>gate = gelu(gate) ∘ up, a row.</summary>
internal readonly record struct GateRow(MatrixView Gate, MatrixView Up) : IJob
{
    public void Run(int index) => Elementwise.GeluTanhMultiply(Gate.Row(index), Up.Row(index), Gate.Row(index));
}
