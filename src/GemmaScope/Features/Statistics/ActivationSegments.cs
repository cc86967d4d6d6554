namespace GemmaScope.Features.Statistics;

/// <summary>The features of a whole corpus, segment after segment, to be read as often as needed.</summary>
internal sealed class ActivationSegments : IDisposable
{
    private readonly List<ActivationSegment> _segments = [];
    private readonly List<int> _firstSequence = [];

    public IReadOnlyList<ActivationSegment> Segments => _segments;

    public int Sequences { get; private set; }

    /// <summary>Positions, whether they count or not.</summary>
    public long Positions { get; private set; }

    /// <summary>Positions that count.</summary>
    public long Counted { get; private set; }

    /// <summary>Tokens of the longest sequence.</summary>
    public int LongestSequence { get; private set; }

    public void Add(ActivationSegment segment)
    {
        _segments.Add(segment);
        _firstSequence.Add(Sequences);
        Sequences += segment.Sequences;
        Positions += segment.Rows;
        Counted += segment.Counted;
        for (var s = 0; s < segment.Sequences; s++)
            LongestSequence = Math.Max(LongestSequence, segment.Length(s));
    }

    /// <summary>Index of the first sequence of a segment among all.</summary>
    public int FirstSequence(int segment) => _firstSequence[segment];

    /// <summary>The segment that holds a sequence, and its index there.</summary>
    public (ActivationSegment Segment, int Sequence) Find(int sequence)
    {
        var at = _firstSequence.BinarySearch(sequence);
        if (at < 0)
            at = ~at - 1;
        return (_segments[at], sequence - _firstSequence[at]);
    }

    public void Dispose()
    {
        foreach (var segment in _segments)
            segment.Dispose();
    }
}
