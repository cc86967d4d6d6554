using System.Text;
using GemmaScope.Text;

namespace GemmaScope.Behaviour.Reasoning;

/// <summary>
/// Splits reasoning into sentences. A sentence ends at . ! ? … (and what closes quotes or brackets behind them) before a space, and at a
/// line break; not at abbreviations, single initials, and numbers of lists. Decimals have no space behind their point.
/// </summary>
public static class ReasoningSentences
{
    private const string Enders = ".!?…",
        Closers = "\"'”’)]»*";

    private static readonly HashSet<string> Abbreviations = new(
        "mr mrs ms dr prof sr jr st vs etc e.g i.e cf fig eq no vol approx resp dept inc ltd co corp gen gov sen rep lt col sgt u.s u.k a.m p.m".Split(
            ' '
        ),
        StringComparer.OrdinalIgnoreCase
    );

    // Behind these a sentence may end all the same, if the next one begins with a capital.
    private static readonly HashSet<string> MayEnd = new(
        ["etc", "a.m", "p.m", "u.s", "u.k", "inc", "ltd", "co", "corp", "jr", "sr"],
        StringComparer.OrdinalIgnoreCase
    );

    /// <summary>Where each sentence ends in a text; the end of one is the beginning of the next, so that joined they are the text. Spaces
    /// belong to the sentence behind them; what has no letter or digit belongs to the one before.</summary>
    public static IReadOnlyList<int> Ends(string text)
    {
        List<int> ends = [];
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var end = text[i] == '\n' ? i : EndsAt(text, i, start);
            if (end < 0 || !HasWord(text.AsSpan(start, end - start)))
                continue;
            ends.Add(end);
            start = end;
            i = Math.Max(i, end - 1);
        }
        if (HasWord(text.AsSpan(start)))
            ends.Add(text.Length);
        else if (ends.Count > 0)
            ends[^1] = text.Length;
        return ends;
    }

    /// <summary>The sentences of a text, without the spaces around them.</summary>
    public static IReadOnlyList<string> Of(string text)
    {
        var ends = Ends(text);
        return [.. ends.Select((end, i) => text[(i == 0 ? 0 : ends[i - 1])..end].Trim())];
    }

    /// <summary>
    /// Where each sentence ends in the tokens that a model wrote, by the text that they are: nothing is tokenized again. A token that
    /// reaches over the end of a sentence belongs to the sentence before.
    /// </summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="ids">What it wrote.</param>
    /// <returns>For each sentence one past its last token; the last is the end of all.</returns>
    public static IReadOnlyList<int> TokenEnds(Tokenizer tokenizer, ReadOnlySpan<int> ids)
    {
        var (text, written, stream) = (new StringBuilder(), new int[ids.Length], tokenizer.CreateStream(skipSpecial: true));
        for (var i = 0; i < ids.Length; i++)
            written[i] = text.Append(stream.Append(ids[i])).Length;
        text.Append(stream.Flush());
        var whole = text.ToString();
        List<int> ends = [];
        var token = 0;
        foreach (var end in Ends(whole))
        {
            while (token < ids.Length && written[token] < end)
                token++;
            var past = Math.Min(ids.Length, token + 1);
            if (past > (ends.Count == 0 ? 0 : ends[^1]))
                ends.Add(past);
        }
        if (ends.Count > 0)
            ends[^1] = ids.Length;
        return ends;
    }

    /// <summary>One past the end of the sentence whose mark is at a place; −1 where it is none.</summary>
    private static int EndsAt(string text, int at, int start)
    {
        if (!Enders.Contains(text[at]) || (at + 1 < text.Length && Enders.Contains(text[at + 1])))
            return -1;
        var end = at + 1;
        while (end < text.Length && Closers.Contains(text[end]))
            end++;
        if (end < text.Length && !char.IsWhiteSpace(text[end]))
            return -1;
        return text[at] == '.' && IsInside(text, at, end, start) ? -1 : end;
    }

    /// <summary>Whether a point belongs to an abbreviation, an initial or the number of a list.</summary>
    private static bool IsInside(string text, int at, int end, int start)
    {
        var begin = at;
        while (begin > start && !char.IsWhiteSpace(text[begin - 1]) && text[begin - 1] != '(')
            begin--;
        var word = text[begin..at];
        var next = text.AsSpan(end).TrimStart();
        if (word.Length == 1 && char.IsUpper(word[0]) && word != "I" && begin > start)
            // The letter of an option ends a sentence more often than a name begins with it, unless a name goes on.
            return next.Length > 0 && char.IsUpper(next[0]) && (begin < 2 || text[begin - 2] is not 's' and not ':');
        if (Abbreviations.Contains(word))
            return !MayEnd.Contains(word) || (next.Length > 0 && !char.IsUpper(next[0]));
        return word.Length > 0 && word.All(char.IsAsciiDigit) && !HasWord(text.AsSpan(start, begin - start)) && next.Length > 0;
    }

    private static bool HasWord(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
            if (char.IsLetterOrDigit(c))
                return true;
        return false;
    }
}
