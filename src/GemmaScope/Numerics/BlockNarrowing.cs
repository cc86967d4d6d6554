using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GemmaScope.Numerics;

/// <summary>
/// f32 values as blocks of 32 whole numbers with a binary16 scale: Q8_0 (nearest numbers of 8 bits) and IQ4_NL (numbers of 4 bits from its
/// table, the scale chosen for the least squared error).
/// </summary>
internal static unsafe class BlockNarrowing
{
    /// <summary>Where the search for a scale of 4-bit numbers puts the value of the largest magnitude: around either end of the table.</summary>
    private static readonly float[] Places = [-152, -144, -136, -127, -121, -115, -109, -103, -96, 134, 126, 119, 113, 108, 102, 96, 89];

    /// <summary>Whether values can be written in a type.</summary>
    public static bool Makes(DType type) => type is DType.Q8_0 or DType.IQ4_NL;

    /// <summary>Writes values, which must be finite whole blocks.</summary>
    /// <returns>The squared error; NaN where a value is not finite or too large for any scale.</returns>
    public static double Narrow(ReadOnlySpan<float> values, DType type, Span<byte> target)
    {
        if (!Makes(type) || values.Length % BlockParts.Group != 0 || target.Length != type.ByteLength(values.Length))
            throw new ArgumentException($"{values.Length} values do not fill {target.Length} bytes of {type}");
        var error = 0.0;
        fixed (float* x = values)
        fixed (byte* to = target)
            for (var block = 0; block < values.Length / BlockParts.Group; block++)
            {
                var from = x + block * BlockParts.Group;
                var at = to + block * type.BlockBytes();
                error += type == DType.Q8_0 ? Eight(from, at) : Four(from, at);
            }
        return error;
    }

    private static double Eight(float* x, byte* target)
    {
        var scale = Store(target, MathF.Abs(Largest(x)) / 127);
        var inverse = scale == 0 ? 0 : 1 / scale;
        double error = 0;
        for (var i = 0; i < BlockParts.Group; i++)
        {
            var number = Math.Clamp(MathF.Round(x[i] * inverse), -127, 127);
            *((sbyte*)target + 2 + i) = (sbyte)number;
            var off = x[i] - number * scale;
            error += off * off;
        }
        return double.IsFinite(scale) ? error : double.NaN;
    }

    /// <summary>For given numbers q the best scale is Σ xq / Σ q², and takes (Σ xq)² / Σ q² off the squared error.</summary>
    private static double Four(float* x, byte* target)
    {
        var largest = Largest(x);
        float best = 0,
            chosen = 0;
        if (largest != 0)
            foreach (var place in Places)
            {
                var (products, squares) = Fit(x, Vector256.Create(place / largest));
                if (products * products > best * squares)
                    (best, chosen) = (products * products / squares, products / squares);
            }
        var scale = Store(target, float.IsFinite(largest) ? chosen : largest);
        var inverse = Vector256.Create(scale == 0 ? 0 : 1 / scale);
        var numbers = stackalloc float[BlockParts.Group];
        double error = 0;
        for (var i = 0; i < BlockParts.Group; i += 8)
        {
            var nearest = Nearest(Vector256.Load(x + i) * inverse);
            nearest.Store(numbers + i);
            var off = Vector256.Load(x + i) - nearest * scale;
            error += Vector256.Sum(off * off);
        }
        for (var i = 0; i < BlockParts.Group / 2; i++)
            target[2 + i] = (byte)(Index(numbers[i]) | (Index(numbers[i + 16]) << 4));
        return double.IsFinite(scale) ? error : double.NaN;
    }

    private static (float Products, float Squares) Fit(float* x, Vector256<float> inverse)
    {
        Vector256<float> products = default,
            squares = default;
        for (var i = 0; i < BlockParts.Group; i += 8)
        {
            var value = Vector256.Load(x + i);
            var number = Nearest(value * inverse);
            products += value * number;
            squares += number * number;
        }
        return (Vector256.Sum(products), Vector256.Sum(squares));
    }

    /// <summary>The numbers of the table that are nearest: from the least on, a step for each middle that lies below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Nearest(Vector256<float> v)
    {
        var number = Vector256.Create(-127f);
        for (var i = 0; i < 15; i++)
        {
            float low = BlockParts.Table[i],
                high = BlockParts.Table[i + 1];
            number += Vector256.GreaterThan(v, Vector256.Create((low + high) / 2)) & Vector256.Create(high - low);
        }
        return number;
    }

    private static int Index(float number)
    {
        var at = Vector128.Equals(BlockParts.Table, Vector128.Create((sbyte)number)).ExtractMostSignificantBits();
        return System.Numerics.BitOperations.TrailingZeroCount(at);
    }

    /// <summary>Writes a scale; returns it as it is read again.</summary>
    private static float Store(byte* target, float scale)
    {
        *(Half*)target = (Half)scale;
        return BlockParts.Half(target);
    }

    /// <summary>The value of the largest magnitude, with its sign; NaN where one is.</summary>
    private static float Largest(float* x) =>
        System.Numerics.Tensors.TensorPrimitives.MaxMagnitude(new ReadOnlySpan<float>(x, BlockParts.Group));
}
