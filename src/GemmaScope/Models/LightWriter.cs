using System.Text.Json.Nodes;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>Writes the weights' files of a light form, one for each of the model's, a piece of a matrix at a time.</summary>
internal sealed unsafe class LightWriter
{
    private const int PieceValues = 1 << 22;

    private readonly ShardedSafetensors _files;
    private readonly DType _type;
    private readonly IProgress<(long Done, long Total)>? _progress;
    private readonly CancellationToken _cancellationToken;
    private readonly HashSet<string> _quantised;
    private readonly Scratch _bytes = new();
    private double _error,
        _size;
    private long _written;

    public LightWriter(
        ShardedSafetensors files,
        HashSet<string> matrices,
        DType type,
        IProgress<(long Done, long Total)>? progress,
        CancellationToken cancellationToken
    )
    {
        (_files, _type, _progress, _cancellationToken) = (files, type, progress, cancellationToken);
        _quantised = [.. matrices.Where(name => files[name].Columns % type.BlockLength() == 0)];
        if (_quantised.Count == 0)
            throw new GemmaScopeException($"no matrix of its layers has rows of whole blocks of {type.BlockLength()} values", files.Path);
        Kept = matrices.Count - _quantised.Count;
        Total = files.Files.SelectMany(file => Sources(file)).Sum(source => source.ByteLength);
    }

    /// <summary>Matrices whose rows are no whole blocks.</summary>
    public int Kept { get; }

    /// <summary>Matrices that are quantised.</summary>
    public int Quantised => _quantised.Count;

    /// <summary>Bytes of all tensors.</summary>
    public long Total { get; }

    /// <summary>Root of the mean square error, relative to that of the weights.</summary>
    public double Error => Math.Sqrt(_error / Math.Max(_size, double.Epsilon));

    /// <summary>Writes all files into a folder.</summary>
    public void Write(string folder)
    {
        foreach (var file in _files.Files)
            SafetensorsWriter.Write(
                Path.Combine(folder, Path.GetFileName(file.Path)),
                Sources(file),
                file.Metadata,
                cancellationToken: _cancellationToken
            );
        if (!_files.Path.EndsWith(".json", StringComparison.Ordinal))
            return;
        var index = JsonNode.Parse(File.ReadAllText(_files.Path))!.AsObject();
        if (index["metadata"] is JsonObject metadata)
            metadata["total_size"] = Total;
        LightModel.WriteJson(Path.Combine(folder, Path.GetFileName(_files.Path)), index);
    }

    private IEnumerable<TensorSource> Sources(SafetensorsFile file) =>
        file.Tensors.Select(pair => new TensorSource(
            pair.Key,
            _quantised.Contains(pair.Key) ? _type : pair.Value.Type,
            pair.Value.Shape,
            stream => Write(pair.Key, pair.Value, stream)
        ));

    private void Write(string name, Tensor tensor, Stream stream)
    {
        var quantised = _quantised.Contains(name);
        var rows = Math.Max(1, PieceValues / Math.Max(1, tensor.Columns));
        for (long row = 0; row < tensor.Rows; row += rows)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            var count = (int)Math.Min(rows, tensor.Rows - row);
            var piece = quantised ? Narrow(name, tensor, row, count) : Bytes(tensor, row, count);
            stream.Write(piece);
            _progress?.Report((_written += piece.Length, Total));
        }
    }

    private static ReadOnlySpan<byte> Bytes(Tensor tensor, long row, int count)
    {
        var bytes = tensor.ByteLength / tensor.Rows;
        return new(tensor.Pointer + row * bytes, checked((int)(count * bytes)));
    }

    private ReadOnlySpan<byte> Narrow(string name, Tensor tensor, long row, int count)
    {
        var bytes = (int)_type.ByteLength(tensor.Columns);
        var target = _bytes.Bytes((long)count * bytes);
        var errors = new (double Error, double Size)[count];
        Workers.For(count, new Rows(tensor, row, _type, target, bytes, errors));
        for (var i = 0; i < count; i++)
        {
            if (!double.IsFinite(errors[i].Error))
                throw new FileFormatException(
                    $"tensor '{name}', row {row + i}: a weight is no number, infinite, or too large for a scale",
                    _files.FileOf(name)
                );
            _error += errors[i].Error;
            _size += errors[i].Size;
        }
        return new(target, count * bytes);
    }

    private readonly struct Rows(Tensor tensor, long first, DType type, byte* target, int bytes, (double, double)[] errors) : IJob
    {
        [ThreadStatic]
        private static float[]? t_row;

        public void Run(int index)
        {
            if (t_row is null || t_row.Length < tensor.Columns)
                t_row = new float[tensor.Columns];
            var row = t_row.AsSpan(0, tensor.Columns);
            tensor.WidenRow(first + index, row);
            var error = BlockNarrowing.Narrow(row, type, new Span<byte>(target + (long)index * bytes, bytes));
            errors[index] = (error, System.Numerics.Tensors.TensorPrimitives.SumOfSquares(row));
        }
    }
}
