using GemmaScope.Text;

namespace GemmaScope.Cli;

/// <summary>The windows of a text that long jobs go through and go on with.</summary>
internal static class TextWindows
{
    /// <summary>The windows after those that are done, until the budget is used up.</summary>
    public static IEnumerable<int[]> Remaining(Tokenizer tokenizer, string[] text, int window, long done, long budget)
    {
        long seen = 0;
        foreach (var ids in TokenWindows.Pack(tokenizer, TextDocuments.Read(text), window))
        {
            if (seen + ids.Length > budget)
                yield break;
            if (seen >= done)
                yield return ids;
            seen += ids.Length;
        }
    }
}
