using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>The rate at which all workers together read memory: the limit of a decode step, which reads every weight once.</summary>
internal sealed unsafe class MemoryRead : IDisposable
{
    private const int ChunkBytes = 1 << 20;

    private readonly Tensor _memory;

    /// <summary>Touches a block that no cache holds.</summary>
    public MemoryRead(long bytes)
    {
        _memory = Tensor.Zeros(bytes / sizeof(float));
        // Zeroed memory may be one page shown many times over.
        _memory.AsSpan().Fill(1);
    }

    /// <summary>One call reads the block once.</summary>
    public Contestant Contestant() =>
        new(_memory.ByteLength, () => Workers.For((int)(_memory.ByteLength / ChunkBytes), new Chunk(_memory.Floats)));

    public void Dispose() => _memory.Dispose();

    private readonly struct Chunk(float* memory) : IJob
    {
        private static float s_sink;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int index)
        {
            var p = memory + (long)index * (ChunkBytes / sizeof(float));
            Vector512<float> a = default,
                b = default,
                c = default,
                d = default;
            for (var end = p + ChunkBytes / sizeof(float); p < end; p += 64)
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
