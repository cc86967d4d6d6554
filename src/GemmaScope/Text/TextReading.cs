using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>How a corpus is read: the same choices wherever one is.</summary>
public sealed record TextReading
{
    /// <summary>
    /// The column, or the field of JSON lines, that holds the documents: texts, lists of token ids, or conversations (lists of role and
    /// content). Null for <c>text</c>, or where a line has none, <c>messages</c>, <c>conversations</c> or <c>input_ids</c>. A column named
    /// with a path wins.
    /// </summary>
    public string? TextColumn { get; init; }

    /// <summary>Whether rows that cannot be read are left out and counted: no text there, no JSON, not UTF-8, half a character. Else the
    /// first of them ends the reading.</summary>
    public bool SkipBadRows { get; init; }

    /// <summary>Whether each document begins a window of its own; else documents follow each other in full windows.</summary>
    public bool SeparateDocuments { get; init; }

    /// <summary>Bytes of a row at most.</summary>
    public int LongestLine { get; init; } = TextFile.LongestLine;

    /// <summary>What of it decides about the tokens, to be compared when a run goes on; empty for the defaults. Rows that are left out
    /// do not: without that choice the run would have ended at the first of them.</summary>
    public string Description =>
        string.Join(
            ", ",
            ((string?[])[TextColumn is null ? null : $"column {TextColumn}", SeparateDocuments ? "documents apart" : null]).OfType<string>()
        );

    /// <summary>Finds out what cannot be before anything is read.</summary>
    /// <exception cref="ArgumentProblemException">A line may have no byte, or the column has no name.</exception>
    public void Check()
    {
        if (LongestLine < 1)
            throw new ArgumentProblemException("must be 1 byte or more", new Setting(nameof(LongestLine)));
        if (TextColumn is { Length: 0 })
            throw new ArgumentProblemException("has no name", new Setting(nameof(TextColumn)));
    }
}

/// <summary>Counts the rows of a corpus that were left out. A corpus may be read several times; what one reading left out counts
/// once.</summary>
public sealed class SkippedRows
{
    private readonly Lock _lock = new();

    /// <summary>Rows that the longest reading so far left out.</summary>
    public long Count { get; private set; }

    /// <summary>The first of them and why, or null.</summary>
    public string? First { get; private set; }

    /// <summary>One sentence about them; null where none was left out.</summary>
    public string? Note =>
        Count == 0 ? null
        : Count == 1 ? $"1 row was left out: {First}"
        : $"{Count} rows were left out; the first: {First}";

    /// <summary>What is to be done where the first bad row ends a reading.</summary>
    internal static Remedy Cure { get; } =
        new($"mend it, or leave such rows out and count them with {new Setting(nameof(TextReading.SkipBadRows))}");

    internal void Add(long countOfThisReading, string what)
    {
        lock (_lock)
        {
            Count = Math.Max(Count, countOfThisReading);
            First ??= what;
        }
    }
}
