namespace GemmaScope.Numerics;

/// <summary>The kernels and arithmetic of this process, chosen once at start.</summary>
public static class Compute
{
    /// <summary>The dense kernels in use.</summary>
    public static IDenseKernels Kernels { get; private set; } = new ManagedKernels();

    /// <summary>The arithmetic used where a caller names none.</summary>
    public static Arithmetic DefaultArithmetic { get; set; } = Arithmetic.Exact;
}
