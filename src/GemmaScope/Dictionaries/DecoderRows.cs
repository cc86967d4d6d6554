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

    /// <summary>The same vectors with a scale of each feature.</summary>
    public DecoderRows ScaledBy(float[] factors) => new(owner, start, stride, columns, factors);

    /// <summary>Writes one decoder vector.</summary>
    public void Read(int feature, Span<float> vector)
    {
        fixed (float* target = vector[..columns])
            Conversions.Widen(Address(feature), owner.Type, target, columns);
        if (scale is not null)
            TensorPrimitives.Multiply(vector[..columns], scale[feature], vector[..columns]);
    }

    /// <summary>y := start + F · W_dec.</summary>
    /// <param name="f">F, its features counted from <paramref name="offset"/>.</param>
    /// <param name="offset">Index of this block's first feature.</param>
    /// <param name="start">What each row of y begins with; null: what it holds.</param>
    /// <param name="y">[rows, columns].</param>
    public void Multiply(FeatureColumns f, int offset, float[]? start, MatrixView y) =>
        SparseJobs.Multiply(f, owner.Type, View(offset), start, y);

    /// <summary>Adds g · W_dec,i of each entry of F to its place.</summary>
    /// <param name="f">F.</param>
    /// <param name="g">[rows, columns].</param>
    /// <param name="products">One number for each entry, by rows.</param>
    public void AddDots(FeatureColumns f, MatrixView g, float* products) => SparseJobs.AddDots(f, owner.Type, View(0), g, products);

    /// <summary>‖W_dec,i‖ of each of the first <paramref name="features"/> vectors.</summary>
    public float[] Norms(int features)
    {
        var (norms, vector) = (new float[features], new float[columns]);
        for (var i = 0; i < features; i++)
        {
            Read(i, vector);
            double sum = 0;
            foreach (var v in vector)
                sum += (double)v * v;
            norms[i] = (float)Math.Sqrt(sum);
        }
        return norms;
    }

    private DecoderView View(int offset) => new((nint)Address(0), stride * owner.Type.Size(), offset, scale);

    private byte* Address(int feature) => owner.Pointer + (start + feature * stride) * owner.Type.Size();
}
