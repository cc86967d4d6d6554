using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// When each feature fired last and how often, over a window of tokens. Counts are kept of the half window that is being filled and of the
/// one before, so rates are of half a window at least once the training has come so far.
/// </summary>
internal sealed class Firing(long features, long window) : IDisposable
{
    private readonly Counters _last = new("last_fired", features),
        _now = new("fired_now", features),
        _before = new("fired_before", features),
        _rows = new("fired_rows", 2);

    /// <summary>What a checkpoint must store.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State => [_last.State, _now.State, _before.State, _rows.State];

    /// <summary>Takes note of a feature in a batch; of different features from several threads.</summary>
    /// <param name="feature">The feature.</param>
    /// <param name="rows">Rows in which it fired.</param>
    /// <param name="tokens">Rows seen when the batch is done.</param>
    public void Add(int feature, int rows, long tokens)
    {
        _last[feature] = tokens;
        _now[feature] += rows;
    }

    /// <summary>Ends a batch.</summary>
    public void Close(int rows)
    {
        _rows[0] += rows;
        if (_rows[0] < (window + 1) / 2)
            return;
        (_rows[1], _rows[0]) = (_rows[0], 0);
        for (var i = 0L; i < features; i++)
            (_before[i], _now[i]) = (_now[i], 0);
    }

    /// <summary>Whether a feature has not fired for the window.</summary>
    public bool IsDead(int feature, long tokens) => tokens - _last[feature] >= window;

    /// <summary>The features that have not fired for the window.</summary>
    public int[] Dead(long tokens) => [.. Enumerable.Range(0, (int)features).Where(feature => IsDead(feature, tokens))];

    /// <summary>Gives a feature a window of its own to fire in.</summary>
    public void Revive(int feature, long tokens) => _last[feature] = tokens;

    /// <summary>Share of the features that fired at more than so many of the rows.</summary>
    public double ShareAbove(double rate)
    {
        var (count, least) = (0L, rate * (_rows[0] + _rows[1]));
        for (var i = 0L; i < features; i++)
            count += _now[i] + _before[i] > least ? 1 : 0;
        return (double)count / features;
    }

    public void Dispose()
    {
        _last.Dispose();
        _now.Dispose();
        _before.Dispose();
        _rows.Dispose();
    }
}
