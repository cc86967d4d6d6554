using System.Runtime.InteropServices;

namespace GemmaScope.Numerics;

/// <summary>
/// A 64-byte aligned buffer that grows and is kept by its thread, so that a product allocates nothing once warm.
/// </summary>
internal sealed unsafe class Scratch
{
    private byte* _data;
    private long _size;

    /// <summary>Room for <paramref name="count"/> floats, contents undefined, valid until the next call.</summary>
    public float* Floats(long count) => (float*)Bytes(count * sizeof(float));

    /// <summary>Room for <paramref name="size"/> bytes, contents undefined, valid until the next call.</summary>
    public byte* Bytes(long size)
    {
        if (size > _size)
        {
            NativeMemory.AlignedFree(_data);
            _data = null;
            _size = 0;
            _data = (byte*)NativeMemory.AlignedAlloc((nuint)size, 64);
            _size = size;
        }
        return _data;
    }

    ~Scratch() => NativeMemory.AlignedFree(_data);
}
