namespace GemmaScope.Training;

/// <summary>The same entries feature by feature (compressed by columns), by rising row: what gradients of a feature's rows are made
/// of.</summary>
internal sealed class EntryColumns
{
    private int[] _starts = [],
        _next = [],
        _rows = [];
    private float[] _z = [];

    /// <summary>Bytes of their memory.</summary>
    public long Bytes => sizeof(int) * (_starts.Length + _next.Length + 2L * _rows.Length);

    /// <summary>Rows in which a feature has an entry.</summary>
    public ReadOnlySpan<int> Rows(int feature) => _rows.AsSpan(_starts[feature].._starts[feature + 1]);

    /// <summary>Its pre-activations there.</summary>
    public ReadOnlySpan<float> Z(int feature) => _z.AsSpan(_starts[feature].._starts[feature + 1]);

    /// <summary>Number of entries of a feature.</summary>
    public int Count(int feature) => _starts[feature + 1] - _starts[feature];

    /// <summary>Turns rows into columns, by counting.</summary>
    public void Fill(EntryRows entries, int features)
    {
        var total = entries.Total;
        if (total > Array.MaxLength)
            throw new ArgumentProblemException(
                $"{total} features are active in one batch, more than can be trained at once; use a smaller batch",
                "x"
            );
        if (_starts.Length != features + 1)
            (_starts, _next) = (new int[features + 1], new int[features]);
        if (_rows.Length < total)
            (_rows, _z) = (new int[total + total / 4], new float[total + total / 4]);
        Array.Clear(_next);
        for (var row = 0; row < entries.Count; row++)
            foreach (var feature in entries[row].Features)
                _next[feature]++;
        for (var i = 0; i < features; i++)
        {
            _starts[i + 1] = _starts[i] + _next[i];
            _next[i] = _starts[i];
        }
        for (var row = 0; row < entries.Count; row++)
        {
            var indices = entries[row].Features;
            var z = entries[row].Z;
            for (var i = 0; i < indices.Length; i++)
            {
                var at = _next[indices[i]]++;
                (_rows[at], _z[at]) = (row, z[i]);
            }
        }
    }
}
