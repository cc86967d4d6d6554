using GemmaScope.Models;

namespace GemmaScope.Activations;

/// <summary>
/// Streams the rows of a store. A thread of its own reads ahead into two buffers, which change places with the batch that is filled:
/// nothing is copied a second time and nothing allocated per batch. Several readers may read one store at once.
/// </summary>
public sealed class ActivationReader : IActivationSource
{
    private readonly ActivationStore _store;
    private readonly long _seed;
    private ReadAhead? _ahead;

    internal ActivationReader(ActivationStore store, IEnumerable<Site> sites, long seed)
    {
        (_store, _seed, Sites) = (store, seed, [.. sites]);
        foreach (var site in Sites)
            store.IndexOf(site);
        if (Sites.Count == 0)
            throw new ArgumentProblemException("name one site or more", "sites");
        if (store.Rows == 0)
            throw new ArgumentProblemException("has no complete bucket yet; read it when the harvest has written one", store.Folder);
    }

    /// <inheritdoc/>
    public IReadOnlyList<Site> Sites { get; }

    /// <inheritdoc/>
    public long Position { get; private set; }

    /// <inheritdoc/>
    public int Width(Site site) => _store.Width(site);

    /// <inheritdoc/>
    public double Scale(Site site) => _store.Scale(site);

    /// <inheritdoc/>
    public void Seek(long position)
    {
        if (position < 0)
            throw new ArgumentProblemException($"must not be negative, found {position}", "position");
        if (position == Position)
            return;
        Stop();
        Position = position;
    }

    /// <inheritdoc/>
    /// <exception cref="FileFormatException">A shard is missing, damaged or cut short.</exception>
    public void Read(ActivationBatch batch, CancellationToken cancellationToken = default)
    {
        if (_ahead?.Rows != batch.Rows)
            Stop();
        _ahead ??= new(this, new StoreCursor(_store, Sites, _seed, Position), batch.Rows);
        _ahead.Take(batch, cancellationToken);
        Position += batch.Rows;
    }

    /// <summary>Ends the reading ahead.</summary>
    public void Dispose() => Stop();

    private void Stop()
    {
        _ahead?.Dispose();
        _ahead = null;
    }
}
