using System.Numerics;

namespace GemmaScope.Training;

/// <summary>Features of one row of the batch that matter to the step, by rising index, each with its pre-activation z.</summary>
internal sealed class EntryRow
{
    private int[] _features = new int[64];
    private float[] _z = new float[64];

    public int Count { get; private set; }

    /// <summary>Bytes of its memory.</summary>
    public long Bytes => (sizeof(int) + sizeof(float)) * (long)_features.Length;

    public ReadOnlySpan<int> Features => _features.AsSpan(0, Count);

    public ReadOnlySpan<float> Z => _z.AsSpan(0, Count);

    public void Clear() => Count = 0;

    public void Add(int feature, float z)
    {
        if (Count == _features.Length)
        {
            Array.Resize(ref _features, Count * 2);
            Array.Resize(ref _z, Count * 2);
        }
        (_features[Count], _z[Count]) = (feature, z);
        Count++;
    }

    /// <summary>Adds the features first, first + 1, … whose z is above their bound.</summary>
    public void AddAbove(ReadOnlySpan<float> z, ReadOnlySpan<float> bounds, int first)
    {
        var i = 0;
        for (; i <= z.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            // Nearly all features are silent: a whole vector is passed over at once.
            if (!Vector.GreaterThanAny(new Vector<float>(z[i..]), new Vector<float>(bounds[i..])))
                continue;
            for (var j = i; j < i + Vector<float>.Count; j++)
                if (z[j] > bounds[j])
                    Add(first + j, z[j]);
        }
        for (; i < z.Length; i++)
            if (z[i] > bounds[i])
                Add(first + i, z[i]);
    }

    /// <summary>Adds the features first, first + 1, … whose z is above one bound.</summary>
    public void AddAbove(ReadOnlySpan<float> z, float bound, int first)
    {
        var (i, bounds) = (0, new Vector<float>(bound));
        for (; i <= z.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            if (!Vector.GreaterThanAny(new Vector<float>(z[i..]), bounds))
                continue;
            for (var j = i; j < i + Vector<float>.Count; j++)
                if (z[j] > bound)
                    Add(first + j, z[j]);
        }
        for (; i < z.Length; i++)
            if (z[i] > bound)
                Add(first + i, z[i]);
    }

    /// <summary>Keeps what is above a bound, and the first of those equal to it.</summary>
    /// <returns>How many equal ones were kept.</returns>
    public int Keep(float bound, int equals)
    {
        var (kept, equal) = (0, 0);
        for (var i = 0; i < Count; i++)
        {
            if (_z[i] == bound && equal < equals)
                equal++;
            else if (!(_z[i] > bound))
                continue;
            (_features[kept], _z[kept]) = (_features[i], _z[i]);
            kept++;
        }
        Count = kept;
        return equal;
    }
}

/// <summary>The entries of a batch, row by row; their memory is used again in the next step.</summary>
internal sealed class EntryRows
{
    private EntryRow[] _rows = [];

    public int Count { get; private set; }

    public EntryRow this[int row] => _rows[row];

    /// <summary>Entries of all rows.</summary>
    public long Total
    {
        get
        {
            long total = 0;
            for (var row = 0; row < Count; row++)
                total += _rows[row].Count;
            return total;
        }
    }

    /// <summary>Bytes of their memory.</summary>
    public long Bytes => _rows.Sum(row => row.Bytes);

    public void Clear(int rows)
    {
        var before = _rows.Length;
        if (rows > before)
            Array.Resize(ref _rows, rows);
        for (var row = before; row < rows; row++)
            _rows[row] = new EntryRow();
        Count = rows;
        for (var row = 0; row < rows; row++)
            _rows[row].Clear();
    }
}
