using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>The rate at which all workers together read memory: the limit of a decode step, which reads every weight once.</summary>
internal sealed unsafe class MemoryRead : IDisposable
{
    private const int ChunkBytes = 1 << 20,
        StepBytes = 64 * sizeof(float);

    private readonly LargeBlock _memory;
    private readonly long _bytes;

    /// <summary>Touches a block that no cache holds.</summary>
    /// <param name="bytes">Its size.</param>
    /// <param name="hugePages">Whether the system is asked for huge pages.</param>
    public MemoryRead(long bytes, bool hugePages = false)
    {
        _bytes = bytes;
        _memory = LargeBlock.TryAllocate(bytes, hugePages) ?? throw new GemmaScopeException("there is no memory to read");
        // Zeroed memory may be one page shown many times over.
        new Span<float>(_memory.Pointer, checked((int)(bytes / sizeof(float)))).Fill(1);
    }

    /// <summary>One call reads the block once.</summary>
    public Contestant Contestant() => Of(_memory.Pointer, _bytes);

    /// <summary>One call reads so much memory of another's, such as a mapped file.</summary>
    public static Contestant Of(byte* start, long bytes)
    {
        // Small blocks are one piece; what is no whole step of the loop at their end is not read.
        var piece = (int)Math.Min(ChunkBytes, bytes / StepBytes * StepBytes);
        var pieces = (int)(bytes / piece);
        return new((double)piece * pieces, () => Workers.For(pieces, new Chunk((float*)start, piece / sizeof(float))));
    }

    public void Dispose() => _memory.Dispose();

    private readonly struct Chunk(float* memory, int floats) : IJob
    {
        private static float s_sink;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index)
        {
            var p = memory + (long)index * floats;
            Vector512<float> a = default,
                b = default,
                c = default,
                d = default;
            for (var end = p + floats; p < end; p += 64)
            {
                a += Vector512.Load(p);
                b += Vector512.Load(p + 16);
                c += Vector512.Load(p + 32);
                d += Vector512.Load(p + 48);
            }
            s_sink = Vector512.Sum(a + b + c + d);
        }
    }
}
