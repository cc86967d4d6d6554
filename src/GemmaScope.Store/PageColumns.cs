using System.Numerics;

namespace GemmaScope.Store;

/// <summary>Numbers of a page that resemble each other, which is what their bits are guessed from.</summary>
internal enum PageColumn
{
    /// <summary>Lengths of lists, and flags.</summary>
    Length,

    /// <summary>How often something happens.</summary>
    Frequency,

    /// <summary>Features and coordinates.</summary>
    Index,

    /// <summary>Bars of histograms.</summary>
    Bar,

    /// <summary>Correlations, cosines and coordinates.</summary>
    Cosine,

    /// <summary>Logits.</summary>
    Logit,

    /// <summary>Intervals of examples.</summary>
    Interval,

    /// <summary>Sequences of the corpus.</summary>
    Sequence,

    /// <summary>Positions.</summary>
    Position,

    /// <summary>Tokens before the marked one.</summary>
    Before,

    /// <summary>Tokens of an excerpt.</summary>
    Excerpt,

    /// <summary>Tokens of a sequence.</summary>
    SequenceLength,

    /// <summary>Token ids.</summary>
    Token,

    /// <summary>How many tokens have an activation, and how many without lie between them.</summary>
    Gap,

    /// <summary>Activations.</summary>
    Activation,

    /// <summary>The same as <see cref="Gap"/> for sources.</summary>
    SourceGap,

    /// <summary>Sources.</summary>
    Source,
}

/// <summary>What a page has shown so far of the numbers of its columns. It is the same, step by step, for who writes and who reads.</summary>
internal sealed class PageColumns
{
    /// <summary>Of a number the two bits behind its first are guessed.</summary>
    private const int Guessed = 2;

    /// <summary>Lengths of a number, in bits; the last stands for all above it.</summary>
    private const int LengthBits = 5,
        Lengths = 1 << LengthBits,
        Firsts = Lengths << Guessed;

    private static readonly int Columns = Enum.GetValues<PageColumn>().Length;

    /// <summary>How likely is thought at first what happens now and then: a number of 16 bits, a token that is there again.</summary>
    private const double NowAndThen = 0.2;

    /// <summary>Places around the marked token whose last tokens are remembered.</summary>
    private const int Around = 32,
        Places = 2 * Around;

    // How many bits a number has; then the first of them, by how many there are.
    private readonly BitModel[] _lengths = new BitModel[Columns * Lengths];
    private readonly BitModel[] _first = new BitModel[Columns * Firsts];
    private readonly long[] _last = new long[Columns];

    // Whether a token is there again, by its place and by whether the one before it was.
    private readonly BitModel[] _again = new BitModel[4 * Places];
    private readonly int[] _tokens = new int[Places];
    private bool _was;

    public PageColumns()
    {
        _lengths.AsSpan().Fill(new(0.5));
        _first.AsSpan().Fill(new(0.5));
        _again.AsSpan().Fill(new(NowAndThen));
        _tokens.AsSpan().Fill(-1);
        for (var column = 0; column < _lengths.Length; column += Lengths)
            _lengths[column + 1] = new(NowAndThen);
    }

    /// <summary>A number from 0 to 2^63 − 1.</summary>
    public long Number<TCoder>(ref TCoder coder, PageColumn column, long number)
        where TCoder : IBitCoder, allows ref struct
    {
        var value = (ulong)number;
        var lengths = _lengths.AsSpan((int)column * Lengths, Lengths);
        var length = (int)coder.Guessed(lengths, (uint)Math.Min(Lengths - 1, 64 - BitOperations.LeadingZeroCount(value)), LengthBits);
        if (length <= 1)
            return length;
        if (length == Lengths - 1)
            return (long)Plain(ref coder, value, 63);
        var (rest, guessed) = (length - 1, Math.Min(Guessed, length - 1));
        rest -= guessed;
        var first = coder.Guessed(
            _first.AsSpan((int)column * Firsts + (length << Guessed), 1 << Guessed),
            (uint)(value >> rest) & ((1u << guessed) - 1),
            guessed
        );
        return (long)((1ul << guessed | first) << rest | Plain(ref coder, value, rest));
    }

    /// <summary>The lowest bits of a number.</summary>
    private static ulong Plain<TCoder>(ref TCoder coder, ulong value, int count)
        where TCoder : IBitCoder, allows ref struct
    {
        var read = 0ul;
        for (int part; count > 0; count -= part)
        {
            part = Math.Min(16, count);
            read = read << part | coder.Plain((uint)(value >> (count - part)) & ((1u << part) - 1), part);
        }
        return read;
    }

    /// <summary>A number that may be −1 or less: the sign goes into the lowest bit.</summary>
    public long Signed<TCoder>(ref TCoder coder, PageColumn column, long number)
        where TCoder : IBitCoder, allows ref struct
    {
        var read = Number(ref coder, column, (number << 1) ^ (number >> 63));
        return read >> 1 ^ -(read & 1);
    }

    /// <summary>A number that is mostly the one before it in its column.</summary>
    public long Steady<TCoder>(ref TCoder coder, PageColumn column, long number)
        where TCoder : IBitCoder, allows ref struct => _last[(int)column] += Signed(ref coder, column, number - _last[(int)column]);

    /// <summary>Bits of which the first few are guessed.</summary>
    public uint Pattern<TCoder>(ref TCoder coder, PageColumn column, uint bits, int count, int guessed)
        where TCoder : IBitCoder, allows ref struct
    {
        var rest = count - guessed;
        var first = coder.Guessed(_first.AsSpan((int)column * Firsts, 1 << guessed), bits >> rest, guessed);
        return first << rest | coder.Plain(bits & ((1u << rest) - 1), rest);
    }

    /// <summary>A token of an example: often the one that stood there in the example before, as features of a word have it.</summary>
    /// <param name="coder">Writes or reads.</param>
    /// <param name="place">How far it is behind the marked one.</param>
    /// <param name="token">The token.</param>
    public int Token<TCoder>(ref TCoder coder, int place, int token)
        where TCoder : IBitCoder, allows ref struct
    {
        place = Math.Clamp(place, -Around, Around - 1);
        ref var last = ref _tokens[place + Around];
        _was = coder.Guessed(_again.AsSpan(4 * (place + Around) + (_was ? 2 : 0), 2), token == last ? 1u : 0, 1) != 0;
        if (!_was)
            last = (int)Number(ref coder, PageColumn.Token, token);
        return last >= 0 ? last : throw CompactReader.Damaged();
    }
}
