using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// The decoder vectors of a block of features towards one output site, in their stored type: vector i begins
/// <paramref name="stride"/> · i elements after the first. A scale of each feature, where given, multiplies its vector.
/// </summary>
internal sealed unsafe class DecoderRows(Tensor owner, long start, long stride, int columns, float[]? scale = null)
{
    public int Columns => columns;

    /// <summary>Whether <see cref="Accumulate"/> needs room to widen a vector.</summary>
    public bool NeedsScratch => owner.Type != DType.F32;

    /// <summary>The same vectors with a scale of each feature.</summary>
    public DecoderRows ScaledBy(float[] factors) => new(owner, start, stride, columns, factors);

    /// <summary>Writes one decoder vector.</summary>
    public void Read(int feature, Span<float> vector)
    {
        fixed (float* target = vector[..columns]) Conversions.Widen(Address(feature), owner.Type, target, columns);
        if (scale is not null) TensorPrimitives.Multiply(vector[..columns], scale[feature], vector[..columns]);
    }

    /// <summary>y += f · W_dec for one row of features.</summary>
    /// <param name="indices">Features, counted from <paramref name="offset"/>.</param>
    /// <param name="values">Their activations.</param>
    /// <param name="offset">Index of this block's first feature.</param>
    /// <param name="y">The sum so far.</param>
    /// <param name="vector">Room for one decoder vector if <see cref="NeedsScratch"/>.</param>
    public void Accumulate(ReadOnlySpan<int> indices, ReadOnlySpan<float> values, int offset, Span<float> y, Span<float> vector)
    {
        for (var i = 0; i < indices.Length; i++)
        {
            var feature = indices[i] - offset;
            var value = scale is null ? values[i] : values[i] * scale[feature];
            ReadOnlySpan<float> row;
            if (NeedsScratch)
            {
                fixed (float* target = vector) Conversions.Widen(Address(feature), owner.Type, target, columns);
                row = vector;
            }
            else
            {
                row = new ReadOnlySpan<float>(Address(feature), columns);
            }
            TensorPrimitives.MultiplyAdd(row, value, y, y);
        }
    }

    /// <summary>‖W_dec,i‖ of each of the first <paramref name="features"/> vectors.</summary>
    public float[] Norms(int features)
    {
        var (norms, vector) = (new float[features], new float[columns]);
        for (var i = 0; i < features; i++)
        {
            Read(i, vector);
            double sum = 0;
            foreach (var v in vector) sum += (double)v * v;
            norms[i] = (float)Math.Sqrt(sum);
        }
        return norms;
    }

    private byte* Address(int feature) => owner.Pointer + (start + feature * stride) * owner.Type.Size();
}
