namespace GemmaScope.Dictionaries;

/// <summary>One feature and its activation.</summary>
/// <param name="Feature">Index in the dictionary.</param>
/// <param name="Value">Activation.</param>
public readonly record struct FeatureActivation(int Feature, float Value);

/// <summary>
/// Feature activations of some rows (tokens), compressed by rows (CSR): of each row only the features that are not 0, by rising index.
/// </summary>
public sealed class SparseActivations
{
    private readonly int[] _starts;
    private readonly int[] _indices;
    private readonly float[] _values;

    /// <summary>Takes over the three arrays of a CSR matrix.</summary>
    /// <param name="width">Number of columns.</param>
    /// <param name="starts">[rows + 1] where each row begins in the other two; the last is their length.</param>
    /// <param name="indices">Columns, rising within a row.</param>
    /// <param name="values">Values.</param>
    /// <exception cref="ArgumentProblemException">The arrays are no CSR matrix of that width.</exception>
    public SparseActivations(int width, int[] starts, int[] indices, float[] values)
    {
        (Width, _starts, _indices, _values) = (width, starts, indices, values);
        Check();
    }

    /// <summary>Rows (tokens).</summary>
    public int Rows => _starts.Length - 1;

    /// <summary>Columns (features of the dictionary).</summary>
    public int Width { get; }

    /// <summary>Stored entries.</summary>
    public long Count => _indices.Length;

    /// <summary>Features of a row, rising.</summary>
    public ReadOnlySpan<int> Indices(int row) => _indices.AsSpan(_starts[row].._starts[row + 1]);

    /// <summary>Their activations.</summary>
    public ReadOnlySpan<float> Values(int row) => _values.AsSpan(_starts[row].._starts[row + 1]);

    /// <summary>Where a row begins in the order of all entries.</summary>
    public int Start(int row) => _starts[row];

    /// <summary>The activations of a run of rows, one row after another.</summary>
    internal ReadOnlySpan<float> Values(int start, int count) => _values.AsSpan(_starts[start].._starts[start + count]);

    /// <summary>Number of active features of a row: f &gt; 0 (METHODS §2.9; the tutorial's f &gt; 1 is a mistake).</summary>
    public int L0(int row) => CountAbove(row, 0);

    /// <summary>Number of features of a row above a value.</summary>
    public int CountAbove(int row, float level)
    {
        var count = 0;
        foreach (var value in Values(row))
            count += value > level ? 1 : 0;
        return count;
    }

    /// <summary>The activation of one feature, 0 where it is not stored.</summary>
    public float Value(int row, int feature)
    {
        var at = Indices(row).BinarySearch(feature);
        return at < 0 ? 0 : Values(row)[at];
    }

    /// <summary>The strongest active features (f &gt; 0) of a row, strongest first; of equal ones the lower index first.</summary>
    public FeatureActivation[] Top(int row, int k)
    {
        var indices = Indices(row);
        var values = Values(row);
        var top = new TopSelection(k);
        for (var i = 0; i < indices.Length; i++)
            if (values[i] > 0)
                top.Offer(indices[i], values[i]);
        return top.Descending();
    }

    /// <summary>The entries of some rows, as a matrix of their own.</summary>
    public SparseActivations SliceRows(int start, int count)
    {
        var (first, end) = (_starts[start], _starts[start + count]);
        var starts = new int[count + 1];
        for (var i = 0; i <= count; i++)
            starts[i] = _starts[start + i] - first;
        return new SparseActivations(Width, starts, _indices[first..end], _values[first..end]);
    }

    private void Check()
    {
        var sound = _starts.Length > 0 && _starts[0] == 0 && _starts[^1] == _indices.Length && _indices.Length == _values.Length;
        for (var row = 0; sound && row < Rows; row++)
        {
            sound = _starts[row] <= _starts[row + 1] && _starts[row + 1] <= _indices.Length;
            for (int i = sound ? _starts[row] : 0, last = -1; sound && i < _starts[row + 1]; last = _indices[i++])
                sound = _indices[i] > last && _indices[i] < Width;
        }
        if (!sound)
            throw new ArgumentProblemException($"starts, indices and values are no CSR matrix of {Width} columns", "features");
    }
}
