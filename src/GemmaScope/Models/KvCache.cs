using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// Keys (after RoPE) and values of one sequence, in f32, so that a run computes only its new tokens. Sliding layers keep
/// no more than their window. A cache belongs to one model and one sequence and grows as needed; it is not safe for concurrent runs.
/// </summary>
public sealed class KvCache : IDisposable
{
    /// <summary>By layer; null where a layer reads another's.</summary>
    private readonly LayerCache?[] _layers;

    internal KvCache(GemmaConfig config)
    {
        Config = config;
        _layers =
        [
            .. config.Shapes.Select(
                (shape, layer) => shape.KeyValueSource is null ? new LayerCache(shape.KeyValueWidth, config.WindowOf(layer)) : null
            ),
        ];
    }

    private KvCache(GemmaConfig config, LayerCache?[] layers) => (Config, _layers) = (config, layers);

    /// <summary>Tokens seen so far; the next token has this position.</summary>
    public int Length { get; internal set; }

    /// <summary>Bytes held.</summary>
    public long Bytes => _layers.Sum(layer => layer?.Bytes ?? 0);

    internal GemmaConfig Config { get; }

    /// <summary>A cache of its own that has seen the same: where several texts begin alike, the beginning is computed once. The original
    /// may go on or be disposed.</summary>
    /// <param name="room">New tokens for which room is made at once; it grows beyond as needed.</param>
    public KvCache Fork(int room = 64) => new(Config, [.. _layers.Select(layer => layer?.Fork(room))]) { Length = Length };

    /// <summary>What a layer reads: its own part, or that of the layer whose keys and values it reads.</summary>
    internal LayerCache Layer(int index) => _layers[Config.Shapes[index].KeyValueSource ?? index]!;

    /// <summary>Takes back what a run that did not finish has appended.</summary>
    internal void RollBack()
    {
        foreach (var layer in _layers)
            layer?.RollBack(Length);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        foreach (var layer in _layers)
            layer?.Clear();
        Length = 0;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var layer in _layers)
            layer?.Dispose();
    }
}

/// <summary>The keys and values that one layer's queries of a sequence see.</summary>
/// <param name="Keys">[S, K·h] after RoPE.</param>
/// <param name="Values">[S, K·h].</param>
/// <param name="First">Absolute position of row 0.</param>
internal readonly record struct KeysAndValues(MatrixView Keys, MatrixView Values, int First);

/// <summary>One layer's part of a cache: rows of consecutive positions in a buffer that grows by doubling.</summary>
internal sealed unsafe class LayerCache(int width, int window) : IDisposable
{
    private Tensor? _keys,
        _values;
    private int _first,
        _count;

    public long Bytes => (_keys?.ByteLength ?? 0) + (_values?.ByteLength ?? 0);

    /// <summary>Appends rows and returns all that the new tokens may see.</summary>
    public KeysAndValues Append(MatrixView keys, MatrixView values)
    {
        MakeRoom(keys.Rows);
        Copy(keys, _keys!.AsMatrix().SliceRows(_count, keys.Rows));
        Copy(values, _values!.AsMatrix().SliceRows(_count, keys.Rows));
        _count += keys.Rows;
        return Seen;
    }

    /// <summary>All rows, those of the new tokens included.</summary>
    public KeysAndValues Seen => new(_keys!.AsMatrix().SliceRows(0, _count), _values!.AsMatrix().SliceRows(0, _count), _first);

    public void Clear() => (_first, _count) = (0, 0);

    /// <summary>Keeps the rows before absolute position <paramref name="length"/>; rows that were dropped are out of every later query's
    /// window.</summary>
    public void RollBack(int length) => _count = Math.Min(_count, length - _first);

    public LayerCache Fork(int room)
    {
        var (dropped, kept) = Visible();
        return new LayerCache(width, window)
        {
            _keys = Copy(_keys, dropped, kept, Math.Max(1, kept + room)),
            _values = Copy(_values, dropped, kept, Math.Max(1, kept + room)),
            _first = _first + dropped,
            _count = kept,
        };
    }

    public void Dispose()
    {
        _keys?.Dispose();
        _values?.Dispose();
    }

    private void MakeRoom(int added)
    {
        var capacity = (int)(_keys?.Rows ?? 0);
        if (_count + added <= capacity)
            return;

        var (dropped, kept) = Visible();
        var needed = kept + added;
        // Room for as many again, so that rows are moved once in a window and not at every token.
        if (needed + needed / 2 > capacity)
            capacity = Math.Max(64, checked(needed * 2));
        _keys = Move(_keys, dropped, kept, capacity);
        _values = Move(_values, dropped, kept, capacity);
        (_first, _count) = (_first + dropped, kept);
    }

    /// <summary>The first new query, at position first + count, still sees window − 1 rows before it.</summary>
    private (int Dropped, int Kept) Visible()
    {
        var dropped = Math.Max(0, _count - (window - 1));
        return (dropped, _count - dropped);
    }

    private Tensor Move(Tensor? from, int dropped, int kept, int capacity)
    {
        if (from is null || from.Rows != capacity)
        {
            var to = Copy(from, dropped, kept, capacity);
            from?.Dispose();
            return to;
        }
        CopyRows(from, dropped, kept, from);
        return from;
    }

    private Tensor Copy(Tensor? from, int dropped, int kept, int capacity)
    {
        var to = Tensor.Uninitialized(capacity, width);
        if (from is not null)
            CopyRows(from, dropped, kept, to);
        return to;
    }

    private void CopyRows(Tensor from, int dropped, int kept, Tensor to)
    {
        var bytes = (long)kept * width * sizeof(float);
        Buffer.MemoryCopy(from.Floats + (long)dropped * width, to.Floats, bytes, bytes);
    }

    private static void Copy(MatrixView from, MatrixView to)
    {
        for (var i = 0; i < from.Rows; i++)
            from.Row(i).CopyTo(to.Row(i));
    }
}
