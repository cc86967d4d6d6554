using System.Runtime.CompilerServices;

namespace GemmaScope.Numerics;

/// <summary>How a kernel reads weights of one stored type as f32 vectors.</summary>
internal unsafe interface IWeightFormat
{
    static abstract DType Type { get; }

    /// <summary>Bytes of one value.</summary>
    static abstract int Size { get; }

    /// <summary>Count consecutive values.</summary>
    static abstract T Load<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T>;

    /// <summary>
    /// One half of the 2·Count values at p: the even positions of 16-bit types, which are cheapest to widen, the
    /// first Count of f32. <see cref="DotKernel{T, TSimd, TFormat}"/> lays x out to match.
    /// </summary>
    static abstract T First<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T>;

    /// <summary>The other half.</summary>
    static abstract T Second<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T>;

    /// <summary>
    /// Stores lanes as loaded from memory: one vector for 32-bit types; for 16-bit ones, two of a stored row to a lane,
    /// the earlier values at <paramref name="target"/> and the later ones <paramref name="stride"/> behind.
    /// </summary>
    static abstract void StoreLanes<T, TSimd>(T lanes, float* target, long stride)
        where T : unmanaged
        where TSimd : ISimd<T>;
}

/// <inheritdoc/>
internal readonly unsafe struct F32Weights : IWeightFormat
{
    public static DType Type => DType.F32;

    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T First<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Second<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.Load((float*)p + TSimd.Count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLanes<T, TSimd>(T lanes, float* target, long stride)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.Store(lanes, target);
}

/// <inheritdoc/>
internal readonly unsafe struct BF16Weights : IWeightFormat
{
    public static DType Type => DType.BF16;

    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.LoadBF16(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T First<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.EvenBF16(TSimd.Load((float*)p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Second<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.OddBF16(TSimd.Load((float*)p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLanes<T, TSimd>(T lanes, float* target, long stride)
        where T : unmanaged
        where TSimd : ISimd<T>
    {
        TSimd.Store(TSimd.EvenBF16(lanes), target);
        TSimd.Store(TSimd.OddBF16(lanes), target + stride);
    }
}

/// <inheritdoc/>
internal readonly unsafe struct F16Weights : IWeightFormat
{
    public static DType Type => DType.F16;

    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.LoadF16(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T First<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.EvenF16(TSimd.Load((float*)p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Second<T, TSimd>(byte* p)
        where T : unmanaged
        where TSimd : ISimd<T> => TSimd.OddF16(TSimd.Load((float*)p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLanes<T, TSimd>(T lanes, float* target, long stride)
        where T : unmanaged
        where TSimd : ISimd<T>
    {
        TSimd.Store(TSimd.EvenF16(lanes), target);
        TSimd.Store(TSimd.OddF16(lanes), target + stride);
    }
}
