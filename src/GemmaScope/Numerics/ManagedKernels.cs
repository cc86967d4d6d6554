using System.Numerics.Tensors;

namespace GemmaScope.Numerics;

/// <summary>Dense kernels in C# alone.</summary>
public sealed unsafe class ManagedKernels : IDenseKernels
{
    /// <inheritdoc/>
    public string Name => "managed";

    /// <inheritdoc/>
    public void Multiply(MatrixView x, WeightView weights, MatrixView y, Arithmetic arithmetic) =>
        Workers.For(Math.Min(Workers.Count, weights.Outputs), new Part(x, weights, y));

    /// <summary>The same product in exact arithmetic on the calling thread alone, for use inside a <see cref="IJob"/>.</summary>
    public static void MultiplyHere(MatrixView x, WeightView weights, MatrixView y)
    {
        var column = new float[weights.Inputs];
        for (var n = 0; n < weights.Outputs; n++)
        {
            Column(weights, n, column);
            for (var t = 0; t < x.Rows; t++) y.Row(t)[n] = TensorPrimitives.Dot<float>(x.Row(t), column);
        }
    }

    private static void Column(WeightView w, int n, float[] column)
    {
        fixed (float* target = column)
        {
            var size = w.Type.Size();
            if (w.Layout == WeightLayout.OutIn) Conversions.Widen((byte*)w.Data + n * w.Stride * size, w.Type, target, w.Inputs);
            else for (var k = 0; k < w.Inputs; k++) Conversions.Widen((byte*)w.Data + (k * w.Stride + n) * size, w.Type, target + k, 1);
        }
    }

    private readonly record struct Part(MatrixView X, WeightView W, MatrixView Y) : IJob
    {
        public void Run(int index)
        {
            var parts = Math.Min(Workers.Count, W.Outputs);
            var (start, end) = ((int)((long)W.Outputs * index / parts), (int)((long)W.Outputs * (index + 1) / parts));
            MultiplyHere(X, W.SliceOutputs(start, end - start), Y.SliceColumns(start, end - start));
        }
    }
}
