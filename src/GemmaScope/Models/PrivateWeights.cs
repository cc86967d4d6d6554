using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// Copies of a model's mapped matrices in the process's own memory (<see cref="LargeBlock"/>). A matrix is used from its copy as soon as
/// that is whole: the record of its layer is replaced in one write, and a run that took the old record goes on with the mapping, which
/// stays. Copying is done in steps by whoever decodes, on the workers that would read the same bytes: no thread of its own competes with
/// them, and none can outlive the files.
/// </summary>
internal sealed unsafe class PrivateWeights : IDisposable
{
    /// <summary>Tokens that are decoded before copying begins: who writes fewer, a label or an answer of one word, gains nothing by copies and
    /// does not pay for them.</summary>
    public const int TokensBefore = 8;

    /// <summary>Tokens over which copying is spread.</summary>
    public const int TokensOfCopying = 16;

    private const int ChunkBytes = 1 << 20;

    private readonly GemmaWeights _weights;
    private readonly StoredMatrix[] _matrices;
    private readonly int _room;
    private readonly Func<long> _free;
    private readonly List<LargeBlock> _blocks = [];
    private readonly Lock _copying = new();

    private int _decoded;

    // The matrix that is being copied, and how far.
    private byte* _copy;
    private int _next;
    private long _done;
    private long _bytes;
    private bool _ended;

    /// <param name="weights">What is copied.</param>
    /// <param name="room">How many times the memory must be free that is still to be taken.</param>
    /// <param name="free">Tells how much is free; null for the system's word.</param>
    public PrivateWeights(GemmaWeights weights, int room, Func<long>? free = null)
    {
        (_weights, _room, _free) = (weights, room, free ?? FreeMemory.Bytes);
        _matrices = [.. weights.Matrices()];
        TotalBytes = _matrices.Sum(matrix => matrix.Bytes);
    }

    /// <summary>Whether copying waits for tokens and for memory of which twice as much is free.</summary>
    public bool IsAutomatic => _room > 1;

    /// <summary>Bytes of all matrices.</summary>
    public long TotalBytes { get; }

    /// <summary>Bytes of the matrices that are used from their copies.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Whether nothing more is copied: all is, memory ran short, or it was disposed.</summary>
    public bool Ended => Volatile.Read(ref _ended);

    /// <summary>A token was decoded: from the ninth on, each brings a share of the copies with it.</summary>
    public void Decoded()
    {
        if (!Ended && Interlocked.Increment(ref _decoded) > TokensBefore)
            Copy(TotalBytes / TokensOfCopying + 1);
    }

    /// <summary>Copies all at once.</summary>
    /// <exception cref="GemmaScopeException">Memory does not suffice.</exception>
    public void CopyAll(CancellationToken cancellationToken)
    {
        while (!Ended)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Copy(1L << 28);
        }
        if (Bytes < TotalBytes)
            throw new GemmaScopeException(
                $"the weights take {(TotalBytes - Bytes) / 1e9:0.0} GB of memory, and {_free() / 1e9:0.0} GB are free",
                remedy: new Remedy($"leave them in their files with {new Setting(nameof(ModelLoadOptions.Storage), "mapped")}")
            );
    }

    /// <summary>Copies on, so many bytes unless less is left. Returns at once where another thread copies.</summary>
    public void Copy(long bytes)
    {
        if (Ended || !_copying.TryEnter())
            return;
        try
        {
            while (bytes > 0 && !_ended)
                bytes -= CopySome(bytes);
        }
        finally
        {
            _copying.Exit();
        }
    }

    /// <summary>Waits for a step that another thread makes, and frees the copies; the model may no longer run.</summary>
    public void Dispose()
    {
        lock (_copying)
        {
            Volatile.Write(ref _ended, true);
            foreach (var block in _blocks)
                block.Dispose();
            _blocks.Clear();
        }
    }

    private long CopySome(long most)
    {
        var matrix = _matrices[_next];
        if (_done == 0 && !TryBegin(matrix))
        {
            Volatile.Write(ref _ended, true);
            return 0;
        }
        var bytes = Math.Min(matrix.Bytes - _done, Math.Max(most, ChunkBytes));
        var from = (byte*)matrix.Stored.Data;
        Workers.For((int)((bytes + ChunkBytes - 1) / ChunkBytes), new Chunk(from + _done, _copy + _done, bytes));
        _done += bytes;
        if (_done < matrix.Bytes)
            return bytes;
        matrix.Use(matrix.Stored with { Data = _copy });
        LinuxMemory.LetGo(from, matrix.Bytes);
        Volatile.Write(ref _bytes, _bytes + matrix.Bytes);
        (_done, _next) = (0, _next + 1);
        Volatile.Write(ref _ended, _next == _matrices.Length);
        return bytes;
    }

    private bool TryBegin(StoredMatrix matrix)
    {
        // Reading a mapped file that was cut short would end the process.
        _weights.RequireWhole();
        if (_free() / _room < TotalBytes - _bytes || LargeBlock.TryAllocate(matrix.Bytes) is not { } block)
            return false;
        _blocks.Add(block);
        _copy = block.Pointer;
        return true;
    }

    private readonly struct Chunk(byte* from, byte* to, long bytes) : IJob
    {
        public void Run(int index)
        {
            var start = (long)index * ChunkBytes;
            var count = Math.Min(ChunkBytes, bytes - start);
            Buffer.MemoryCopy(from + start, to + start, count, count);
        }
    }
}

/// <summary>A matrix of a model as its file has it, and how the model is told to use another copy of it.</summary>
internal sealed record StoredMatrix(WeightView Stored, Action<WeightView> Use)
{
    /// <summary>Its bytes, which lie one after the other.</summary>
    public long Bytes { get; } = Stored.RowBytes * Stored.Outputs;
}
