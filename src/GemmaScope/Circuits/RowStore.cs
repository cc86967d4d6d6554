using System.Runtime.InteropServices;
using GemmaScope.Files;

namespace GemmaScope.Circuits;

/// <summary>
/// Rows of a graph as they are computed, by number: first in memory, and from some size on in one temporary file. A target of layer l is
/// reached by what lower layers write alone, so only that part of its row is kept.
/// </summary>
internal sealed class RowStore(ReplacementModel model, string? folder, long mostInMemory = 64L << 20) : IDisposable
{
    private readonly record struct Place(long Offset, int Layers);

    private readonly Dictionary<int, Place> _places = [];
    private readonly List<float[]> _memory = [];
    private readonly int _features = model.Features.Count,
        _tokens = model.Tokens.Length,
        _layers = model.Layers;
    private FileStream? _file;
    private long _length;

    /// <summary>Numbers of a whole row.</summary>
    public int Sources => _features + (_layers + 1) * _tokens;

    /// <summary>Bytes kept.</summary>
    public long Bytes => _length;

    /// <summary>Whether they are too many for memory.</summary>
    public bool IsInFile => _file is not null;

    public bool Has(int row) => _places.ContainsKey(row);

    /// <summary>Keeps a row.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="sources">[<see cref="Sources"/>].</param>
    /// <param name="layers">How many layers, from the first, may write to it.</param>
    public void Add(int row, ReadOnlySpan<float> sources, int layers)
    {
        var (features, errors) = (model.FeaturesBelow(layers), layers * _tokens);
        var packed = new float[features + errors + _tokens];
        sources[..features].CopyTo(packed);
        sources.Slice(_features, errors).CopyTo(packed.AsSpan(features));
        sources[^_tokens..].CopyTo(packed.AsSpan(features + errors));
        var bytes = (long)packed.Length * sizeof(float);
        if (_file is null && _length + bytes > mostInMemory)
            Spill();
        if (_file is null)
        {
            _places[row] = new(_memory.Count, layers);
            _memory.Add(packed);
        }
        else
        {
            Write(packed, _length);
            _places[row] = new(_length, layers);
        }
        _length += bytes;
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

    private void ReadPart(Span<float> part, long offset)
    {
        var bytes = MemoryMarshal.AsBytes(part);
        while (bytes.Length > 0)
        {
            var read = RandomAccess.Read(_file!.SafeFileHandle, bytes, offset);
            if (read == 0)
                throw new FileFormatException("the file of the graph's rows was cut while it was in use", _file.Name);
            bytes = bytes[read..];
            offset += read;
        }
    }
}
