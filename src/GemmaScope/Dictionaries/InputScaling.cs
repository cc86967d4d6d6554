using System.Numerics.Tensors;

namespace GemmaScope.Dictionaries;

/// <summary>
/// What happens to a row before the encoder, and undone after the decoder. SAELens knows four ways; Gemma Scope's
/// embedding dictionaries need the fixed factor 1/√d (METHODS §2.3).
/// </summary>
internal abstract class InputScaling
{
    /// <summary>Nothing.</summary>
    public static InputScaling None { get; } = new Fixed(1);

    /// <summary>x · factor; the decoder's output is divided by it.</summary>
    public static InputScaling By(float factor) => factor == 1 ? None : new Fixed(factor);

    /// <summary>x · √d / ‖x‖, so that every row has norm √d.</summary>
    public static InputScaling ConstantNorm { get; } = new ToConstantNorm();

    /// <summary>(x − mean) / (std + 1e-5) over the row, with the unbiased deviation.</summary>
    public static InputScaling LayerNorm { get; } = new ToLayerNorm();

    /// <summary>The factor of x where it is the same for all rows, else null.</summary>
    public virtual float? Factor => null;

    /// <summary>The row as the encoder wants it.</summary>
    public abstract void Apply(ReadOnlySpan<float> x, Span<float> scaled);

    /// <summary>Takes a decoder's output back to the scale of x.</summary>
    public abstract void Undo(ReadOnlySpan<float> x, Span<float> y);

    private sealed class Fixed(float factor) : InputScaling
    {
        public override float? Factor => factor;

        public override void Apply(ReadOnlySpan<float> x, Span<float> scaled) => TensorPrimitives.Multiply(x, factor, scaled);

        public override void Undo(ReadOnlySpan<float> x, Span<float> y) => TensorPrimitives.Divide(y, factor, y);
    }

    private sealed class ToConstantNorm : InputScaling
    {
        public override void Apply(ReadOnlySpan<float> x, Span<float> scaled) => TensorPrimitives.Multiply(x, Coefficient(x), scaled);

        public override void Undo(ReadOnlySpan<float> x, Span<float> y) => TensorPrimitives.Divide(y, Coefficient(x), y);

        // A zero row has no direction to scale and stays as it is.
        private static float Coefficient(ReadOnlySpan<float> x)
        {
            var norm = TensorPrimitives.Norm(x);
            return norm > 0 ? MathF.Sqrt(x.Length) / norm : 1;
        }
    }

    private sealed class ToLayerNorm : InputScaling
    {
        public override void Apply(ReadOnlySpan<float> x, Span<float> scaled)
        {
            var (mean, deviation) = Moments(x);
            TensorPrimitives.Subtract(x, mean, scaled);
            TensorPrimitives.Divide(scaled, deviation + 1e-5f, scaled);
        }

        public override void Undo(ReadOnlySpan<float> x, Span<float> y)
        {
            var (mean, deviation) = Moments(x);
            TensorPrimitives.Multiply(y, deviation, y);
            TensorPrimitives.Add(y, mean, y);
        }

        private static (float Mean, float Deviation) Moments(ReadOnlySpan<float> x)
        {
            double sum = 0,
                squares = 0;
            foreach (var v in x)
                sum += v;
            var mean = sum / x.Length;
            foreach (var v in x)
                squares += (v - mean) * (v - mean);
            return ((float)mean, (float)Math.Sqrt(squares / (x.Length - 1)));
        }
    }
}
