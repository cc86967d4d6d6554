using System.Runtime.InteropServices;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>Fills one row of a tensor.</summary>
internal delegate void RowMaker(int row, Span<float> values);

/// <summary>Reads rows of stored weights as f32 and writes tensors row by row.</summary>
internal static unsafe class WeightRows
{
    /// <summary>The weights of one input to all outputs, whichever of the two is the stored row.</summary>
    public static void Input(WeightView weights, int input, Span<float> values)
    {
        var start = (byte*)weights.Data;
        var size = weights.Type.Size();
        fixed (float* target = values[..weights.Outputs])
        {
            if (weights.Layout == WeightLayout.InOut)
                Conversions.Widen(start + input * weights.Stride * size, weights.Type, target, weights.Outputs);
            else
                for (var i = 0; i < weights.Outputs; i++)
                    Conversions.Widen(start + (i * weights.Stride + input) * size, weights.Type, target + i, 1);
        }
    }

    /// <summary>A tensor of F32 or BF16 whose rows (along the last dimension) are made one after the other.</summary>
    public static TensorSource Source(string name, ReadOnlySpan<long> shape, DType type, RowMaker make)
    {
        var columns = checked((int)shape[^1]);
        long rows = 1;
        foreach (var n in shape[..^1])
            rows *= n;
        return new TensorSource(
            name,
            type,
            shape,
            stream =>
            {
                var (values, narrow) = (new float[columns], new ushort[type == DType.BF16 ? columns : 0]);
                for (var row = 0; row < rows; row++)
                {
                    make(row, values);
                    if (type == DType.BF16)
                        Conversions.NarrowToBF16(values, narrow);
                    stream.Write(type == DType.BF16 ? MemoryMarshal.AsBytes<ushort>(narrow) : MemoryMarshal.AsBytes<float>(values));
                }
            }
        );
    }
}
