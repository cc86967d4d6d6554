using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace GemmaScope.Numerics;

/// <summary>Vector widths of the managed kernels, in f32 lanes.</summary>
internal enum VectorWidth
{
    V128 = 4,
    V256 = 8,
    V512 = 16,
}

/// <summary>
/// What the kernels need of a vector of f32 lanes. The kernels are written once against it; the compiler makes
/// one copy per width, with every call below a single instruction or two.
/// </summary>
internal unsafe interface ISimd<T>
    where T : unmanaged
{
    static abstract int Count { get; }

    /// <summary>Registers allow a tile of 24 accumulators besides its operands.</summary>
    static abstract bool ManyRegisters { get; }

    static abstract T Load(float* p);
    static abstract void Store(T v, float* p);
    static abstract T Broadcast(float value);
    static abstract T Add(T a, T b);
    static abstract T Multiply(T a, T b);
    static abstract T MultiplyAdd(T a, T b, T sum);
    static abstract float Sum(T v);

    /// <summary>Adds the groups of four lanes onto each other.</summary>
    static abstract Vector128<float> Fold(T v);

    /// <summary>Count consecutive bf16 values.</summary>
    static abstract T LoadBF16(void* p);

    /// <summary>Count consecutive binary16 values.</summary>
    static abstract T LoadF16(void* p);

    /// <summary>Of two 16-bit values in each lane, the one at the lower address: no lane is crossed.</summary>
    static abstract T EvenBF16(T pairs);
    static abstract T EvenF16(T pairs);

    /// <summary>The one at the higher address.</summary>
    static abstract T OddBF16(T pairs);
    static abstract T OddF16(T pairs);

    /// <summary>Four lanes from p, four from p + stride, … until all are filled.</summary>
    static abstract T LoadFours(byte* p, long stride);

    /// <summary>a0 b0 a1 b1 within each group of four lanes.</summary>
    static abstract T ZipLow(T a, T b);

    /// <summary>a2 b2 a3 b3 within each group of four lanes.</summary>
    static abstract T ZipHigh(T a, T b);

    /// <summary>Adds the products of sixteen whole numbers and what lies at x.</summary>
    static abstract T Dot16(Vector128<sbyte> numbers, float* x, T sum);

    /// <summary>Stores scale · number + offset of sixteen whole numbers.</summary>
    static abstract void Store16(Vector128<sbyte> numbers, float scale, float offset, float* target);

    /// <summary>Whether a vector holds a table of 16 values that an instruction looks up.</summary>
    static virtual bool LooksUp => false;

    /// <summary>The table of sixteen whole numbers.</summary>
    static virtual T Table(Vector128<sbyte> numbers) => throw new NotSupportedException();

    /// <summary>Sixteen bytes as whole numbers of 32 bits.</summary>
    static virtual T Bytes(byte* bytes) => throw new NotSupportedException();

    /// <summary>What the table has at 4 bits of such numbers, from bit <paramref name="shift"/> on.</summary>
    static virtual T LookUp(T table, T numbers, int shift) => throw new NotSupportedException();
}

/// <inheritdoc/>
internal readonly unsafe struct Simd128 : ISimd<Vector128<float>>
{
    public static int Count => 4;

    public static bool ManyRegisters => AdvSimd.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* p) => Vector128.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> v, float* p) => v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> sum) =>
        Vector128.MultiplyAddEstimate(a, b, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> v) => Vector128.Sum(v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fold(Vector128<float> v) => v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadBF16(void* p) => (Widen(p) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> EvenBF16(Vector128<float> pairs) => (pairs.AsUInt32() << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> OddBF16(Vector128<float> pairs) => (pairs.AsUInt32() & Vector128.Create(0xFFFF0000)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadF16(void* p) => FromHalf(Widen(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> EvenF16(Vector128<float> pairs) => FromHalf(pairs.AsUInt32() & Vector128.Create(0xFFFFu));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> OddF16(Vector128<float> pairs) => FromHalf(pairs.AsUInt32() >>> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadFours(byte* p, long stride) => Vector128.Load((float*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ZipLow(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ZipHigh(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Dot16(Vector128<sbyte> numbers, float* x, Vector128<float> sum)
    {
        var (low, high) = Vector128.Widen(numbers);
        sum = MultiplyAdd(Vector128.ConvertToSingle(Vector128.WidenLower(low)), Load(x), sum);
        sum = MultiplyAdd(Vector128.ConvertToSingle(Vector128.WidenUpper(low)), Load(x + 4), sum);
        sum = MultiplyAdd(Vector128.ConvertToSingle(Vector128.WidenLower(high)), Load(x + 8), sum);
        return MultiplyAdd(Vector128.ConvertToSingle(Vector128.WidenUpper(high)), Load(x + 12), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16(Vector128<sbyte> numbers, float scale, float offset, float* target)
    {
        var (low, high) = Vector128.Widen(numbers);
        Store(Vector128.ConvertToSingle(Vector128.WidenLower(low)) * scale + Broadcast(offset), target);
        Store(Vector128.ConvertToSingle(Vector128.WidenUpper(low)) * scale + Broadcast(offset), target + 4);
        Store(Vector128.ConvertToSingle(Vector128.WidenLower(high)) * scale + Broadcast(offset), target + 8);
        Store(Vector128.ConvertToSingle(Vector128.WidenUpper(high)) * scale + Broadcast(offset), target + 12);
    }

    /// <summary>The lowest four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Widen(Vector128<sbyte> v) => Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(v)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Widen(void* p) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)p).AsUInt16());

    // The magnitude read as a binary32 is 2^112 too small; infinity and NaN need the full exponent.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> FromHalf(Vector128<uint> half)
    {
        var magnitude = (half & Vector128.Create(0x7FFFu)) << 13;
        var special = Vector128.GreaterThan(magnitude, Vector128.Create(0x0F7FFFFFu)) & Vector128.Create(0x7F800000u);
        var sign = (half & Vector128.Create(0x8000u)) << 16;
        return ((magnitude.AsSingle() * Vector128.Create(5.192296858534828e33f)).AsUInt32() | special | sign).AsSingle();
    }
}

/// <inheritdoc/>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    public static int Count => 8;

    public static bool ManyRegisters => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* p) => Vector256.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> v, float* p) => v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> sum) =>
        Vector256.MultiplyAddEstimate(a, b, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> v) => Vector256.Sum(v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fold(Vector256<float> v) => Simd128.Fold(v.GetLower() + v.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBF16(void* p) => (Widen(Vector128.Load((ushort*)p)) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> EvenBF16(Vector256<float> pairs) => (pairs.AsUInt32() << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> OddBF16(Vector256<float> pairs) => (pairs.AsUInt32() & Vector256.Create(0xFFFF0000)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadF16(void* p) => FromHalf(Widen(Vector128.Load((ushort*)p)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> EvenF16(Vector256<float> pairs) => FromHalf(pairs.AsUInt32() & Vector256.Create(0xFFFFu));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> OddF16(Vector256<float> pairs) => FromHalf(pairs.AsUInt32() >>> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadFours(byte* p, long stride) =>
        Vector256.Create(Simd128.LoadFours(p, stride), Simd128.LoadFours(p + stride, stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ZipLow(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported
            ? Avx.UnpackLow(a, b)
            : Vector256.Create(Simd128.ZipLow(a.GetLower(), b.GetLower()), Simd128.ZipLow(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ZipHigh(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported
            ? Avx.UnpackHigh(a, b)
            : Vector256.Create(Simd128.ZipHigh(a.GetLower(), b.GetLower()), Simd128.ZipHigh(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Dot16(Vector128<sbyte> numbers, float* x, Vector256<float> sum) =>
        MultiplyAdd(Widen(Upper(numbers)), Load(x + 8), MultiplyAdd(Widen(numbers), Load(x), sum));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16(Vector128<sbyte> numbers, float scale, float offset, float* target)
    {
        Store(Widen(numbers) * scale + Broadcast(offset), target);
        Store(Widen(Upper(numbers)) * scale + Broadcast(offset), target + 8);
    }

    /// <summary>The lower eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Widen(Vector128<sbyte> v) =>
        Avx2.IsSupported
            ? Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(v))
            : Vector256.Create(Simd128.Widen(v), Simd128.Widen((v.AsUInt64() >> 32).AsSByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> Upper(Vector128<sbyte> v) =>
        Sse2.IsSupported ? Sse2.ShiftRightLogical128BitLane(v, 8) : Vector128.Create(v.GetUpper(), v.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Widen(Vector128<ushort> v) =>
        Avx2.IsSupported ? Avx2.ConvertToVector256Int32(v).AsUInt32() : Vector256.Create(Vector128.WidenLower(v), Vector128.WidenUpper(v));

    // The magnitude read as a binary32 is 2^112 too small; infinity and NaN need the full exponent.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FromHalf(Vector256<uint> half)
    {
        var magnitude = (half & Vector256.Create(0x7FFFu)) << 13;
        var special = Vector256.GreaterThan(magnitude, Vector256.Create(0x0F7FFFFFu)) & Vector256.Create(0x7F800000u);
        var sign = (half & Vector256.Create(0x8000u)) << 16;
        return ((magnitude.AsSingle() * Vector256.Create(5.192296858534828e33f)).AsUInt32() | special | sign).AsSingle();
    }
}

/// <inheritdoc/>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    public static int Count => 16;

    public static bool ManyRegisters => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* p) => Vector512.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> v, float* p) => v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> sum) =>
        Vector512.MultiplyAddEstimate(a, b, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> v) => Vector512.Sum(v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fold(Vector512<float> v) => Simd256.Fold(v.GetLower() + v.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBF16(void* p) => (Widen(Vector256.Load((ushort*)p)) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> EvenBF16(Vector512<float> pairs) => (pairs.AsUInt32() << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OddBF16(Vector512<float> pairs) => (pairs.AsUInt32() & Vector512.Create(0xFFFF0000)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadF16(void* p) => FromHalf(Widen(Vector256.Load((ushort*)p)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> EvenF16(Vector512<float> pairs) => FromHalf(pairs.AsUInt32() & Vector512.Create(0xFFFFu));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> OddF16(Vector512<float> pairs) => FromHalf(pairs.AsUInt32() >>> 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadFours(byte* p, long stride) =>
        Vector512.Create(Simd256.LoadFours(p, stride), Simd256.LoadFours(p + 2 * stride, stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ZipLow(Vector512<float> a, Vector512<float> b) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackLow(a, b)
            : Vector512.Create(Simd256.ZipLow(a.GetLower(), b.GetLower()), Simd256.ZipLow(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ZipHigh(Vector512<float> a, Vector512<float> b) =>
        Avx512F.IsSupported
            ? Avx512F.UnpackHigh(a, b)
            : Vector512.Create(Simd256.ZipHigh(a.GetLower(), b.GetLower()), Simd256.ZipHigh(a.GetUpper(), b.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Dot16(Vector128<sbyte> numbers, float* x, Vector512<float> sum) =>
        MultiplyAdd(Widen(numbers), Load(x), sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16(Vector128<sbyte> numbers, float scale, float offset, float* target) =>
        Store(Widen(numbers) * scale + Broadcast(offset), target);

    public static bool LooksUp => Avx512F.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Table(Vector128<sbyte> numbers) => Widen(numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Bytes(byte* bytes) => Avx512F.ConvertToVector512Int32(Vector128.Load(bytes)).AsSingle();

    // The instruction minds the lowest 4 bits alone.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LookUp(Vector512<float> table, Vector512<float> numbers, int shift) =>
        Avx512F.PermuteVar16x32(table, numbers.AsInt32() >>> shift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector128<sbyte> v) =>
        Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(v))
            : Vector512.Create(Simd256.Widen(v), Simd256.Widen(Vector128.Create(v.GetUpper(), v.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Widen(Vector256<ushort> v) =>
        Avx512F.IsSupported ? Avx512F.ConvertToVector512UInt32(v) : Vector512.Create(Vector256.WidenLower(v), Vector256.WidenUpper(v));

    // The magnitude read as a binary32 is 2^112 too small; infinity and NaN need the full exponent.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> FromHalf(Vector512<uint> half)
    {
        var magnitude = (half & Vector512.Create(0x7FFFu)) << 13;
        var special = Vector512.GreaterThan(magnitude, Vector512.Create(0x0F7FFFFFu)) & Vector512.Create(0x7F800000u);
        var sign = (half & Vector512.Create(0x8000u)) << 16;
        return ((magnitude.AsSingle() * Vector512.Create(5.192296858534828e33f)).AsUInt32() | special | sign).AsSingle();
    }
}
