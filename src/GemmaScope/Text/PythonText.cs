namespace GemmaScope.Text;

/// <summary>What Python's strings do, where published templates were written in it.</summary>
internal static class PythonText
{
    /// <summary>Takes white space off both ends, by Python's idea of it, to which U+001C to U+001F belong.</summary>
    public static string Strip(string text) => StripStart(StripEnd(text));

    /// <summary>Takes characters off the front: white space, or any of those named.</summary>
    public static string StripStart(string text, string? characters = null)
    {
        var start = 0;
        while (start < text.Length && IsOneOf(text[start], characters))
            start++;
        return text[start..];
    }

    /// <summary>Takes characters off the end: white space, or any of those named.</summary>
    public static string StripEnd(string text, string? characters = null)
    {
        var end = text.Length;
        while (end > 0 && IsOneOf(text[end - 1], characters))
            end--;
        return text[..end];
    }

    /// <summary>Whether Python takes it for white space.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';

    private static bool IsOneOf(char c, string? characters) => characters is null ? IsSpace(c) : characters.Contains(c);
}
