namespace GemmaScope.Store;

/// <summary>Reads the numbers of a page, in whichever form it is.</summary>
internal interface IPageReader
{
    /// <summary>A number from 0.</summary>
    long Number(PageColumn column);

    /// <summary>A number that may be −1 or less.</summary>
    long Signed(PageColumn column);

    /// <summary>A number that is mostly the one before it in its column.</summary>
    long Steady(PageColumn column);

    /// <summary>Where an excerpt begins.</summary>
    long Start(int position);

    /// <summary>A token, so far behind the marked one.</summary>
    long Token(int place);

    /// <summary>An f32.</summary>
    float Single();

    /// <summary>An f16.</summary>
    float Half(PageColumn column);

    /// <summary>An activation in steps of its largest.</summary>
    int Activation();

    /// <summary>A source in steps of the largest of either sign.</summary>
    int Source();
}

/// <summary>The first form, which older databases have: whole bytes, whatever the column.</summary>
internal ref struct BytePageReader(ReadOnlySpan<byte> bytes) : IPageReader
{
    private CompactReader _bytes = new(bytes);

    public long Number(PageColumn column) => _bytes.Number();

    public long Signed(PageColumn column) => _bytes.Signed();

    public long Steady(PageColumn column) => _bytes.Number();

    public long Start(int position) => _bytes.Number();

    public long Token(int place) => _bytes.Number();

    public float Single() => _bytes.Single();

    public float Half(PageColumn column) => _bytes.Half();

    public int Activation() => _bytes.Byte();

    public int Source() => (sbyte)_bytes.Byte();
}

/// <summary>The second form: bits by their likelihood (<see cref="PageWriter"/>).</summary>
internal ref struct BitPageReader(ReadOnlySpan<byte> bytes) : IPageReader
{
    private readonly PageColumns _columns = new();
    private RangeReader _bits = new(bytes);

    public long Number(PageColumn column) => _columns.Number(ref _bits, column, 0);

    public long Signed(PageColumn column) => _columns.Signed(ref _bits, column, 0);

    public long Steady(PageColumn column) => _columns.Steady(ref _bits, column, 0);

    public long Start(int position) => position - Steady(PageColumn.Before);

    public long Token(int place) => _columns.Token(ref _bits, place, 0);

    public float Single() => BitConverter.UInt32BitsToSingle(_bits.Plain(0, 16) << 16 | _bits.Plain(0, 16));

    public float Half(PageColumn column) =>
        (float)BitConverter.UInt16BitsToHalf((ushort)_columns.Pattern(ref _bits, column, 0, 16, PageWriter.GuessedOfHalf));

    public int Activation() => (int)_columns.Pattern(ref _bits, PageColumn.Activation, 0, 8, PageWriter.GuessedOfActivation);

    public int Source() => (int)Signed(PageColumn.Source);

    /// <summary>Finds out whether this was all.</summary>
    public void RequireEnd() => _bits.RequireEnd();
}
