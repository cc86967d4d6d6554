using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>The rows of a text as the model computes them, one after another and without end: after the last comes the first again. Rows
/// are numbered over all rounds.</summary>
internal sealed class RowStream(WindowSource text, HarvestSites sites, int windowsPerRun) : IDisposable
{
    private IEnumerator<WindowRun>? _runs;
    private ModelRun? _computed;
    private bool _anyInRound;
    private long _first;
    private int _next;

    /// <summary>Copies the next row of each site into a row of its buffer.</summary>
    /// <exception cref="ArgumentProblemException">The text has no row.</exception>
    public void Next(Tensor[] buffer, int slot, CancellationToken cancellationToken)
    {
        while (_runs is null || _next == _runs.Current.Rows.Length)
            Advance();
        Copy(_next, buffer, slot, cancellationToken);
        _next++;
    }

    /// <summary>Fills the buffer with rows of given numbers, and goes on after them.</summary>
    /// <param name="buffer">A tensor for each site.</param>
    /// <param name="rows">The number of the row that belongs into each slot; no number twice.</param>
    /// <param name="next">The number of the row that comes next, above all of those.</param>
    public void Load(Tensor[] buffer, long[] rows, long next)
    {
        Begin(0);
        var slots = Enumerable.Range(0, rows.Length).ToArray();
        Array.Sort((long[])rows.Clone(), slots);
        for (var i = 0; i < slots.Length; i++)
        {
            GoTo(rows[slots[i]]);
            Copy(_next, buffer, slots[i], CancellationToken.None);
        }
        GoTo(next);
    }

    public void Dispose()
    {
        _computed?.Dispose();
        _runs?.Dispose();
    }

    private void GoTo(long row)
    {
        while (_runs is null || row >= _first + _runs.Current.Rows.Length)
            Advance();
        _next = (int)(row - _first);
    }

    /// <summary>Goes on to the next run; the model runs only when a row of it is asked for.</summary>
    private void Advance()
    {
        var first = _runs is null ? 0 : _first + _runs.Current.Rows.Length;
        _computed?.Dispose();
        _computed = null;
        _runs ??= text.Runs(windowsPerRun).GetEnumerator();
        while (!_runs.MoveNext())
        {
            if (!_anyInRound)
                throw new ArgumentProblemException("holds no token that counts", "text");
            Begin(first);
            _runs = text.Runs(windowsPerRun).GetEnumerator();
        }
        _anyInRound |= _runs.Current.Rows.Length > 0;
        (_first, _next) = (first, 0);
    }

    private void Begin(long first)
    {
        Dispose();
        (_runs, _computed, _anyInRound, _first, _next) = (null, null, false, first, 0);
    }

    private void Copy(int row, Tensor[] buffer, int slot, CancellationToken cancellationToken)
    {
        var run = _runs!.Current;
        _computed ??= sites.Run(run, cancellationToken);
        for (var i = 0; i < buffer.Length; i++)
            HarvestSites.Rows(_computed, sites.Sites[i]).Row(run.Rows[row].Index).CopyTo(buffer[i].Row(slot));
    }
}
