using System.Runtime.Intrinsics;

namespace GemmaScope.Numerics;

/// <summary>Work that is compiled once for each vector width and stored type of weights.</summary>
internal interface IKernelCall
{
    void Run<T, TSimd, TFormat>()
        where T : unmanaged
        where TSimd : ISimd<T>
        where TFormat : IWeightFormat;
}

/// <summary>Runs such work in the copy for a width and a type.</summary>
internal static class KernelCall
{
    /// <summary>Runs it for the widest vectors of this machine.</summary>
    public static void Run<TCall>(DType type, TCall call)
        where TCall : struct, IKernelCall
    {
        switch (ManagedKernels.Widest)
        {
            case VectorWidth.V512:
                OfType<Vector512<float>, Simd512, TCall>(type, call);
                break;
            case VectorWidth.V256:
                OfType<Vector256<float>, Simd256, TCall>(type, call);
                break;
            default:
                OfType<Vector128<float>, Simd128, TCall>(type, call);
                break;
        }
    }

    private static void OfType<T, TSimd, TCall>(DType type, TCall call)
        where T : unmanaged
        where TSimd : ISimd<T>
        where TCall : struct, IKernelCall
    {
        switch (type)
        {
            case DType.F32:
                call.Run<T, TSimd, F32Weights>();
                break;
            case DType.BF16:
                call.Run<T, TSimd, BF16Weights>();
                break;
            case DType.F16:
                call.Run<T, TSimd, F16Weights>();
                break;
            default:
                throw new ArgumentException($"weights of type {type} cannot be multiplied");
        }
    }
}
