using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>How sparsely features fire, over the rows that count (METHODS §2.9). Counts only, so rows may come in any portions.</summary>
public sealed class SparsitySums(int width)
{
    private readonly long[] _counts = new long[width];
    private readonly float[] _maxima = new float[width];
    private long _rows,
        _active,
        _aboveOne;

    /// <summary>Rows that counted; a statement about dead features says little without it.</summary>
    public long Rows => _rows;

    /// <summary>Mean number of features with f &gt; 0.</summary>
    public double L0 => (double)_active / Rows;

    /// <summary>Mean number of features with f &gt; 1, as the tutorial counts; for comparison only.</summary>
    public double TutorialL0 => (double)_aboveOne / Rows;

    /// <summary>Of each feature the number of rows with f &gt; 0.</summary>
    public IReadOnlyList<long> Counts => _counts;

    /// <summary>Of each feature the largest activation, 0 if it never fired.</summary>
    public IReadOnlyList<float> Maxima => _maxima;

    /// <summary>Features that never fired in the rows counted.</summary>
    public int Dead => _counts.Count(count => count == 0);

    /// <summary>Fraction of rows in which a feature fired.</summary>
    public double Density(int feature) => (double)_counts[feature] / Rows;

    /// <summary>Number of features that fired in more than this fraction of the rows.</summary>
    public int DenserThan(double density) => _counts.Count(count => count > density * Rows);

    /// <summary>Adds rows.</summary>
    /// <param name="features">Their activations.</param>
    /// <param name="counted">Which of them count; null: all.</param>
    public void Add(SparseActivations features, ReadOnlySpan<bool> counted = default)
    {
        if (features.Width != _counts.Length)
            throw new ArgumentProblemException($"has {features.Width} columns where {_counts.Length} are needed", "features");
        for (var row = 0; row < features.Rows; row++)
        {
            if (!counted.IsEmpty && !counted[row])
                continue;
            _rows++;
            var indices = features.Indices(row);
            var values = features.Values(row);
            for (var i = 0; i < indices.Length; i++)
            {
                if (!(values[i] > 0))
                    continue;
                _active++;
                if (values[i] > 1)
                    _aboveOne++;
                _counts[indices[i]]++;
                _maxima[indices[i]] = Math.Max(_maxima[indices[i]], values[i]);
            }
        }
    }

    /// <summary>Features by log10 of their density, in bins [edge, next edge), the last one closed; dead features are in none.</summary>
    public int[] DensityHistogram(IReadOnlyList<double> edges)
    {
        var bins = new int[edges.Count - 1];
        foreach (var count in _counts)
        {
            if (count == 0)
                continue;
            var place = Math.Log10((double)count / Rows);
            for (var bin = 0; bin < bins.Length; bin++)
                if (place >= edges[bin] && (place < edges[bin + 1] || (bin == bins.Length - 1 && place <= edges[^1])))
                    bins[bin]++;
        }
        return bins;
    }

    /// <summary>Adds the counts of other rows.</summary>
    public void Merge(SparsitySums other)
    {
        if (other._counts.Length != _counts.Length)
            throw new ArgumentProblemException($"counts {other._counts.Length} features where {_counts.Length} are needed", "other");
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
            _maxima[i] = Math.Max(_maxima[i], other._maxima[i]);
        }
        (_rows, _active, _aboveOne) = (_rows + other._rows, _active + other._active, _aboveOne + other._aboveOne);
    }

    internal void Visit(SumsState state)
    {
        state.Count("rows", ref _rows);
        state.Count("active", ref _active);
        state.Count("above_one", ref _aboveOne);
        state.Counts("counts", _counts);
        state.Floats("maxima", _maxima);
    }
}
