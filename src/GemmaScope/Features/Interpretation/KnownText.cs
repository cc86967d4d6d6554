using System.Runtime.InteropServices;

namespace GemmaScope.Features.Interpretation;

/// <summary>
/// Text that explanations were made from and that must not judge them. Of each text every stretch of <c>run</c> tokens that begins at a multiple of it is
/// remembered, so that a passage of 2 run − 1 tokens or more that lies inside one of the texts is found wherever it begins.
/// </summary>
/// <param name="run">Tokens of a stretch, 1 or more.</param>
internal sealed class KnownText(int run)
{
    private readonly HashSet<int[]> _stretches = new(new SameTokens());

    /// <summary>Remembers a text.</summary>
    public void Add(ReadOnlySpan<int> tokens)
    {
        var known = _stretches.GetAlternateLookup<ReadOnlySpan<int>>();
        for (var start = 0; start + run <= tokens.Length; start += run) known.Add(tokens.Slice(start, run));
    }

    /// <summary>Whether a passage shares a remembered stretch.</summary>
    public bool Holds(ReadOnlySpan<int> passage)
    {
        var known = _stretches.GetAlternateLookup<ReadOnlySpan<int>>();
        for (var start = 0; start + run <= passage.Length; start++)
            if (known.Contains(passage.Slice(start, run))) return true;
        return false;
    }

    private sealed class SameTokens : IEqualityComparer<int[]>, IAlternateEqualityComparer<ReadOnlySpan<int>, int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<int> alternate, int[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(int[] tokens) => GetHashCode(tokens.AsSpan());

        public int GetHashCode(ReadOnlySpan<int> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(MemoryMarshal.AsBytes(alternate));
            return hash.ToHashCode();
        }

        public int[] Create(ReadOnlySpan<int> alternate) => alternate.ToArray();
    }
}
