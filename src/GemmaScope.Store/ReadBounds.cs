namespace GemmaScope.Store;

/// <summary>
/// How long a reading of a database may take, and for whom. It goes with the flow of the work, as the pages of a server read in many
/// places and none of them has an opinion of its own.
/// </summary>
internal sealed record ReadBounds(TimeSpan Limit, CancellationToken Gone)
{
    private static readonly AsyncLocal<ReadBounds?> Flow = new();

    /// <summary>Those of the work that goes on here; null for none.</summary>
    public static ReadBounds? Current
    {
        get => Flow.Value;
        set => Flow.Value = value;
    }

    /// <summary>Does a reading, which is stopped when its time is over or nobody waits for it.</summary>
    /// <param name="location">The database.</param>
    /// <param name="interrupt">Stops it from another thread.</param>
    /// <param name="read">The reading.</param>
    public T Run<T>(string location, Action interrupt, Func<T> read)
    {
        Gone.ThrowIfCancellationRequested();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Gone);
        ending.CancelAfter(Limit);
        try
        {
            // Disposed before the connection goes to the next reader, which must not be stopped in its place.
            using (ending.Token.Register(interrupt))
                return read();
        }
        catch (Exception problem) when (ending.IsCancellationRequested)
        {
            Gone.ThrowIfCancellationRequested();
            throw new GemmaScopeException(
                FormattableString.Invariant($"did not answer within {Limit.TotalSeconds:0.#} s, and was stopped; ask for less at once"),
                location,
                problem
            );
        }
    }
}
