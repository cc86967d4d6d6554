using System.Runtime.Intrinsics;

namespace GemmaScope.Numerics;

/// <summary>
/// Dense kernels in C# alone, for every processor .NET runs on. Which kernel: a dot product per output for one or a
/// few rows of x, scaled additions where the weights lie the other way, a packed tile product for many rows.
/// </summary>
public sealed unsafe class ManagedKernels : IDenseKernels
{
    /// <summary>From this many rows of x on, repacking the weights pays.</summary>
    private const int PackedRows = 32;

    internal static readonly VectorWidth Widest =
        Vector512.IsHardwareAccelerated ? VectorWidth.V512
        : Vector256.IsHardwareAccelerated ? VectorWidth.V256
        : VectorWidth.V128;

    private readonly VectorWidth _width;

    /// <summary>Kernels for the widest vectors of this machine.</summary>
    public ManagedKernels()
        : this(Widest) { }

    internal ManagedKernels(VectorWidth width) => _width = width;

    /// <inheritdoc/>
    public string Name => $"managed, {32 * (int)_width}-bit vectors";

    /// <inheritdoc/>
    public void Multiply(MatrixView x, WeightView weights, MatrixView y, Arithmetic arithmetic) =>
        Multiply(_width, x, weights, y, arithmetic == Arithmetic.Fast, here: false);

    void IDenseKernels.MultiplyGated(MatrixView x, WeightView gate, WeightView up, MatrixView y, MatrixView room, Arithmetic arithmetic)
    {
        DenseArguments.Check(x, gate, y);
        DenseArguments.Check(x, up, room);
        var alike = gate.Type == up.Type && gate.Layout == up.Layout && gate.Outputs == up.Outputs;
        if (x.Rows >= PackedRows && x.Columns > 0 && alike && _width == Widest)
        {
            var call = new GatedCall(x, gate, up, y, room, arithmetic == Arithmetic.Fast);
            KernelCall.Run(gate.Type.IsBlockType() ? DType.F32 : gate.Type, call);
            return;
        }
        Multiply(x, gate, y, arithmetic);
        Multiply(x, up, room, arithmetic);
        Workers.For(x.Rows, new GateRow(y, room));
    }

    private readonly struct GatedCall(MatrixView x, WeightView gate, WeightView up, MatrixView y, MatrixView room, bool round) : IKernelCall
    {
        public void Run<T, TSimd, TFormat>()
            where T : unmanaged
            where TSimd : ISimd<T>
            where TFormat : IWeightFormat => PackedKernel<T, TSimd, TFormat>.MultiplyGated(x, gate, up, y, room, round);
    }

    /// <summary>The same product in exact arithmetic on the calling thread alone, for use inside a <see cref="IJob"/>.</summary>
    public static void MultiplyHere(MatrixView x, WeightView weights, MatrixView y) =>
        Multiply(Widest, x, weights, y, round: false, here: true);

    internal static void Multiply(VectorWidth width, MatrixView x, WeightView w, MatrixView y, bool round, bool here)
    {
        DenseArguments.Check(x, w, y);
        if (x.Rows == 0 || w.Outputs == 0)
            return;
        if (w.Type.IsBlockType() && w.Inputs > 0)
        {
            BlockProducts.Multiply(width, x, w, y, round, here);
            return;
        }
        switch (width)
        {
            case VectorWidth.V512:
                OfType<Vector512<float>, Simd512>(x, w, y, round, here);
                break;
            case VectorWidth.V256:
                OfType<Vector256<float>, Simd256>(x, w, y, round, here);
                break;
            default:
                OfType<Vector128<float>, Simd128>(x, w, y, round, here);
                break;
        }
    }

    private static void OfType<T, TSimd>(MatrixView x, WeightView w, MatrixView y, bool round, bool here)
        where T : unmanaged
        where TSimd : ISimd<T>
    {
        switch (w.Type)
        {
            case DType.F32:
                OfShape<T, TSimd, F32Weights>(x, w, y, round, here);
                break;
            case DType.BF16:
                OfShape<T, TSimd, BF16Weights>(x, w, y, round, here);
                break;
            default:
                OfShape<T, TSimd, F16Weights>(x, w, y, round, here);
                break;
        }
    }

    private static void OfShape<T, TSimd, TFormat>(MatrixView x, WeightView w, MatrixView y, bool round, bool here)
        where T : unmanaged
        where TSimd : ISimd<T>
        where TFormat : IWeightFormat
    {
        if (x.Rows >= PackedRows && w.Inputs > 0)
            PackedKernel<T, TSimd, TFormat>.Multiply(x, w, y, round, here);
        else if (w.Layout == WeightLayout.InOut)
            AxpyKernel<T, TSimd, TFormat>.Multiply(x, w, y, round, here);
        else if (x.Rows == 1 && round && TFormat.Size == 2)
            RowKernel<T, TSimd, TFormat, BF16Weights>.Multiply(x, w, y, round, here);
        else if (x.Rows == 1)
            RowKernel<T, TSimd, TFormat, F32Weights>.Multiply(x, w, y, round, here);
        else
            DotKernel<T, TSimd, TFormat>.Multiply(x, w, y, round, here);
    }
}
