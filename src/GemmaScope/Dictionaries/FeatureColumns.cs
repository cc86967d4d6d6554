using System.Numerics;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// The entries of some rows by column (CSC): of the features that have any, by rising feature, the entries by rising row. A product that
/// goes through them so reads each decoder vector once. Lives in scratch of the calling thread, until that thread makes the next.
/// </summary>
internal readonly unsafe struct FeatureColumns
{
    /// <summary>Rows sorted together: each decoder vector is read once for so many, while they stay in the last-level cache.</summary>
    private const int RowsAtOnce = 512;

    /// <summary>Entries sorted together, unless one row has more: bounds the scratch to 20 MB.</summary>
    private const int EntriesAtOnce = 1 << 19;

    private const int BytesPerEntry = 2 * sizeof(ulong) + 6 * sizeof(int);
    private const int DigitBits = 11;

    [ThreadStatic]
    private static Scratch? t_scratch;

    /// <summary>Features that have entries.</summary>
    public int Count { get; private init; }

    /// <summary>[Count] which they are.</summary>
    public int* Features { get; private init; }

    /// <summary>[Count + 1] where the entries of each begin.</summary>
    public int* Starts { get; private init; }

    /// <summary>Of each entry its row, counted from the first.</summary>
    public int* Rows { get; private init; }

    /// <summary>Of each entry its value.</summary>
    public float* Values { get; private init; }

    /// <summary>Of each entry its place in the order by rows, counted from the first row's first.</summary>
    public int* Places { get; private init; }

    /// <summary>The runs of rows that are best sorted together.</summary>
    public static IEnumerable<(int Start, int Count)> Blocks(SparseActivations features)
    {
        for (int start = 0, end; start < features.Rows; start = end)
        {
            var first = features.Start(start);
            end = start + 1;
            while (end < features.Rows && end - start < RowsAtOnce && features.Start(end + 1) - first <= EntriesAtOnce)
                end++;
            yield return (start, end - start);
        }
    }

    /// <summary>Sorts the entries of a run of rows.</summary>
    public static FeatureColumns Of(SparseActivations features, int start, int rows)
    {
        var count = features.Start(start + rows) - features.Start(start);
        var keys = (ulong*)(t_scratch ??= new()).Bytes((long)count * BytesPerEntry + sizeof(int));
        var other = keys + count;
        var lists = (int*)(other + count);
        // rowOf: of each entry by rows; the others in the order of columns.
        int* rowOf = lists,
            rowList = lists + count,
            places = rowList + count,
            featureList = places + count,
            starts = featureList + 2 * count;
        var values = (float*)(featureList + count);

        var at = 0;
        for (var row = 0; row < rows; row++)
            foreach (var feature in features.Indices(start + row))
            {
                keys[at] = (ulong)(uint)feature << 32 | (uint)at;
                rowOf[at++] = row;
            }
        var sorted = Sort(keys, other, count, features.Width);

        var used = 0;
        var all = features.Values(start, rows);
        for (var i = 0; i < count; i++)
        {
            var (feature, place) = ((int)(sorted[i] >> 32), (int)(uint)sorted[i]);
            (rowList[i], values[i], places[i]) = (rowOf[place], all[place], place);
            if (used > 0 && featureList[used - 1] == feature)
                continue;
            (featureList[used], starts[used]) = (feature, i);
            used++;
        }
        starts[used] = count;
        return new()
        {
            Count = used,
            Features = featureList,
            Starts = starts,
            Rows = rowList,
            Values = values,
            Places = places,
        };
    }

    /// <summary>The features from one (inclusive) to another (exclusive).</summary>
    public FeatureColumns Between(int first, int end)
    {
        var list = new ReadOnlySpan<int>(Features, Count);
        return From(Lower(list, first), Lower(list, end));
    }

    /// <summary>Part <paramref name="index"/> of so many, of about equally many entries.</summary>
    public FeatureColumns Part(int index, int parts)
    {
        var (columns, entries) = (this, Starts[Count] - Starts[0]);
        return index == parts - 1 ? From(Bound(index), Count) : From(Bound(index), Bound(index + 1));

        int Bound(int part) =>
            Lower(new ReadOnlySpan<int>(columns.Starts, columns.Count), columns.Starts[0] + (int)((long)entries * part / parts));
    }

    private FeatureColumns From(int from, int to) => this with { Count = to - from, Features = Features + from, Starts = Starts + from };

    private static int Lower(ReadOnlySpan<int> rising, int value)
    {
        var at = rising.BinarySearch(value);
        return at < 0 ? ~at : at;
    }

    // By digits of the feature, the lowest first: each pass keeps the order of equal digits, and with it that of rows.
    private static ulong* Sort(ulong* keys, ulong* other, int count, int width)
    {
        var counts = stackalloc int[1 << DigitBits];
        for (var shift = 0; shift < 32 - BitOperations.LeadingZeroCount((uint)Math.Max(width - 1, 1)); shift += DigitBits)
        {
            new Span<int>(counts, 1 << DigitBits).Clear();
            for (var i = 0; i < count; i++)
                counts[Digit(keys[i], shift)]++;
            for (int digit = 0, sum = 0; digit < 1 << DigitBits; digit++)
                (counts[digit], sum) = (sum, sum + counts[digit]);
            for (var i = 0; i < count; i++)
                other[counts[Digit(keys[i], shift)]++] = keys[i];
            var done = other;
            other = keys;
            keys = done;
        }
        return keys;
    }

    private static int Digit(ulong key, int shift) => (int)(key >> (32 + shift)) & ((1 << DigitBits) - 1);
}
