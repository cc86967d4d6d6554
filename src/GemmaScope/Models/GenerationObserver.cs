namespace GemmaScope.Models;

/// <summary>Looks on, from inside the passes, while a model reads and writes texts, and may end one. It changes nothing, and serves one
/// generation at a time.</summary>
public abstract class GenerationObserver
{
    private protected GenerationObserver() { }

    /// <summary>Whether it has ended a text of the last generation.</summary>
    public abstract bool HasStopped { get; }

    /// <summary>What reads the activations, after all edits.</summary>
    internal abstract IReadOnlyList<Edit> Taps { get; }

    /// <summary>A generation of so many texts begins.</summary>
    internal abstract void Begin(int texts);

    /// <summary>A pass has read tokens of a text.</summary>
    /// <returns>Whether the text goes on.</returns>
    internal abstract bool Read(in TokensRead read);
}

/// <summary>Tokens that a pass has read.</summary>
/// <param name="text">Of which text, from 0.</param>
/// <param name="row">The pass's row of the first of them.</param>
/// <param name="position">The position of the first of them in its text.</param>
/// <param name="ids">The tokens.</param>
/// <param name="areWritten">Whether the model wrote them.</param>
internal readonly ref struct TokensRead(int text, int row, int position, ReadOnlySpan<int> ids, bool areWritten)
{
    public int Text { get; } = text;

    public int Row { get; } = row;

    public int Position { get; } = position;

    public ReadOnlySpan<int> Ids { get; } = ids;

    public bool AreWritten { get; } = areWritten;
}
