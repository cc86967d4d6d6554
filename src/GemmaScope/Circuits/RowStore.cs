using System.Runtime.InteropServices;

namespace GemmaScope.Circuits;

/// <summary>
/// Rows of a graph as they are computed, by number: in a file that outlives the trace, or else first in memory and from some size on in a
/// temporary file. A target of layer l is reached by what lower layers write alone, so only that part of its row is kept.
/// </summary>
/// <param name="model">The prompt.</param>
/// <param name="folder">Where a temporary file is made; null for the system's folder.</param>
/// <param name="kept">The file that outlives the trace, which the store disposes; null for none.</param>
/// <param name="mostInMemory">Bytes in memory at most.</param>
internal sealed class RowStore(ReplacementModel model, string? folder, RowsFile? kept = null, long mostInMemory = 64L << 20) : IDisposable
{
    private readonly record struct Place(long Offset, int Layers);

    private readonly Dictionary<int, Place> _places = [];
    private readonly List<float[]> _memory = [];
    private readonly int _features = model.Features.Count,
        _tokens = model.Tokens.Length,
        _layers = model.Layers;
    private FileStream? _file = kept?.Stream;
    private long _length = kept?.Start ?? 0;

    /// <summary>Numbers of a whole row.</summary>
    public int Sources => _features + (_layers + 1) * _tokens;

    /// <summary>Bytes kept.</summary>
    public long Bytes => _length;

    /// <summary>Whether they are too many for memory.</summary>
    public bool IsInFile => _file is not null;

    public bool Has(int row) => _places.ContainsKey(row);

    /// <summary>Takes a batch that an earlier trace kept at this place of its order.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="facts">Overwritten by what is known of each.</param>
    /// <returns>Whether it is there and whole.</returns>
    public bool TryTake(IReadOnlyList<RowPlan> batch, Span<RowFacts> facts)
    {
        if (kept is null || !kept.TryRead(_length, batch, batch.Sum(one => (long)Numbers(one.Layers)), facts))
            return false;
        Note(batch);
        return true;
    }

    /// <summary>Keeps a batch.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="facts">What is known of each.</param>
    /// <param name="sources">Of each [<see cref="Sources"/>].</param>
    public void Add(IReadOnlyList<RowPlan> batch, ReadOnlySpan<RowFacts> facts, IReadOnlyList<float[]> sources)
    {
        if (kept is not null)
        {
            kept.Write(_length, batch, facts, batch.Select((one, i) => Packed(sources[i], one.Layers)));
            Note(batch);
            return;
        }
        for (var i = 0; i < batch.Count; i++)
            Add(batch[i], Packed(sources[i], batch[i].Layers));
    }

    /// <summary>Writes a row that was kept into [<see cref="Sources"/>].</summary>
    public void Read(int row, Span<float> sources)
    {
        var (offset, layers) = _places[row];
        var (features, errors) = (model.FeaturesBelow(layers), layers * _tokens);
        sources[features.._features].Clear();
        sources[(_features + errors)..^_tokens].Clear();
        if (_file is null)
        {
            var packed = _memory[(int)offset].AsSpan();
            packed[..features].CopyTo(sources);
            packed.Slice(features, errors).CopyTo(sources[_features..]);
            packed[(features + errors)..].CopyTo(sources[^_tokens..]);
            return;
        }
        ReadPart(sources[..features], offset);
        ReadPart(sources.Slice(_features, errors), offset + (long)features * sizeof(float));
        ReadPart(sources[^_tokens..], offset + (long)(features + errors) * sizeof(float));
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>Numbers of a row that so many layers write to.</summary>
    private int Numbers(int layers) => model.FeaturesBelow(layers) + (layers + 1) * _tokens;

    private float[] Packed(ReadOnlySpan<float> sources, int layers)
    {
        var (features, errors) = (model.FeaturesBelow(layers), layers * _tokens);
        var packed = new float[Numbers(layers)];
        sources[..features].CopyTo(packed);
        sources.Slice(_features, errors).CopyTo(packed.AsSpan(features));
        sources[^_tokens..].CopyTo(packed.AsSpan(features + errors));
        return packed;
    }

    /// <summary>Notes where the rows of a batch lie that is kept in the file, and goes to its end.</summary>
    private void Note(IReadOnlyList<RowPlan> batch)
    {
        var (end, at) = (_length, _length + RowsFile.HeadOf(batch.Count));
        foreach (var (row, layers) in batch)
        {
            _places[row] = new(at, layers);
            at += (long)Numbers(layers) * sizeof(float);
            end += (long)Numbers(layers) * sizeof(float);
        }
        _length = end + RowsFile.BytesOf(batch.Count, 0);
    }

    private void Add(RowPlan row, float[] packed)
    {
        var bytes = (long)packed.Length * sizeof(float);
        if (_file is null && _length + bytes > mostInMemory)
            Spill();
        if (_file is null)
        {
            _places[row.Row] = new(_memory.Count, row.Layers);
            _memory.Add(packed);
        }
        else
        {
            Write(packed, _length);
            _places[row.Row] = new(_length, row.Layers);
        }
        _length += bytes;
    }

    private void Spill()
    {
        _file = ScratchFile.Open(folder);
        var offset = 0L;
        foreach (var (row, place) in _places.OrderBy(pair => pair.Value.Offset).ToArray())
        {
            var packed = _memory[(int)place.Offset];
            Write(packed, offset);
            _places[row] = place with { Offset = offset };
            offset += (long)packed.Length * sizeof(float);
        }
        _memory.Clear();
    }

    private void Write(float[] packed, long offset)
    {
        try
        {
            RandomAccess.Write(_file!.SafeFileHandle, MemoryMarshal.AsBytes<float>(packed), offset);
        }
        catch (IOException problem)
        {
            throw new GemmaScopeException($"the rows of the graph cannot be written: {problem.Message}", _file!.Name, problem);
        }
    }

    private void ReadPart(Span<float> part, long offset) => ScratchFile.ReadExactly(_file!, MemoryMarshal.AsBytes(part), offset);
}
