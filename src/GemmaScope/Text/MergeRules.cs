using System.Numerics;

namespace GemmaScope.Text;

/// <summary>
/// The merges of a byte-pair vocabulary: which two symbols join, in which order of preference, into what.
/// A symbol is a piece's id, or a number past the vocabulary for a character that only occurs inside pieces.
/// </summary>
internal sealed class MergeRules
{
    /// <summary>The rank of a pair that does not join.</summary>
    public const uint NoMerge = uint.MaxValue;

    private const int Classes = 129;
    private const ulong Free = ulong.MaxValue;

    private readonly bool[] _joins = new bool[Classes * Classes];
    private readonly int[] _plane0 = new int[0x10000];
    private readonly Dictionary<int, int> _otherPlanes = [];
    private Slot[] _slots;

    /// <param name="capacity">About how many merges there will be; the table grows when there are more.</param>
    public MergeRules(int capacity)
    {
        _slots = NewSlots(BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, 64) * 4 / 3));
        _plane0.AsSpan().Fill(-1);
        // Never cut between the two halves of a surrogate pair.
        _joins[^1] = true;
    }

    /// <summary>Number of merges.</summary>
    public int Count { get; private set; }

    /// <summary>Makes a character a symbol.</summary>
    public void AddCharacter(int codePoint, int symbol)
    {
        if (codePoint < _plane0.Length)
            _plane0[codePoint] = symbol;
        else
            _otherPlanes[codePoint] = symbol;
    }

    /// <summary>The symbol of a character, -1 where it has none.</summary>
    public int SymbolOf(int codePoint) => codePoint < _plane0.Length ? _plane0[codePoint] : _otherPlanes.GetValueOrDefault(codePoint, -1);

    /// <summary>Adds a merge: <paramref name="piece"/>, cut at <paramref name="cut"/> into two symbols.</summary>
    public void Add(ReadOnlySpan<char> piece, int cut, int left, int right, uint rank, int merged)
    {
        if (++Count > _slots.Length / 4 * 3)
            Grow();
        ref var slot = ref Find(Key(left, right));
        slot = new(Key(left, right), rank, merged);
        _joins[ClassOf(piece[cut - 1]) * Classes + ClassOf(piece[cut])] = true;
    }

    /// <summary>The rank of joining two symbols (lower is sooner), and the result.</summary>
    public uint Rank(int left, int right, out int merged)
    {
        ref readonly var slot = ref Find(Key(left, right));
        merged = slot.Merged;
        return slot.Key == Free ? NoMerge : slot.Rank;
    }

    /// <summary>
    /// The length of the shortest beginning of <paramref name="text"/> that no merge can connect with what follows:
    /// no merge has a left part ending, and a right part beginning, with characters like those at the cut.
    /// </summary>
    public int WordLength(ReadOnlySpan<char> text)
    {
        var before = ClassOf(text[0]);
        for (var i = 1; i < text.Length; i++)
        {
            var after = ClassOf(text[i]);
            if (!_joins[before * Classes + after])
                return i;
            before = after;
        }
        return text.Length;
    }

    /// <summary>All merges (left, right) from the first to the last.</summary>
    public IEnumerable<(int Left, int Right)> InOrder() =>
        _slots.Where(s => s.Key != Free).OrderBy(s => s.Rank).Select(s => ((int)(s.Key >> 32), (int)(uint)s.Key));

    // ASCII one by one (a space and its mark share a place), all else together.
    private static int ClassOf(char c) =>
        c < 128 ? c
        : c == Vocabulary.SpaceMark ? ' '
        : Classes - 1;

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private ref Slot Find(ulong key)
    {
        var mask = _slots.Length - 1;
        for (var i = (int)(key * 0x9E3779B97F4A7C15 >> 32) & mask; ; i = (i + 1) & mask)
        {
            ref var slot = ref _slots[i];
            if (slot.Key == key || slot.Key == Free)
                return ref slot;
        }
    }

    private void Grow()
    {
        var old = _slots;
        _slots = NewSlots((uint)old.Length * 2);
        foreach (var slot in old)
            if (slot.Key != Free)
                Find(slot.Key) = slot;
    }

    private static Slot[] NewSlots(uint size)
    {
        var slots = new Slot[size];
        slots.AsSpan().Fill(new(Free, NoMerge, -1));
        return slots;
    }

    private readonly record struct Slot(ulong Key, uint Rank, int Merged);
}
