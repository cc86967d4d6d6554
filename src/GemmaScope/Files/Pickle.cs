using System.Buffers.Binary;
using System.Text;

namespace GemmaScope.Files;

/// <summary>
/// Reads the data.pkl of a PyTorch file without running anything: only the instructions that build plain values are known, and only the
/// few functions by which PyTorch describes a tensor may be named. Whatever else a pickle asks for, which is how such files run code, is
/// refused by name (Python's pickletools documents the instructions).
/// </summary>
internal sealed class Pickle
{
    /// <summary>More values than any file of weights has; bounds memory before it is spent.</summary>
    private const int MostValues = 4_000_000;

    /// <summary>A function of Python, which is only ever looked at.</summary>
    internal sealed record Function(string Name);

    /// <summary>A function applied to arguments.</summary>
    internal sealed record Call(string Function, object?[] Arguments);

    /// <summary>A reference to bytes outside the pickle: PyTorch's ("storage", type, key, device, elements).</summary>
    internal sealed record External(object?[] Description);

    private static readonly HashSet<string> Allowed = new(StringComparer.Ordinal)
    {
        "collections.OrderedDict",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_parameter",
        "torch.Size",
        "torch.device",
        "torch.FloatStorage",
        "torch.DoubleStorage",
        "torch.HalfStorage",
        "torch.BFloat16Storage",
        "torch.LongStorage",
        "torch.IntStorage",
        "torch.ShortStorage",
        "torch.CharStorage",
        "torch.ByteStorage",
        "torch.BoolStorage",
    };

    private static readonly object Mark = new();

    private readonly byte[] _bytes;
    private readonly string _file;
    private readonly Stack<object?> _stack = new();
    private readonly Dictionary<int, object?> _memo = [];
    private int _at;
    private int _values;

    private Pickle(byte[] bytes, string file) => (_bytes, _file) = (bytes, file);

    /// <summary>The value that the pickle describes: null, bool, long, double, string, object?[] (tuples), List, Dictionary, or one of the
    /// records above.</summary>
    /// <exception cref="FileFormatException">It is damaged, or asks for anything but plain values and tensors.</exception>
    public static object? Read(byte[] bytes, string file)
    {
        try
        {
            return new Pickle(bytes, file).Run();
        }
        catch (Exception problem)
            when (problem is InvalidOperationException or InvalidCastException or ArgumentException or OverflowException)
        {
            throw new FileFormatException("the pickle inside is damaged", file, problem);
        }
    }

    private object? Run()
    {
        while (true)
        {
            var code = Take(1)[0];
            switch ((char)code)
            {
                case '.':
                    return _stack.Count == 1 ? _stack.Pop() : throw Bad("the pickle inside is damaged");
                case '\u0080':
                    Take(1);
                    break;
                case '\u0095':
                    Take(8);
                    break;
                case '(':
                    Push(Mark);
                    break;
                case '0':
                    _stack.Pop();
                    break;
                case '2':
                    Push(_stack.Peek());
                    break;
                case 'N':
                    Push(null);
                    break;
                case '\u0088':
                    Push(true);
                    break;
                case '\u0089':
                    Push(false);
                    break;
                case 'K':
                    Push((long)Take(1)[0]);
                    break;
                case 'M':
                    Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                    break;
                case 'J':
                    Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                    break;
                case '\u008a':
                    Push(LongInteger(Take(Take(1)[0])));
                    break;
                case 'G':
                    Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                    break;
                case 'X':
                    Push(Text(Length(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))));
                    break;
                case '\u008c':
                    Push(Text(Take(1)[0]));
                    break;
                case 'c':
                    Push(Named(Line(), Line()));
                    break;
                case '\u0093':
                    var member = (string)_stack.Pop()!;
                    Push(Named((string)_stack.Pop()!, member));
                    break;
                case 'q':
                    _memo[Take(1)[0]] = _stack.Peek();
                    break;
                case 'r':
                    _memo[Length(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))] = _stack.Peek();
                    break;
                case '\u0094':
                    _memo[_memo.Count] = _stack.Peek();
                    break;
                case 'h':
                    Push(Remembered(Take(1)[0]));
                    break;
                case 'j':
                    Push(Remembered(Length(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))));
                    break;
                case ')':
                    Push(Array.Empty<object?>());
                    break;
                case 't':
                    Push(ToMark());
                    break;
                case '\u0085' or '\u0086' or '\u0087':
                    Push(Last(code - 0x84));
                    break;
                case ']':
                    Push(new List<object?>());
                    break;
                case 'a':
                    var one = _stack.Pop();
                    ((List<object?>)_stack.Peek()!).Add(one);
                    break;
                case 'e':
                    var many = ToMark();
                    ((List<object?>)_stack.Peek()!).AddRange(many);
                    break;
                case '}':
                    Push(new Dictionary<object, object?>());
                    break;
                case 's':
                    Set(Last(2));
                    break;
                case 'u':
                    Set(ToMark());
                    break;
                case 'Q':
                    Push(new External((object?[])_stack.Pop()!));
                    break;
                case 'R':
                    var arguments = (object?[])_stack.Pop()!;
                    Push(Applied(((Function)_stack.Pop()!).Name, arguments));
                    break;
                case 'b':
                    // The state of an ordered dictionary or of a parameter holds nothing of the tensors.
                    _stack.Pop();
                    break;
                default:
                    throw Bad($"the pickle inside uses the instruction 0x{code:x2}, which builds no plain value; it is not run");
            }
        }
    }

    /// <summary>An ordered dictionary is a dictionary; the rest is left to whoever knows what it means.</summary>
    private static object Applied(string function, object?[] arguments) =>
        function == "collections.OrderedDict" ? new Dictionary<object, object?>() : new Call(function, arguments);

    private Function Named(string module, string name)
    {
        var full = $"{module}.{name}";
        return Allowed.Contains(full)
            ? new Function(full)
            : throw Bad(
                $"the pickle inside asks for {Shown(full)}, which is no part of a tensor; it is not run: save the plain tensors "
                    + "(state_dict), best as safetensors"
            );
    }

    private static string Shown(string name) => name.Length <= 120 ? name : name[..120] + " …";

    private void Set(object?[] pairs)
    {
        if (pairs.Length % 2 != 0)
            throw Bad("the pickle inside is damaged");
        var target = (Dictionary<object, object?>)_stack.Peek()!;
        for (var i = 0; i < pairs.Length; i += 2)
            target[pairs[i] ?? throw Bad("the pickle inside has a key that is None")] = pairs[i + 1];
    }

    private object? Remembered(int index) =>
        _memo.TryGetValue(index, out var value) ? value : throw Bad("the pickle inside refers to a value that it never made");

    private object?[] ToMark()
    {
        var items = new List<object?>();
        while (_stack.Pop() is var item && item != Mark)
            items.Add(item);
        items.Reverse();
        return [.. items];
    }

    private object?[] Last(int count)
    {
        var items = new object?[count];
        for (var i = count - 1; i >= 0; i--)
            items[i] = _stack.Pop();
        return items;
    }

    private void Push(object? value)
    {
        if (++_values > MostValues)
            throw Bad($"the pickle inside makes more than {MostValues} values, too many for a file of weights");
        _stack.Push(value);
    }

    private static long LongInteger(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > sizeof(long))
            throw new OverflowException();
        long value = bytes is [.., >= 0x80] ? -1 : 0;
        for (var i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value;
    }

    private string Text(int length) => Encoding.UTF8.GetString(Take(length));

    private string Line()
    {
        var length = _bytes.AsSpan(_at).IndexOf((byte)'\n');
        if (length < 0)
            throw Bad("the pickle inside is cut off");
        var text = Text(length);
        _at++;
        return text;
    }

    private int Length(uint value) => value <= int.MaxValue ? (int)value : throw Bad("the pickle inside is damaged");

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _bytes.Length - _at)
            throw Bad("the pickle inside is cut off");
        _at += count;
        return _bytes.AsSpan(_at - count, count);
    }

    private FileFormatException Bad(string problem) => new(problem, _file);
}
