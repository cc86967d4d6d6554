namespace GemmaScope.Text;

/// <summary>What a token of a conversation belongs to.</summary>
public enum ChannelPart
{
    /// <summary>No channel: a message, an answer, the template.</summary>
    Outside,

    /// <summary>A mark of a channel, its name, and the line breaks that are the marks'.</summary>
    Mark,

    /// <summary>Thoughts.</summary>
    Thoughts,
}

/// <summary>
/// Which tokens of a conversation are thoughts: the same as <see cref="ThinkingSplitter"/> finds in text, found in ids. What a model wrote
/// is not tokenized again, so that each token of a thought stays the one that was written.
/// </summary>
public static class ChannelTokens
{
    /// <summary>The part that each token belongs to; a vocabulary without the marks has no thoughts.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="ids">A conversation from its beginning.</param>
    public static ChannelPart[] PartsOf(Tokenizer tokenizer, ReadOnlySpan<int> ids)
    {
        var parts = new ChannelPart[ids.Length];
        if (tokenizer.Id(ThinkingSplitter.Channel) is not { } channel || tokenizer.Id(ThinkingSplitter.End) is not { } end)
            return parts;
        int[] turnEnds = [.. ControlTokens.TurnEnds.Select(tokenizer.Id).OfType<int>()];
        var (thinks, named) = (false, false);
        for (var i = 0; i < ids.Length; i++)
        {
            if (!thinks)
            {
                (thinks, named) = (ids[i] == channel, false);
                parts[i] = thinks ? ChannelPart.Mark : ChannelPart.Outside;
            }
            else if (ids[i] == end)
            {
                parts[i] = ChannelPart.Mark;
                thinks = false;
                // The line break before the mark is the mark's.
                if (parts[i - 1] == ChannelPart.Thoughts && tokenizer.Decode([ids[i - 1]]) == "\n")
                    parts[i - 1] = ChannelPart.Mark;
            }
            // Thoughts that were never closed end with their turn.
            else if (turnEnds.Contains(ids[i]))
                thinks = false;
            else if (named)
                parts[i] = ChannelPart.Thoughts;
            else
            {
                parts[i] = ChannelPart.Mark;
                named = tokenizer.Decode([ids[i]]).Contains('\n', StringComparison.Ordinal);
            }
        }
        return parts;
    }
}
