using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GemmaScope.Numerics;

/// <summary>
/// y = x · W for many rows of x. x is packed once into panels of four rows; each worker widens a panel of
/// 3·Count outputs by <see cref="Depth"/> inputs into a buffer of its own and sweeps all rows over it with a tile of
/// 8 (or 4) rows by 3 vectors whose sums live in registers (the scheme of Goto and van de Geijn, 2008).
/// </summary>
internal static unsafe class PackedKernel<T, TSimd, TFormat>
    where T : unmanaged
    where TSimd : ISimd<T>
    where TFormat : IWeightFormat
{
    private const int Depth = 384;
    private const int RowsPerItem = 512;
    private const int RowsPerPacking = 32;
    private const int PanelRows = 4;
    private const int PrefetchBytes = 128;

    [ThreadStatic]
    private static Scratch? t_x;

    [ThreadStatic]
    private static Scratch? t_panel;

    [ThreadStatic]
    private static Scratch? t_blocks;

    private static int PanelColumns => 3 * TSimd.Count;

    private static int Size => TFormat.Size;

    public static void Multiply(MatrixView x, WeightView w, MatrixView y, bool round, bool here)
    {
        var packed = Pack(x, round, here, out var rows);
        var part = Part.Of(packed, rows, w, y, here);
        ParallelLoop.Run(part.Count, part, here);
    }

    /// <summary>y = gelu(x · gate) ∘ (x · up): x is packed once, and the two products meet while they are in the cache. The numbers are
    /// those of two products, bit for bit.</summary>
    public static void MultiplyGated(MatrixView x, WeightView gate, WeightView up, MatrixView y, MatrixView room, bool round)
    {
        var packed = Pack(x, round, here: false, out var rows);
        var part = Part.Of(packed, rows, gate, y, here: false);
        Workers.For(part.Count, new GatedPart(part, Part.Of(packed, rows, up, room, here: false), y, room));
    }

    private static float* Pack(MatrixView x, bool round, bool here, out int rows)
    {
        rows = (x.Rows + PanelRows - 1) / PanelRows * PanelRows;
        var packed = (t_x ??= new()).Floats((long)rows * x.Columns);
        ParallelLoop.Run((x.Rows + RowsPerPacking - 1) / RowsPerPacking, new PackRows(x, packed, rows, round), here);
        return packed;
    }

    // Packed x: [inputs / Depth][rows / 4][Depth][4], so that a sweep reads it front to back.
    private readonly struct PackRows(MatrixView x, float* packed, int rows, bool round) : IJob
    {
        public void Run(int index)
        {
            var end = Math.Min(x.Rows, (index + 1) * RowsPerPacking);
            for (var row = index * RowsPerPacking; row < end; row += PanelRows)
            for (var k = 0; k < x.Columns; k += Depth)
            {
                var depth = Math.Min(Depth, x.Columns - k);
                var target = packed + (long)k * rows + (long)row * depth;
                PackStrip((byte*)(x.Data + (long)row * x.Stride + k), depth, Math.Min(PanelRows, x.Rows - row), target);
                if (round)
                    Conversions.RoundToBF16(new(target, depth * PanelRows), new(target, depth * PanelRows));
            }
        }

        private void PackStrip(byte* source, int depth, int present, float* target)
        {
            var bytes = x.Stride * (long)sizeof(float);
            if (present == PanelRows)
            {
                Interleave<Vector128<float>, Simd128, F32Weights>.Strip(source, bytes, depth, target, PanelRows);
                return;
            }
            new Span<float>(target, depth * PanelRows).Clear();
            Interleave<Vector128<float>, Simd128, F32Weights>.Rows(source, bytes, present, depth, target, PanelRows);
        }
    }

    private readonly struct GatedPart(Part gate, Part up, MatrixView y, MatrixView room) : IJob
    {
        public void Run(int index)
        {
            gate.Run(index);
            up.Run(index);
            var (row, lastRow, first, end) = gate.Corners(index);
            for (; row < Math.Min(y.Rows, lastRow); row++)
                Elementwise.GeluTanhMultiply(y.Row(row)[first..end], room.Row(row)[first..end], y.Row(row)[first..end]);
        }
    }

    private readonly struct Part(float* packed, int rows, WeightView w, MatrixView y, int panels, int columnItems) : IJob
    {
        public static Part Of(float* packed, int rows, WeightView w, MatrixView y, bool here)
        {
            var panels = (w.Outputs + PanelColumns - 1) / PanelColumns;
            var perItem = here ? panels : Math.Clamp(panels / (8 * Workers.Count), 1, 4);
            return new(packed, rows, w, y, perItem, (panels + perItem - 1) / perItem);
        }

        public int Count => columnItems * ((rows + RowsPerItem - 1) / RowsPerItem);

        /// <summary>The rows and the outputs of a piece of work.</summary>
        public (int Row, int LastRow, int First, int End) Corners(int index)
        {
            var (rowItem, columnItem) = int.DivRem(index, columnItems);
            var first = columnItem * panels * PanelColumns;
            var end = (int)Math.Min(w.Outputs, first + (long)panels * PanelColumns);
            return (rowItem * RowsPerItem, Math.Min(rows, (rowItem + 1) * RowsPerItem), first, end);
        }

        public void Run(int index)
        {
            var (row, lastRow, first, end) = Corners(index);
            var panel = (t_panel ??= new()).Floats(Depth * PanelColumns);
            for (var k = 0; k < w.Inputs; k += Depth)
            {
                var depth = Math.Min(Depth, w.Inputs - k);
                for (var n = first; n < end; n += PanelColumns)
                {
                    var columns = Math.Min(PanelColumns, end - n);
                    PackPanel(w, k, depth, n, columns, panel);
                    Sweep(panel, k, depth, n, columns, row, lastRow);
                }
            }
        }

        private void Sweep(float* panel, int k, int depth, int n, int columns, int firstRow, int lastRow)
        {
            var edge = stackalloc float[8 * PanelColumns];
            for (int row = firstRow, height; row < lastRow; row += height)
            {
                height = TSimd.ManyRegisters && lastRow - row >= 8 ? 8 : 4;
                var strip = packed + (long)k * rows + (long)row * depth;
                var corner = y.Data + (long)row * y.Stride + n;
                var whole = columns == PanelColumns && row + height <= y.Rows;
                var target = whole ? corner : edge;
                var stride = whole ? y.Stride : PanelColumns;
                if (height == 8)
                    Tile8(strip, strip + 4 * depth, panel, depth, target, stride, whole && k > 0);
                else
                    Tile4(strip, panel, depth, target, stride, whole && k > 0);
                if (!whole)
                    AddEdge(edge, corner, Math.Min(height, y.Rows - row), columns, k > 0);
            }
        }

        private void AddEdge(float* edge, float* target, int height, int columns, bool add)
        {
            for (var row = 0; row < height; row++, edge += PanelColumns, target += y.Stride)
            for (var n = 0; n < columns; n++)
                target[n] = add ? target[n] + edge[n] : edge[n];
        }
    }

    /// <summary>Widens W[k … k + depth, n … n + columns) into [depth][PanelColumns], zeros where columns are missing.</summary>
    internal static void PackPanel(WeightView w, int k, int depth, int n, int columns, float* panel)
    {
        if (columns < PanelColumns)
            new Span<float>(panel, depth * PanelColumns).Clear();
        if (w.Type.IsBlockType())
        {
            PackBlocks(w, k, depth, n, columns, panel);
            return;
        }
        if (w.Layout == WeightLayout.OutIn)
        {
            PackTransposed((byte*)w.Data + (n * w.Stride + k) * Size, w.Stride * Size, depth, columns, panel);
            return;
        }
        var row = (byte*)w.Data + (k * w.Stride + n) * Size;
        for (var i = 0; i < depth; i++, row += w.Stride * Size, panel += PanelColumns)
            if (columns == PanelColumns)
                CopyRow(row, panel);
            else
                Conversions.Widen(row, TFormat.Type, panel, columns);
    }

    /// <summary>The same for a block type: the groups that the panel touches are widened first. Depth is whole groups.</summary>
    private static void PackBlocks(WeightView w, int k, int depth, int n, int columns, float* panel)
    {
        const int group = BlockParts.Group;
        var width = (VectorWidth)TSimd.Count;
        if (w.Layout == WeightLayout.OutIn)
        {
            // A strip at a time, which stays in the first-level cache until it is transposed.
            var rows = (t_blocks ??= new()).Floats((long)depth * TSimd.Count);
            for (int i = 0, count; i < columns; i += count)
            {
                count = Math.Min(TSimd.Count, columns - i);
                for (var j = 0; j < count; j++)
                {
                    FetchGroups(w, n + i + j + PanelColumns, k, depth);
                    BlockWidening.Groups(width, w.StoredRow(n + i + j), w.Type, k / group, depth / group, rows + (long)j * depth);
                }
                PackTransposed((byte*)rows, depth * sizeof(float), depth, count, panel + i);
            }
            return;
        }
        var (first, end) = (n / group, (n + columns + group - 1) / group);
        var row = (t_blocks ??= new()).Floats((end - first) * group);
        for (var i = 0; i < depth; i++)
        {
            BlockWidening.Groups(width, w.StoredRow(k + i), w.Type, first, end - first, row);
            new Span<float>(row + n - first * group, columns).CopyTo(new(panel + (long)i * PanelColumns, columns));
        }
    }

    // The next panel's part of a stored row: so many short pieces are none that the hardware's prefetcher knows.
    private static void FetchGroups(WeightView w, int output, int k, int depth)
    {
        var first = w.Type.ByteLength(k);
        if (output < w.Outputs)
            Ahead.FetchAll(w.StoredRow(output) + first, w.Type.ByteLength(k + depth) - first);
    }

    private static void PackTransposed(byte* source, long bytes, int depth, int columns, float* panel)
    {
        var i = 0;
        for (; i + TSimd.Count <= columns; i += TSimd.Count)
            PackStrip<T, TSimd>(source + i * bytes, bytes, depth, panel + i);
        for (; i + 4 <= columns; i += 4)
            PackStrip<Vector128<float>, Simd128>(source + i * bytes, bytes, depth, panel + i);
        Interleave<T, TSimd, TFormat>.Rows(source + i * bytes, bytes, columns - i, depth, panel + i, PanelColumns);
    }

    // 64 bytes of every row at a time, while the next are under way: so many streams defeat the hardware's prefetcher.
    private static void PackStrip<TStrip, TStripSimd>(byte* source, long bytes, int depth, float* target)
        where TStrip : unmanaged
        where TStripSimd : ISimd<TStrip>
    {
        var step = 64 / Size;
        for (var k = 0; k < depth; k += step, source += 64, target += (long)step * PanelColumns)
        {
            for (var j = 0; j < TStripSimd.Count; j++)
                Prefetch(source + j * bytes + PrefetchBytes);
            Interleave<TStrip, TStripSimd, TFormat>.Strip(source, bytes, Math.Min(step, depth - k), target, PanelColumns);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* p)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyRow(byte* row, float* target)
    {
        var c = TSimd.Count;
        TSimd.Store(TFormat.Load<T, TSimd>(row), target);
        TSimd.Store(TFormat.Load<T, TSimd>(row + c * Size), target + c);
        TSimd.Store(TFormat.Load<T, TSimd>(row + 2 * c * Size), target + 2 * c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4(float* x, float* w, int depth, float* y, long stride, bool add)
    {
        var c = TSimd.Count;
        T a0 = default,
            b0 = default,
            c0 = default;
        T a1 = default,
            b1 = default,
            c1 = default;
        T a2 = default,
            b2 = default,
            c2 = default;
        T a3 = default,
            b3 = default,
            c3 = default;
        for (var k = 0; k < depth; k++, x += 4, w += 3 * c)
        {
            T w0 = TSimd.Load(w),
                w1 = TSimd.Load(w + c),
                w2 = TSimd.Load(w + 2 * c);
            var v0 = TSimd.Broadcast(x[0]);
            a0 = TSimd.MultiplyAdd(w0, v0, a0);
            b0 = TSimd.MultiplyAdd(w1, v0, b0);
            c0 = TSimd.MultiplyAdd(w2, v0, c0);
            var v1 = TSimd.Broadcast(x[1]);
            a1 = TSimd.MultiplyAdd(w0, v1, a1);
            b1 = TSimd.MultiplyAdd(w1, v1, b1);
            c1 = TSimd.MultiplyAdd(w2, v1, c1);
            var v2 = TSimd.Broadcast(x[2]);
            a2 = TSimd.MultiplyAdd(w0, v2, a2);
            b2 = TSimd.MultiplyAdd(w1, v2, b2);
            c2 = TSimd.MultiplyAdd(w2, v2, c2);
            var v3 = TSimd.Broadcast(x[3]);
            a3 = TSimd.MultiplyAdd(w0, v3, a3);
            b3 = TSimd.MultiplyAdd(w1, v3, b3);
            c3 = TSimd.MultiplyAdd(w2, v3, c3);
        }
        Put(a0, b0, c0, y, add);
        Put(a1, b1, c1, y + stride, add);
        Put(a2, b2, c2, y + 2 * stride, add);
        Put(a3, b3, c3, y + 3 * stride, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8(float* x, float* z, float* w, int depth, float* y, long stride, bool add)
    {
        var c = TSimd.Count;
        T a0 = default,
            b0 = default,
            c0 = default;
        T a1 = default,
            b1 = default,
            c1 = default;
        T a2 = default,
            b2 = default,
            c2 = default;
        T a3 = default,
            b3 = default,
            c3 = default;
        T a4 = default,
            b4 = default,
            c4 = default;
        T a5 = default,
            b5 = default,
            c5 = default;
        T a6 = default,
            b6 = default,
            c6 = default;
        T a7 = default,
            b7 = default,
            c7 = default;
        for (var k = 0; k < depth; k++, x += 4, z += 4, w += 3 * c)
        {
            T w0 = TSimd.Load(w),
                w1 = TSimd.Load(w + c),
                w2 = TSimd.Load(w + 2 * c);
            var v0 = TSimd.Broadcast(x[0]);
            a0 = TSimd.MultiplyAdd(w0, v0, a0);
            b0 = TSimd.MultiplyAdd(w1, v0, b0);
            c0 = TSimd.MultiplyAdd(w2, v0, c0);
            var v1 = TSimd.Broadcast(x[1]);
            a1 = TSimd.MultiplyAdd(w0, v1, a1);
            b1 = TSimd.MultiplyAdd(w1, v1, b1);
            c1 = TSimd.MultiplyAdd(w2, v1, c1);
            var v2 = TSimd.Broadcast(x[2]);
            a2 = TSimd.MultiplyAdd(w0, v2, a2);
            b2 = TSimd.MultiplyAdd(w1, v2, b2);
            c2 = TSimd.MultiplyAdd(w2, v2, c2);
            var v3 = TSimd.Broadcast(x[3]);
            a3 = TSimd.MultiplyAdd(w0, v3, a3);
            b3 = TSimd.MultiplyAdd(w1, v3, b3);
            c3 = TSimd.MultiplyAdd(w2, v3, c3);
            var v4 = TSimd.Broadcast(z[0]);
            a4 = TSimd.MultiplyAdd(w0, v4, a4);
            b4 = TSimd.MultiplyAdd(w1, v4, b4);
            c4 = TSimd.MultiplyAdd(w2, v4, c4);
            var v5 = TSimd.Broadcast(z[1]);
            a5 = TSimd.MultiplyAdd(w0, v5, a5);
            b5 = TSimd.MultiplyAdd(w1, v5, b5);
            c5 = TSimd.MultiplyAdd(w2, v5, c5);
            var v6 = TSimd.Broadcast(z[2]);
            a6 = TSimd.MultiplyAdd(w0, v6, a6);
            b6 = TSimd.MultiplyAdd(w1, v6, b6);
            c6 = TSimd.MultiplyAdd(w2, v6, c6);
            var v7 = TSimd.Broadcast(z[3]);
            a7 = TSimd.MultiplyAdd(w0, v7, a7);
            b7 = TSimd.MultiplyAdd(w1, v7, b7);
            c7 = TSimd.MultiplyAdd(w2, v7, c7);
        }
        Put(a0, b0, c0, y, add);
        Put(a1, b1, c1, y + stride, add);
        Put(a2, b2, c2, y + 2 * stride, add);
        Put(a3, b3, c3, y + 3 * stride, add);
        Put(a4, b4, c4, y + 4 * stride, add);
        Put(a5, b5, c5, y + 5 * stride, add);
        Put(a6, b6, c6, y + 6 * stride, add);
        Put(a7, b7, c7, y + 7 * stride, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(T a, T b, T c, float* y, bool add)
    {
        float* y1 = y + TSimd.Count,
            y2 = y1 + TSimd.Count;
        if (add)
        {
            a = TSimd.Add(a, TSimd.Load(y));
            b = TSimd.Add(b, TSimd.Load(y1));
            c = TSimd.Add(c, TSimd.Load(y2));
        }
        TSimd.Store(a, y);
        TSimd.Store(b, y1);
        TSimd.Store(c, y2);
    }
}
