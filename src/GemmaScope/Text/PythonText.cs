namespace GemmaScope.Text;

/// <summary>What Python's strings do, where published templates were written in it.</summary>
internal static class PythonText
{
    /// <summary>Takes white space off both ends, by Python's idea of it, to which U+001C to U+001F belong.</summary>
    public static string Strip(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsSpace(text[start]))
            start++;
        while (end > start && IsSpace(text[end - 1]))
            end--;
        return text[start..end];
    }

    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';
}
