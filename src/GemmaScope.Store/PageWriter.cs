namespace GemmaScope.Store;

/// <summary>Writes the numbers of a page, each in about as many bits as it surprises after those of its column before it.</summary>
internal sealed class PageWriter
{
    /// <summary>Of an f16 sign and exponent are guessed, of an activation the upper half.</summary>
    public const int GuessedOfHalf = 6,
        GuessedOfActivation = 4;

    private readonly PageColumns _columns = new();
    private RangeWriter _bits = new();

    public byte[] ToArray() => _bits.ToArray();

    public void Number(PageColumn column, long number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        _columns.Number(ref _bits, column, number);
    }

    public void Signed(PageColumn column, long number) => _columns.Signed(ref _bits, column, number);

    public void Steady(PageColumn column, long number) => _columns.Steady(ref _bits, column, number);

    public void Start(int position, int start) => Steady(PageColumn.Before, position - start);

    public void Token(int place, int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        _columns.Token(ref _bits, place, token);
    }

    public void Single(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        _bits.Plain(bits >> 16, 16);
        _bits.Plain(bits & 0xFFFF, 16);
    }

    public void Half(PageColumn column, float value) =>
        _columns.Pattern(
            ref _bits,
            column,
            BitConverter.HalfToUInt16Bits(System.Half.Clamp((Half)value, System.Half.MinValue, System.Half.MaxValue)),
            16,
            GuessedOfHalf
        );

    public void Activation(int step) => _columns.Pattern(ref _bits, PageColumn.Activation, (uint)step, 8, GuessedOfActivation);

    public void Source(int step) => Signed(PageColumn.Source, step);
}
