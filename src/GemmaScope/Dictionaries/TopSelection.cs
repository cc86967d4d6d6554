namespace GemmaScope.Dictionaries;

/// <summary>Keeps the k largest of the values offered one after the other, exactly: of equal values the lower index stays.</summary>
public sealed class TopSelection(int k)
{
    // The one to go next is in front: the smallest value, of equal ones the highest index.
    private readonly PriorityQueue<int, (float Value, int MinusIndex)> _kept = new();

    /// <summary>Number kept so far.</summary>
    public int Count => _kept.Count;

    /// <summary>Looks at one value; a NaN is below all others.</summary>
    public void Offer(int index, float value)
    {
        var rank = (value, -index);
        if (_kept.Count < k)
            _kept.Enqueue(index, rank);
        else if (_kept.TryPeek(out _, out var last) && rank.CompareTo(last) > 0)
            _kept.DequeueEnqueue(index, rank);
    }

    /// <summary>What was kept, largest first, of equal values the lower index first; nothing is kept any more.</summary>
    public FeatureActivation[] Descending()
    {
        var result = new FeatureActivation[_kept.Count];
        for (var i = result.Length - 1; _kept.TryDequeue(out var index, out var rank); i--)
            result[i] = new(index, rank.Value);
        return result;
    }

    /// <summary>The indices of the k largest of a list, rising.</summary>
    public static int[] Indices(ReadOnlySpan<float> values, int k)
    {
        var top = new TopSelection(k);
        for (var i = 0; i < values.Length; i++)
            top.Offer(i, values[i]);
        return [.. top.Descending().Select(kept => kept.Feature).Order()];
    }
}
