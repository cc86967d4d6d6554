using System.Text;

namespace GemmaScope.Behaviour.Knowledge;

/// <summary>A way to write a text differently that leaves what it says: what a probe of what it says must not depend on.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Write">Writes a text in it.</param>
public sealed record TextStyle(string Name, Func<string, string> Write)
{
    /// <summary>The text as it is.</summary>
    public static TextStyle Plain { get; } = new("plain", text => text);

    /// <summary>All of them, the plain one first. Each is a rule of its own, and no model wrote any of it.</summary>
    public static IReadOnlyList<TextStyle> All { get; } =
    [
        Plain,
        new("lower case", text => text.ToLowerInvariant()),
        new("upper case", text => text.ToUpperInvariant()),
        new("no punctuation", WithoutPunctuation),
        new("polite", text => $"Could you please have a look at this? Thank you very much. {text}"),
        new("reported", text => $"Here is what was written down that day: {text}"),
        new("framed", text => $"The following is an excerpt. {text} (The excerpt ends here.)"),
    ];

    private static string WithoutPunctuation(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
            // An apostrophe inside a word is a part of it.
            if (!char.IsPunctuation(c) || c is '\'' or '’')
                result.Append(c);
        return result.ToString().Trim();
    }
}
