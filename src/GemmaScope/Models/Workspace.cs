using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>The buffers of a forward pass, kept between runs and grown as needed, so that a run of a size seen before allocates
/// none.</summary>
internal sealed class Workspace : IDisposable
{
    /// <summary>MLP rows computed at a time: bounds the two widest buffers, while weights are still read for many rows at once.</summary>
    public const int MlpRows = 512;

    private readonly Dictionary<(string, int, int), Tensor> _buffers = [];

    /// <summary>An f32 buffer [rows, columns] with undefined contents; the same name and number give the same memory.</summary>
    public MatrixView Buffer(string name, int rows, int columns, int number = 0)
    {
        if (!_buffers.TryGetValue((name, columns, number), out var tensor) || tensor.Rows < rows)
        {
            tensor?.Dispose();
            _buffers[(name, columns, number)] = tensor = Tensor.Uninitialized(rows, columns);
        }
        return tensor.AsMatrix().SliceRows(0, rows);
    }

    /// <summary>Bytes held.</summary>
    public long Bytes => _buffers.Values.Sum(tensor => tensor.ByteLength);

    public void Dispose()
    {
        foreach (var tensor in _buffers.Values)
            tensor.Dispose();
    }
}
