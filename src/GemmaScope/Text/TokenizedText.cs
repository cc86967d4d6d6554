namespace GemmaScope.Text;

/// <summary>The UTF-16 units [Start, End) of a text.</summary>
/// <param name="Start">The first unit.</param>
/// <param name="End">The unit after the last.</param>
public readonly record struct TextSpan(int Start, int End)
{
    /// <summary>Number of UTF-16 units.</summary>
    public int Length => End - Start;
}

/// <summary>A text and its tokens.</summary>
/// <param name="Text">The text as it was given.</param>
/// <param name="Ids">The token ids.</param>
/// <param name="Spans">
/// For each token where it stands in <paramref name="Text"/>, in rising order. The byte tokens of one character share
/// its span; an added BOS has an empty one, or that of the BOS the text begins with; of a character that normalisation turns into several tokens only one has it.
/// </param>
public sealed record TokenizedText(string Text, IReadOnlyList<int> Ids, IReadOnlyList<TextSpan> Spans);
