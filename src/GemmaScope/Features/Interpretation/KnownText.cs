namespace GemmaScope.Features.Interpretation;

/// <summary>
/// Text that explanations were made from and that must not judge them. All stretches of <c>run</c> tokens are remembered, 20 bytes for each
/// token. A passage is cut into such
/// stretches: one that lies inside a known text, or across the border of two of them, has all or all but one of its stretches in them.
/// </summary>
/// <param name="run">Tokens of a stretch, 1 or more.</param>
internal sealed class KnownText(int run)
{
    private readonly HashSet<ulong> _stretches = [];

    /// <summary>Remembers a text.</summary>
    public void Add(ReadOnlySpan<int> tokens)
    {
        for (var start = 0; start + run <= tokens.Length; start++)
            _stretches.Add(Hash(tokens.Slice(start, run)));
    }

    /// <summary>Whether half of a passage's stretches or more are known.</summary>
    public bool Holds(ReadOnlySpan<int> passage)
    {
        var (known, all) = (0, passage.Length / run);
        for (var i = 0; i < all; i++)
            known += _stretches.Contains(Hash(passage.Slice(i * run, run))) ? 1 : 0;
        return known > 0 && 2 * known >= all;
    }

    // FNV-1a by tokens. Two stretches of one hash would leave out a passage too many.
    private static ulong Hash(ReadOnlySpan<int> tokens)
    {
        var hash = 14695981039346656037;
        foreach (var token in tokens)
            hash = (hash ^ (uint)token) * 1099511628211;
        return hash ^ (hash >> 32);
    }
}
