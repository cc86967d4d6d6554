namespace GemmaScope.Features.Statistics;

/// <summary>
/// The k largest of values that are offered by rising index, largest first; of equal ones the lower index stays and stands first.
/// Unlike <see cref="Dictionaries.TopSelection"/> it allocates once and can be emptied: whole vocabularies pass through it.
/// </summary>
internal sealed class RankedList(int k)
{
    private readonly int[] _indices = new int[k];
    private readonly double[] _values = new double[k];

    public int Count { get; private set; }

    public ReadOnlySpan<int> Indices => _indices.AsSpan(0, Count);

    public ReadOnlySpan<double> Values => _values.AsSpan(0, Count);

    public void Clear() => Count = 0;

    public void Offer(int index, double value)
    {
        if (Count == k && (k == 0 || !(value > _values[k - 1])))
            return;
        var at = Count < k ? Count++ : k - 1;
        for (; at > 0 && value > _values[at - 1]; at--)
            (_indices[at], _values[at]) = (_indices[at - 1], _values[at - 1]);
        (_indices[at], _values[at]) = (index, value);
    }
}
