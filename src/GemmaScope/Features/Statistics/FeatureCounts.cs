namespace GemmaScope.Features.Statistics;

/// <summary>
/// How often and how strongly each feature fires (METHODS §7). Only f &gt; 0 fires; positions that do not count take part in
/// <see cref="CountElsewhere"/> and <see cref="MaxAnywhere"/> alone.
/// </summary>
internal sealed class FeatureCounts(int width)
{
    /// <summary>Counted positions with f &gt; 0.</summary>
    public long[] Count { get; } = new long[width];

    /// <summary>Positions that do not count with f &gt; 0.</summary>
    public long[] CountElsewhere { get; } = new long[width];

    public double[] Sum { get; } = new double[width];

    public double[] SumOfSquares { get; } = new double[width];

    /// <summary>Largest activation at a counted position; 0 for a dead feature.</summary>
    public float[] Max { get; } = new float[width];

    public float[] MaxAnywhere { get; } = new float[width];

    /// <summary>The first sequence that reaches the maximum; −1 for a dead feature.</summary>
    public int[] MaxSequence { get; } = [.. Enumerable.Repeat(-1, width)];

    /// <summary>The first position of it that does.</summary>
    public int[] MaxPosition { get; } = [.. Enumerable.Repeat(-1, width)];

    public static FeatureCounts Of(
        ActivationSegments store,
        int dictionary,
        int width,
        IProgress<double>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var counts = new FeatureCounts(width);
        FeatureSweep.Run(store, 0, width, (first, end) => new Part(counts, dictionary, first, end), progress, cancellationToken);
        return counts;
    }

    private sealed class Part(FeatureCounts counts, int dictionary, int first, int end) : ISweepPart
    {
        public void Read(ActivationSegment segment, int local, int sequence)
        {
            var start = segment.Start(local);
            for (var position = 0; position < segment.Length(local); position++)
            {
                var row = segment.Row(dictionary, start + position).Within(first, end);
                for (var i = 0; i < row.Indices.Length; i++)
                    if (row.Values[i] > 0)
                        Add(row.Indices[i], row.Values[i], segment.Counts(start + position), sequence, position);
            }
        }

        private void Add(int feature, float value, bool counted, int sequence, int position)
        {
            counts.MaxAnywhere[feature] = Math.Max(counts.MaxAnywhere[feature], value);
            if (!counted)
            {
                counts.CountElsewhere[feature]++;
                return;
            }
            counts.Count[feature]++;
            counts.Sum[feature] += value;
            counts.SumOfSquares[feature] += (double)value * value;
            if (value <= counts.Max[feature])
                return;
            counts.Max[feature] = value;
            (counts.MaxSequence[feature], counts.MaxPosition[feature]) = (sequence, position);
        }
    }
}
