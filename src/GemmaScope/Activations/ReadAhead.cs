using System.Runtime.ExceptionServices;

namespace GemmaScope.Activations;

/// <summary>Fills batches on a thread of its own before they are asked for.</summary>
internal sealed class ReadAhead : IDisposable
{
    // One is being filled while the other waits to be taken.
    private const int Count = 2;

    private readonly StoreCursor _cursor;
    private readonly ActivationBatch[] _buffers;
    private readonly SemaphoreSlim _empty = new(Count),
        _full = new(0);
    private readonly Thread _thread;
    private volatile bool _ends;
    private volatile Exception? _failure;
    private long _taken;

    public ReadAhead(IActivationSource source, StoreCursor cursor, int rows)
    {
        (_cursor, Rows) = (cursor, rows);
        _buffers = [.. Enumerable.Range(0, Count).Select(_ => new ActivationBatch(source, rows))];
        _thread = new Thread(Fill) { IsBackground = true, Name = "GemmaScope activation reader" };
        _thread.Start();
    }

    /// <summary>Rows of each batch.</summary>
    public int Rows { get; }

    /// <summary>Waits for the next full buffer and exchanges it for the batch's memory.</summary>
    public void Take(ActivationBatch batch, CancellationToken cancellationToken)
    {
        _full.Wait(cancellationToken);
        if (_failure is { } failure)
        {
            // The next reader is to find it too.
            _full.Release();
            ExceptionDispatchInfo.Throw(failure);
        }
        batch.Swap(_buffers[_taken++ % Count]);
        _empty.Release();
    }

    public void Dispose()
    {
        _ends = true;
        _empty.Release();
        _thread.Join();
        foreach (var buffer in _buffers)
            buffer.Dispose();
        _cursor.Dispose();
        _empty.Dispose();
        _full.Dispose();
    }

    private void Fill()
    {
        try
        {
            for (long filled = 0; ; filled++)
            {
                _empty.Wait();
                if (_ends)
                    return;
                _cursor.Read(_buffers[filled % Count]);
                _full.Release();
            }
        }
        catch (Exception failure)
        {
            _failure = failure;
            _full.Release();
        }
    }
}
