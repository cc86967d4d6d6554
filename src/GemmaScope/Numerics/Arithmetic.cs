namespace GemmaScope.Numerics;

/// <summary>How the big products are computed; named wherever a number is printed.</summary>
public enum Arithmetic
{
    /// <summary>f32 activations, f32 accumulation: goldens, thresholds, training.</summary>
    Exact,

    /// <summary>Activations rounded to bf16 before the product, f32 accumulation, as a bf16 reference run does.</summary>
    Fast,
}
