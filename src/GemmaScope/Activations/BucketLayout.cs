namespace GemmaScope.Activations;

/// <summary>
/// Where the rows of a bucket go. A bucket is larger than memory, and rows scattered one by one over it would be small random writes. So
/// its file is cut into regions that fit into memory. A row is first appended to the region it belongs into: as many places as there are
/// regions are written to, each in order. When the bucket is full, each region is read, put in order in memory, and written back over
/// itself. Every byte is written twice and read once, all in long pieces, and no file but the shard itself is needed.
/// </summary>
internal sealed class BucketLayout
{
    /// <summary>Size of a region at the widest site; two of them are held in memory. Smaller ones would make short pieces.</summary>
    public const int RegionBytes = 128 << 20;

    private readonly int[] _destinations,
        _filled,
        _slots;

    public BucketLayout(int rows, long widestRow, int regionBytes, params ReadOnlySpan<long> keys)
    {
        Rows = rows;
        RegionRows = (int)Math.Clamp(regionBytes / widestRow, 1, rows);
        _destinations = Shuffle.Permutation(rows, keys);
        _filled = new int[(rows + RegionRows - 1) / RegionRows];
        _slots = new int[rows];
    }

    /// <summary>Rows of the bucket.</summary>
    public int Rows { get; }

    /// <summary>Rows of a region; the last may have fewer.</summary>
    public int RegionRows { get; }

    /// <summary>Number of regions.</summary>
    public int Regions => _filled.Length;

    /// <summary>The row that the arrival-th row becomes.</summary>
    public int Destination(int arrival) => _destinations[arrival];

    /// <summary>The row at which the arrival-th row waits until the bucket is full. Asked once for each, in the order of arrival.</summary>
    public int Place(int arrival)
    {
        var region = _destinations[arrival] / RegionRows;
        var place = region * RegionRows + _filled[region]++;
        _slots[place] = _destinations[arrival] - region * RegionRows;
        return place;
    }

    /// <summary>First row and number of rows of a region, and for each row waiting there its place in the region.</summary>
    public (int First, int Rows, int[] Slots) Region(int region)
    {
        var first = region * RegionRows;
        var rows = Math.Min(RegionRows, Rows - first);
        return (first, rows, _slots[first..(first + rows)]);
    }
}
