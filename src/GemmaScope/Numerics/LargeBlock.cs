using System.Runtime.InteropServices;

namespace GemmaScope.Numerics;

/// <summary>
/// A block of the process's own memory for weights. Linux is asked for huge pages, of which it takes some hundred times fewer to cover a
/// matrix, and gives them where it has them; other systems give what they give. The memory is taken from the system when it is first
/// written.
/// </summary>
internal sealed unsafe class LargeBlock : IDisposable
{
    /// <summary>Size of a huge page on the processors that .NET runs on, and a multiple of it where it is smaller.</summary>
    public const int HugePage = 1 << 21;

    private void* _start;
    private readonly nuint _length;
    private readonly bool _mapped;

    private LargeBlock(void* start, nuint length, byte* pointer, bool mapped)
    {
        _start = start;
        Pointer = pointer;
        (_length, _mapped) = (length, mapped);
    }

    /// <summary>First byte, on the boundary of a huge page.</summary>
    public byte* Pointer { get; private set; }

    /// <summary>A block, or null where the system refuses it.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="hugePages">Whether huge pages are asked for.</param>
    public static LargeBlock? TryAllocate(long bytes, bool hugePages = true)
    {
        if (LinuxMemory.IsThere)
        {
            var whole = checked((nuint)bytes + HugePage);
            if (LinuxMemory.TryMap(whole, out var start))
            {
                var pointer = (byte*)(((nuint)start + HugePage - 1) & ~(nuint)(HugePage - 1));
                if (hugePages)
                    LinuxMemory.AskForHugePages(pointer, bytes);
                return new(start, whole, pointer, mapped: true);
            }
            return null;
        }
        try
        {
            var plain = NativeMemory.AlignedAlloc((nuint)bytes, HugePage);
            return new(plain, (nuint)bytes, (byte*)plain, mapped: false);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back a block that nobody disposed.</summary>
    ~LargeBlock() => Free();

    private void Free()
    {
        if (_start == null)
            return;
        if (_mapped)
            LinuxMemory.Unmap(_start, _length);
        else
            NativeMemory.AlignedFree(_start);
        _start = null;
        Pointer = null;
    }
}
