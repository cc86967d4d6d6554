using System.Runtime.InteropServices;

namespace GemmaScope.Numerics;

/// <summary>
/// A dense row-major tensor over memory that does not move: its own 64-byte aligned block, or a borrowed
/// one (a mapped file). Disposing an owning tensor frees its block; a borrowing one keeps its owner reachable but
/// never frees it, and is invalid once the owner is disposed.
/// </summary>
public sealed unsafe class Tensor : IDisposable
{
    private readonly object? _owner;
    private readonly long[] _shape;
    private byte* _pointer;
    private readonly bool _owns;

    private Tensor(byte* pointer, DType type, long[] shape, object? owner, bool owns)
    {
        _pointer = pointer;
        (Type, _shape, _owner, _owns) = (type, shape, owner, owns);
        Length = 1;
        foreach (var n in shape)
            Length *= n;
    }

    /// <summary>Element type.</summary>
    public DType Type { get; }

    /// <summary>Dimensions, outermost first; empty for a scalar.</summary>
    public ReadOnlySpan<long> Shape => _shape;

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>Number of bytes.</summary>
    public long ByteLength => Type.ByteLength(Length);

    /// <summary>First byte.</summary>
    public byte* Pointer => _pointer != null || Length == 0 ? _pointer : throw new ObjectDisposedException(nameof(Tensor));

    /// <summary>First element of an f32 tensor.</summary>
    public float* Floats =>
        Type == DType.F32 ? (float*)Pointer : throw new InvalidOperationException($"a tensor of type {Type} was used as F32");

    /// <summary>Rows when seen as a matrix: the product of all dimensions but the last.</summary>
    public long Rows =>
        _shape.Length == 0 ? 1
        : _shape[^1] == 0 ? 0
        : Length / _shape[^1];

    /// <summary>Columns when seen as a matrix: the last dimension.</summary>
    public int Columns => _shape.Length == 0 ? 1 : checked((int)_shape[^1]);

    /// <summary>A zero-filled f32 tensor in its own aligned memory.</summary>
    public static Tensor Zeros(params ReadOnlySpan<long> shape) => Allocate(DType.F32, shape, clear: true);

    /// <summary>An f32 tensor in its own aligned memory, contents undefined.</summary>
    public static Tensor Uninitialized(params ReadOnlySpan<long> shape) => Allocate(DType.F32, shape, clear: false);

    /// <summary>A tensor in its own aligned memory.</summary>
    public static Tensor Allocate(DType type, ReadOnlySpan<long> shape, bool clear = true)
    {
        long length = 1;
        foreach (var n in shape)
            length = checked(length * n);
        if (length % type.BlockLength() != 0)
            throw new ArgumentException($"{length} values are no whole blocks of {type}");
        length = checked(length / type.BlockLength() * type.BlockBytes());
        var pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(length, 1), 64);
        if (clear)
            NativeMemory.Clear(pointer, (nuint)length);
        return new Tensor(pointer, type, shape.ToArray(), null, owns: true);
    }

    /// <summary>An f32 tensor with a copy of the values.</summary>
    public static Tensor From(ReadOnlySpan<float> values, params ReadOnlySpan<long> shape)
    {
        var tensor = Uninitialized(shape);
        if (values.Length != tensor.Length)
            throw new ArgumentException($"{values.Length} values for a shape of {tensor.Length}");
        values.CopyTo(tensor.AsSpan());
        return tensor;
    }

    /// <summary>A tensor over memory that <paramref name="owner"/> keeps alive.</summary>
    public static Tensor Borrow(byte* pointer, DType type, ReadOnlySpan<long> shape, object owner) =>
        new(pointer, type, shape.ToArray(), owner, owns: false);

    /// <summary>All values of an f32 tensor of at most 2^31 elements.</summary>
    public Span<float> AsSpan() => new(Floats, checked((int)Length));

    /// <summary>Row <paramref name="index"/> of an f32 tensor seen as a matrix.</summary>
    public Span<float> Row(long index) =>
        (ulong)index < (ulong)Rows ? new(Floats + index * Columns, Columns) : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>An f32 tensor seen as a matrix [rows, last dimension].</summary>
    public MatrixView AsMatrix() => new(Floats, checked((int)Rows), Columns, Columns);

    /// <summary>The same memory under another shape of equal length.</summary>
    public Tensor Reshape(params ReadOnlySpan<long> shape)
    {
        var view = new Tensor(Pointer, Type, shape.ToArray(), _owner ?? this, owns: false);
        return view.Length == Length ? view : throw new ArgumentException("the new shape has another length");
    }

    /// <summary>Widens row <paramref name="index"/> of a tensor seen as a matrix to f32.</summary>
    internal void WidenRow(long index, Span<float> target)
    {
        if ((ulong)index >= (ulong)Rows || target.Length != Columns)
            throw new ArgumentOutOfRangeException(nameof(index));
        fixed (float* to = target)
            Conversions.Widen(Pointer + index * Type.ByteLength(Columns), Type, to, Columns);
    }

    /// <summary>A copy widened to f32 (from F32, BF16, F16, F64 or a block type).</summary>
    public Tensor ToF32()
    {
        var result = Uninitialized(_shape);
        Conversions.Widen(Pointer, Type, result.Floats, Length);
        return result;
    }

    /// <summary>Frees the block if this tensor owns it.</summary>
    public void Dispose()
    {
        if (_owns && _pointer != null)
        {
            NativeMemory.AlignedFree(_pointer);
            _pointer = null;
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Frees the block of a tensor nobody disposed.</summary>
    ~Tensor()
    {
        if (_owns && _pointer != null)
            NativeMemory.AlignedFree(_pointer);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Type}[{string.Join(", ", _shape)}]";
}
