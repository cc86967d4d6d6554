using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// Sums over a few rows of a matrix, chosen by a list. Four rows are read together, so that the sum is loaded and stored once for them.
/// </summary>
internal static unsafe class EntryKernels
{
    /// <summary>sum += Σ_k factors[k] · matrix[rows[k]].</summary>
    /// <param name="matrix">First element of the matrix.</param>
    /// <param name="stride">Elements between its rows.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="factors">Their factors.</param>
    /// <param name="sum">The sum; its length is the width.</param>
    public static void Add(float* matrix, long stride, ReadOnlySpan<int> rows, ReadOnlySpan<float> factors, Span<float> sum)
    {
        fixed (float* target = sum)
        {
            if (Vector512.IsHardwareAccelerated)
                Of<Vector512<float>, Simd512>.Add(matrix, stride, rows, factors, target, sum.Length);
            else if (Vector256.IsHardwareAccelerated)
                Of<Vector256<float>, Simd256>.Add(matrix, stride, rows, factors, target, sum.Length);
            else
                Of<Vector128<float>, Simd128>.Add(matrix, stride, rows, factors, target, sum.Length);
        }
    }

    /// <summary>The same, and dots[k] = ⟨matrix[rows[k]], w⟩ while the row is at hand.</summary>
    public static void AddAndDot(
        float* matrix,
        long stride,
        ReadOnlySpan<int> rows,
        ReadOnlySpan<float> factors,
        float* w,
        Span<float> sum,
        Span<float> dots
    )
    {
        fixed (float* target = sum)
        {
            if (Vector512.IsHardwareAccelerated)
                Of<Vector512<float>, Simd512>.AddAndDot(matrix, stride, rows, factors, w, target, dots, sum.Length);
            else if (Vector256.IsHardwareAccelerated)
                Of<Vector256<float>, Simd256>.AddAndDot(matrix, stride, rows, factors, w, target, dots, sum.Length);
            else
                Of<Vector128<float>, Simd128>.AddAndDot(matrix, stride, rows, factors, w, target, dots, sum.Length);
        }
    }

    private static class Of<T, TSimd>
        where T : unmanaged
        where TSimd : ISimd<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Add(float* matrix, long stride, ReadOnlySpan<int> rows, ReadOnlySpan<float> factors, float* sum, int width)
        {
            var whole = width - width % TSimd.Count;
            for (var k = 0; k < rows.Length; k += 4)
            {
                var (r1, r2, r3) = (Next(rows, k, 1), Next(rows, k, 2), Next(rows, k, 3));
                float f0 = factors[k],
                    f1 = r1 < 0 ? 0 : factors[k + 1],
                    f2 = r2 < 0 ? 0 : factors[k + 2],
                    f3 = r3 < 0 ? 0 : factors[k + 3];
                var g0 = matrix + rows[k] * stride;
                float* g1 = r1 < 0 ? g0 : matrix + r1 * stride,
                    g2 = r2 < 0 ? g0 : matrix + r2 * stride,
                    g3 = r3 < 0 ? g0 : matrix + r3 * stride;
                T b0 = TSimd.Broadcast(f0),
                    b1 = TSimd.Broadcast(f1),
                    b2 = TSimd.Broadcast(f2),
                    b3 = TSimd.Broadcast(f3);
                for (var i = 0; i < whole; i += TSimd.Count)
                {
                    var s = TSimd.MultiplyAdd(TSimd.Load(g0 + i), b0, TSimd.Load(sum + i));
                    s = TSimd.MultiplyAdd(TSimd.Load(g1 + i), b1, s);
                    s = TSimd.MultiplyAdd(TSimd.Load(g2 + i), b2, s);
                    TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(g3 + i), b3, s), sum + i);
                }
                for (var i = whole; i < width; i++)
                    sum[i] += g0[i] * f0 + g1[i] * f1 + g2[i] * f2 + g3[i] * f3;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void AddAndDot(
            float* matrix,
            long stride,
            ReadOnlySpan<int> rows,
            ReadOnlySpan<float> factors,
            float* w,
            float* sum,
            Span<float> dots,
            int width
        )
        {
            var whole = width - width % TSimd.Count;
            for (var k = 0; k < rows.Length; k += 4)
            {
                var (r1, r2, r3) = (Next(rows, k, 1), Next(rows, k, 2), Next(rows, k, 3));
                float f0 = factors[k],
                    f1 = r1 < 0 ? 0 : factors[k + 1],
                    f2 = r2 < 0 ? 0 : factors[k + 2],
                    f3 = r3 < 0 ? 0 : factors[k + 3];
                var g0 = matrix + rows[k] * stride;
                float* g1 = r1 < 0 ? g0 : matrix + r1 * stride,
                    g2 = r2 < 0 ? g0 : matrix + r2 * stride,
                    g3 = r3 < 0 ? g0 : matrix + r3 * stride;
                T b0 = TSimd.Broadcast(f0),
                    b1 = TSimd.Broadcast(f1),
                    b2 = TSimd.Broadcast(f2),
                    b3 = TSimd.Broadcast(f3);
                T d0 = default,
                    d1 = default,
                    d2 = default,
                    d3 = default;
                for (var i = 0; i < whole; i += TSimd.Count)
                {
                    T at = TSimd.Load(w + i),
                        v0 = TSimd.Load(g0 + i),
                        v1 = TSimd.Load(g1 + i),
                        v2 = TSimd.Load(g2 + i),
                        v3 = TSimd.Load(g3 + i);
                    d0 = TSimd.MultiplyAdd(v0, at, d0);
                    d1 = TSimd.MultiplyAdd(v1, at, d1);
                    d2 = TSimd.MultiplyAdd(v2, at, d2);
                    d3 = TSimd.MultiplyAdd(v3, at, d3);
                    var s = TSimd.MultiplyAdd(v0, b0, TSimd.Load(sum + i));
                    s = TSimd.MultiplyAdd(v1, b1, s);
                    s = TSimd.MultiplyAdd(v2, b2, s);
                    TSimd.Store(TSimd.MultiplyAdd(v3, b3, s), sum + i);
                }
                float t0 = TSimd.Sum(d0),
                    t1 = TSimd.Sum(d1),
                    t2 = TSimd.Sum(d2),
                    t3 = TSimd.Sum(d3);
                for (var i = whole; i < width; i++)
                {
                    sum[i] += g0[i] * f0 + g1[i] * f1 + g2[i] * f2 + g3[i] * f3;
                    t0 += g0[i] * w[i];
                    t1 += g1[i] * w[i];
                    t2 += g2[i] * w[i];
                    t3 += g3[i] * w[i];
                }
                dots[k] = t0;
                if (r1 >= 0)
                    dots[k + 1] = t1;
                if (r2 >= 0)
                    dots[k + 2] = t2;
                if (r3 >= 0)
                    dots[k + 3] = t3;
            }
        }

        // Past the end there is no row; the first is read again with factor 0.
        private static int Next(ReadOnlySpan<int> rows, int k, int ahead) => k + ahead < rows.Length ? rows[k + ahead] : -1;
    }
}
