using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// The f32 multiply-add rate that no product can exceed: all workers do nothing else, on registers, in twelve
/// independent chains so that neither latency nor memory holds them up.
/// </summary>
internal static class PeakFlops
{
    private const int Chains = 12;
    private const int Steps = 1 << 16;

    /// <summary>One call takes some milliseconds on each worker.</summary>
    public static Contestant Contestant() =>
        Vector512.IsHardwareAccelerated ? Of<Vector512<float>, Simd512>()
        : Vector256.IsHardwareAccelerated ? Of<Vector256<float>, Simd256>()
        : Of<Vector128<float>, Simd128>();

    private static Contestant Of<T, TSimd>()
        where T : unmanaged
        where TSimd : ISimd<T>
    {
        var parts = 16 * Workers.Count;
        return new(2.0 * Chains * TSimd.Count * Steps * parts, () => Workers.For(parts, new Part<T, TSimd>()));
    }

    private readonly unsafe struct Part<T, TSimd> : IJob
        where T : unmanaged
        where TSimd : ISimd<T>
    {
        private static float s_sink;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index)
        {
            // Every chain tends to 2, far from overflow and from denormal numbers.
            T a = TSimd.Broadcast(0.5f),
                b = TSimd.Broadcast(1f),
                zero = TSimd.Broadcast(index);
            T c0 = zero,
                c1 = zero,
                c2 = zero,
                c3 = zero,
                c4 = zero,
                c5 = zero,
                c6 = zero,
                c7 = zero,
                c8 = zero,
                c9 = zero,
                c10 = zero,
                c11 = zero;
            for (var i = 0; i < Steps; i++)
            {
                c0 = TSimd.MultiplyAdd(c0, a, b);
                c1 = TSimd.MultiplyAdd(c1, a, b);
                c2 = TSimd.MultiplyAdd(c2, a, b);
                c3 = TSimd.MultiplyAdd(c3, a, b);
                c4 = TSimd.MultiplyAdd(c4, a, b);
                c5 = TSimd.MultiplyAdd(c5, a, b);
                c6 = TSimd.MultiplyAdd(c6, a, b);
                c7 = TSimd.MultiplyAdd(c7, a, b);
                c8 = TSimd.MultiplyAdd(c8, a, b);
                c9 = TSimd.MultiplyAdd(c9, a, b);
                c10 = TSimd.MultiplyAdd(c10, a, b);
                c11 = TSimd.MultiplyAdd(c11, a, b);
            }
            // The result is used, so that the loop is not optimised away.
            s_sink =
                TSimd.Sum(c0)
                + TSimd.Sum(c1)
                + TSimd.Sum(c2)
                + TSimd.Sum(c3)
                + TSimd.Sum(c4)
                + TSimd.Sum(c5)
                + TSimd.Sum(c6)
                + TSimd.Sum(c7)
                + TSimd.Sum(c8)
                + TSimd.Sum(c9)
                + TSimd.Sum(c10)
                + TSimd.Sum(c11);
        }
    }
}
