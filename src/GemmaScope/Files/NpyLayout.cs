using System.Buffers.Binary;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>Turns the bytes of any npy array into a row-major tensor in this machine's byte order.</summary>
internal static unsafe class NpyLayout
{
    private const int Tile = 32;

    /// <summary>A tensor with its own memory, from the raw data of an array.</summary>
    public static Tensor ToNative(byte* data, NpyHeader header)
    {
        var result = Tensor.Allocate(header.Type, [.. header.Shape], clear: false);
        if (header.FortranOrder && header.Shape.Count > 1)
            ReverseAxes(data, result, header.Type.Size());
        else
            Buffer.MemoryCopy(data, result.Pointer, result.ByteLength, result.ByteLength);
        if (header.Stored.BigEndian)
            SwapBytes(result.Pointer, result.Length, header.Type);
        return result;
    }

    /// <summary>
    /// A column-major array [a, m…, z] is a row-major array [z, …m, a]: for each setting of the middle indices, the
    /// first and last axis are transposed.
    /// </summary>
    private static void ReverseAxes(byte* source, Tensor target, int size)
    {
        var shape = target.Shape;
        var (first, last, middle) = (shape[0], shape[^1], shape[1..^1].ToArray());
        long count = 1;
        foreach (var n in middle)
            count *= n;
        for (long at = 0; at < count; at++)
        {
            var from = source + Reverse(at, middle, count) * first * size;
            var to = target.Pointer + at * last * size;
            switch (size)
            {
                case 1:
                    Transpose(from, count * first, to, count * last, first, last);
                    break;
                case 2:
                    Transpose((ushort*)from, count * first, (ushort*)to, count * last, first, last);
                    break;
                case 4:
                    Transpose((uint*)from, count * first, (uint*)to, count * last, first, last);
                    break;
                default:
                    Transpose((ulong*)from, count * first, (ulong*)to, count * last, first, last);
                    break;
            }
        }
    }

    /// <summary>The column-major number of the element with this row-major number.</summary>
    private static long Reverse(long rowMajor, long[] shape, long count)
    {
        long result = 0;
        for (var axis = shape.Length - 1; axis >= 0; axis--)
        {
            count /= shape[axis];
            result += rowMajor % shape[axis] * count;
            rowMajor /= shape[axis];
        }
        return result;
    }

    /// <summary>target[i, j] = source[j, i], in tiles that stay in the cache.</summary>
    private static void Transpose<T>(T* source, long sourceStride, T* target, long targetStride, long rows, long columns)
        where T : unmanaged
    {
        var tiles = checked((int)((rows + Tile - 1) / Tile));
        Workers.For(tiles, new TransposeJob<T>(source, sourceStride, target, targetStride, rows, columns));
    }

    private static void SwapBytes(byte* data, long count, DType type)
    {
        // A complex number is two floats, each swapped on its own.
        var (size, elements) = type == DType.C64 ? (4, count * 2) : (type.Size(), count);
        const int block = 1 << 24;
        for (long at = 0; at < elements; at += block)
        {
            var n = (int)Math.Min(block, elements - at);
            switch (size)
            {
                case 2:
                    var shorts = new Span<ushort>(data + at * 2, n);
                    BinaryPrimitives.ReverseEndianness(shorts, shorts);
                    break;
                case 4:
                    var words = new Span<uint>(data + at * 4, n);
                    BinaryPrimitives.ReverseEndianness(words, words);
                    break;
                default:
                    var longs = new Span<ulong>(data + at * 8, n);
                    BinaryPrimitives.ReverseEndianness(longs, longs);
                    break;
            }
        }
    }

    private readonly struct TransposeJob<T>(T* source, long sourceStride, T* target, long targetStride, long rows, long columns) : IJob
        where T : unmanaged
    {
        public void Run(int index)
        {
            var (start, end) = ((long)index * Tile, Math.Min(rows, ((long)index + 1) * Tile));
            for (long block = 0; block < columns; block += Tile)
            {
                var blockEnd = Math.Min(columns, block + Tile);
                for (var i = start; i < end; i++)
                {
                    for (var j = block; j < blockEnd; j++)
                        target[i * targetStride + j] = source[j * sourceStride + i];
                }
            }
        }
    }
}
