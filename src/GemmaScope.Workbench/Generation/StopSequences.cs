namespace GemmaScope.Workbench;

/// <summary>Ends a stream of text before one of some sequences; holds back what may be the beginning of one.</summary>
internal sealed class StopSequences(IReadOnlyList<string> sequences)
{
    private string _held = "";

    /// <summary>Whether one has come; nothing passes any more.</summary>
    public bool IsHit { get; private set; }

    /// <summary>Takes what comes next, and returns what is certain to stand before any of them.</summary>
    public string Take(string text)
    {
        if (IsHit || sequences.Count == 0)
            return IsHit ? "" : text;
        text = _held + text;
        var first = sequences
            .Where(sequence => sequence.Length > 0)
            .Select(sequence => text.IndexOf(sequence, StringComparison.Ordinal))
            .Where(place => place >= 0)
            .DefaultIfEmpty(-1)
            .Min();
        IsHit = first >= 0;
        var sure = IsHit ? first : Enumerable.Range(0, text.Length).FirstOrDefault(start => MayBegin(text.AsSpan(start)), text.Length);
        _held = IsHit ? "" : text[sure..];
        return text[..sure];
    }

    /// <summary>What was held back; the text has come to its end.</summary>
    public string Rest()
    {
        var rest = _held;
        _held = "";
        return rest;
    }

    private bool MayBegin(ReadOnlySpan<char> end)
    {
        foreach (var sequence in sequences)
            if (end.Length < sequence.Length && sequence.AsSpan().StartsWith(end, StringComparison.Ordinal))
                return true;
        return false;
    }
}
