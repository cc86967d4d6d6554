namespace GemmaScope.Numerics;

/// <summary>The one door to dense products. Implementations use all worker threads and are safe to call from one thread at a time
/// each.</summary>
public interface IDenseKernels
{
    /// <summary>Name with version and instruction set, as <c>gemmascope info</c> prints it.</summary>
    string Name { get; }

    /// <summary>
    /// y = x · W: <paramref name="x"/> [T, inputs], <paramref name="y"/> [T, outputs]. Weights are read in their stored type.
    /// <see cref="Arithmetic.Fast"/> may round x (and f32 weights) to bf16; <see cref="Arithmetic.Exact"/> never does.
    /// </summary>
    void Multiply(MatrixView x, WeightView weights, MatrixView y, Arithmetic arithmetic);
}
