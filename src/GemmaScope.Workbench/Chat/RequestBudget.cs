namespace GemmaScope.Workbench;

/// <summary>How many requests may still be sent to language models; repeated ones count too.</summary>
/// <param name="limit">At most so many; null for any number.</param>
public sealed class RequestBudget(int? limit)
{
    private int _used;

    /// <summary>Requests so far.</summary>
    public int Used => Math.Min(Volatile.Read(ref _used), limit ?? int.MaxValue);

    /// <summary>Whether so many more may be sent.</summary>
    public bool Allows(int requests) => limit is not { } most || requests <= most - Used;

    /// <summary>Counts a request that is about to be sent.</summary>
    /// <exception cref="BudgetUsedUpException">There is none left.</exception>
    public void Take()
    {
        if (Interlocked.Increment(ref _used) > limit)
            throw new BudgetUsedUpException(limit.Value);
    }
}

/// <summary>The requests that a budget allows are used up. It ends the work on a feature, and with it the batch; nothing is
/// wrong.</summary>
/// <param name="limit">How many there were.</param>
public sealed class BudgetUsedUpException(int limit) : GemmaScopeException($"the {limit} requests of the budget are used up");
