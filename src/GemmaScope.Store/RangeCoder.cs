using System.Buffers;

namespace GemmaScope.Store;

/// <summary>How likely a bit of a kind is, learned from those before it: the first weigh most, later ones 1/32.</summary>
internal struct BitModel
{
    /// <summary>Bits of a probability.</summary>
    public const int Precision = 16;

    // No bit is thought less likely than 1/64, so that none costs more than six bits, and n bits cost at least n / 44: what is damaged
    // comes to its end.
    private const int Certain = 1 << Precision,
        Least = Certain / 64;

    // 1/2, 1/3 … 1/32 of 2^15: a product with a difference of 2^16 stays an int.
    private static ReadOnlySpan<ushort> Weights =>
        [
            16384,
            10922,
            8192,
            6553,
            5461,
            4681,
            4096,
            3640,
            3276,
            2978,
            2730,
            2520,
            2340,
            2184,
            2048,
            1927,
            1820,
            1724,
            1638,
            1560,
            1489,
            1424,
            1365,
            1310,
            1260,
            1213,
            1170,
            1129,
            1092,
            1057,
            1024,
        ];

    private ushort _one;
    private byte _seen;

    /// <param name="one">The probability of 1 before anything is known.</param>
    public BitModel(double one) => _one = (ushort)Math.Clamp(one * Certain, Least, Certain - Least);

    /// <summary>The probability of 1.</summary>
    public readonly uint One => _one;

    /// <summary>Takes a bit into account.</summary>
    public void Learn(bool bit)
    {
        _one = (ushort)(_one + (((bit ? Certain - Least : Least) - _one) * Weights[_seen] >> Precision - 1));
        if (_seen < Weights.Length - 1)
            _seen++;
    }
}

/// <summary>What takes bits one way or the other: a writer returns what it is given, a reader what was written. So the order of bits stands
/// in one place for both.</summary>
internal interface IBitCoder
{
    /// <summary>Bits that cost the less the likelier they are, each guessed from those before it.</summary>
    /// <param name="models">The models of a tree: of the first bit at 1, of the next at 2 or 3, and so on.</param>
    /// <param name="bits">The bits, the first one highest.</param>
    /// <param name="count">How many.</param>
    uint Guessed(Span<BitModel> models, uint bits, int count);

    /// <summary>Bits of which nothing is known.</summary>
    /// <param name="bits">The bits.</param>
    /// <param name="count">How many, at most 16.</param>
    uint Plain(uint bits, int count);
}

/// <summary>Writes bits as a number in an interval that each of them narrows by its probability (G. N. N. Martin, Range encoding, 1979;
/// carries as in LZMA).</summary>
internal sealed class RangeWriter : IBitCoder
{
    /// <summary>An interval is widened as soon as it is narrower.</summary>
    public const uint Narrow = 1 << 24;

    /// <summary>What ends every stream: one that is damaged hardly comes to it.</summary>
    public const uint End = 0xA5;

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private ulong _low;
    private uint _range = uint.MaxValue;

    // The last byte waits for a carry, and so do bytes of 255 behind it.
    private byte _last;
    private int _full;
    private bool _begun;

    public uint Guessed(Span<BitModel> models, uint bits, int count)
    {
        var node = 1;
        for (var i = count - 1; i >= 0; i--)
        {
            var (bit, one) = ((bits >> i & 1) != 0, (_range >> BitModel.Precision) * models[node].One);
            if (bit)
                _range = one;
            else
                (_low, _range) = (_low + one, _range - one);
            models[node].Learn(bit);
            node = node << 1 | (bit ? 1 : 0);
            Widen();
        }
        return bits;
    }

    public uint Plain(uint bits, int count)
    {
        _range >>= count;
        _low += (ulong)_range * bits;
        Widen();
        return bits;
    }

    /// <summary>All that was written, in whole bytes.</summary>
    public byte[] ToArray()
    {
        Plain(End, 8);
        for (var i = 0; i < 1 + sizeof(uint); i++)
            Shift();
        return _bytes.WrittenSpan.ToArray();
    }

    private void Widen()
    {
        for (; _range < Narrow; _range <<= 8)
            Shift();
    }

    private void Shift()
    {
        if (_low is < 0xFF00_0000 or > uint.MaxValue)
        {
            var carry = (byte)(_low >> 32);
            if (_begun)
                _bytes.Write([(byte)(_last + carry)]);
            for (; _full > 0; _full--)
                _bytes.Write([(byte)(0xFF + carry)]);
            (_last, _begun) = ((byte)(_low >> 24), true);
        }
        else
            _full++;
        _low = (uint)_low << 8;
    }
}

/// <summary>Reads what <see cref="RangeWriter"/> wrote; bytes that end too early are an error.</summary>
internal ref struct RangeReader : IBitCoder
{
    private readonly ReadOnlySpan<byte> _bytes;
    private int _at;
    private uint _code,
        _range = uint.MaxValue;

    public RangeReader(ReadOnlySpan<byte> bytes)
    {
        _bytes = bytes;
        for (var i = 0; i < sizeof(uint); i++)
            _code = _code << 8 | Next();
    }

    public uint Guessed(Span<BitModel> models, uint bits, int count)
    {
        // Pages are read far more often than written: what changes with each bit stays in registers.
        var (code, range, node) = (_code, _range, 1);
        for (var i = 0; i < count; i++)
        {
            ref var model = ref models[node];
            var one = (range >> BitModel.Precision) * model.One;
            var bit = code < one;
            (code, range) = bit ? (code, one) : (code - one, range - one);
            model.Learn(bit);
            node = node << 1 | (bit ? 1 : 0);
            for (; range < RangeWriter.Narrow; range <<= 8)
                code = code << 8 | Next();
        }
        (_code, _range) = (code, range);
        return (uint)node - (1u << count);
    }

    public uint Plain(uint bits, int count)
    {
        _range >>= count;
        bits = _code / _range;
        if (bits >> count != 0)
            throw CompactReader.Damaged();
        _code -= bits * _range;
        Widen();
        return bits;
    }

    /// <summary>Finds out whether this was all.</summary>
    public void RequireEnd()
    {
        if (Plain(0, 8) != RangeWriter.End || _at < _bytes.Length)
            throw CompactReader.Damaged();
    }

    private void Widen()
    {
        for (; _range < RangeWriter.Narrow; _range <<= 8)
            _code = _code << 8 | Next();
    }

    private byte Next() => _at < _bytes.Length ? _bytes[_at++] : throw CompactReader.Damaged();
}
