using System.Buffers.Binary;
using System.Text;

namespace GemmaScope.Text;

/// <summary>Reads the fields of one protobuf message, in file order; every length is checked against what is there.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message, string file)
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    private readonly string _file = file;
    private ReadOnlySpan<byte> _rest = message;
    private int _wireType;

    /// <summary>The number of the field whose value comes next.</summary>
    public int Field { get; private set; }

    /// <summary>Goes on to the next field; its value must be read or skipped.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        var tag = Varint();
        (Field, _wireType) = ((int)Math.Min(tag >> 3, int.MaxValue), (int)(tag & 7));
        return true;
    }

    public int Int32()
    {
        Expect(0);
        return (int)Varint();
    }

    public bool Bool() => Int32() != 0;

    public float Single()
    {
        Expect(5);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(4));
    }

    public ReadOnlySpan<byte> Bytes()
    {
        Expect(2);
        return Take(Varint());
    }

    public string String()
    {
        try
        {
            return s_strict.GetString(Bytes());
        }
        catch (DecoderFallbackException e)
        {
            throw new FileFormatException($"field {Field} holds text that is not UTF-8; get the file again", _file, e);
        }
    }

    public ProtobufReader Message() => new(Bytes(), _file);

    public void Skip()
    {
        switch (_wireType)
        {
            case 0:
                Varint();
                break;
            case 1:
                Take(8);
                break;
            case 2:
                Take(Varint());
                break;
            case 5:
                Take(4);
                break;
            default:
                throw Malformed($"field {Field} has the unknown wire type {_wireType}");
        }
    }

    private ulong Varint()
    {
        var value = 0ul;
        for (var i = 0; i < 10; i++)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
                return value;
        }
        throw Malformed("a number is longer than ten bytes");
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
            throw Malformed($"{length} bytes expected where {_rest.Length} are left");
        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }

    private readonly void Expect(int wireType)
    {
        if (_wireType != wireType)
            throw Malformed($"field {Field} has wire type {_wireType} instead of {wireType}");
    }

    private readonly FileFormatException Malformed(string what) =>
        new($"not a SentencePiece model, or cut short: {what}; get the file again", _file);
}
