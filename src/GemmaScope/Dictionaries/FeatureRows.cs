namespace GemmaScope.Dictionaries;

/// <summary>The features of one row while they are being found, by rising index.</summary>
internal sealed class FeatureRow
{
    private int[] _indices = new int[64];
    private float[] _values = new float[64];

    public int Count { get; private set; }

    public ReadOnlySpan<int> Indices => _indices.AsSpan(0, Count);

    public ReadOnlySpan<float> Values => _values.AsSpan(0, Count);

    public void Add(int feature, float value)
    {
        if (Count == _indices.Length)
        {
            Array.Resize(ref _indices, Count * 2);
            Array.Resize(ref _values, Count * 2);
        }
        (_indices[Count], _values[Count]) = (feature, value);
        Count++;
    }
}

/// <summary>Rows being found; each may be filled by another worker.</summary>
internal sealed class FeatureRows
{
    private readonly FeatureRow[] _rows;
    private readonly int _width;

    public FeatureRows(int rows, int width)
    {
        (_rows, _width) = (new FeatureRow[rows], width);
        for (var i = 0; i < rows; i++)
            _rows[i] = new FeatureRow();
    }

    public FeatureRow this[int row] => _rows[row];

    public SparseActivations ToActivations()
    {
        var total = _rows.Sum(row => (long)row.Count);
        if (total > Array.MaxLength)
            throw new ArgumentProblemException(
                $"{total} features are active, more than one result can hold; encode fewer rows at once",
                "x"
            );
        var (starts, indices, values) = (new int[_rows.Length + 1], new int[total], new float[total]);
        for (var i = 0; i < _rows.Length; i++)
        {
            _rows[i].Indices.CopyTo(indices.AsSpan(starts[i]));
            _rows[i].Values.CopyTo(values.AsSpan(starts[i]));
            starts[i + 1] = starts[i] + _rows[i].Count;
        }
        return new SparseActivations(_width, starts, indices, values);
    }
}
