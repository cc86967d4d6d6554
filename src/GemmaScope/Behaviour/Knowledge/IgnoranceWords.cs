namespace GemmaScope.Behaviour.Knowledge;

/// <summary>Whether a reply says that the model does not know, by words. Cheap and blunt: what is said in other words is missed.</summary>
public static class IgnoranceWords
{
    /// <summary>The beginning of a reply whose likelihood is measured.</summary>
    public const string Phrase = "I don't know";

    /// <summary>The words.</summary>
    public static IReadOnlyList<string> Substrings { get; } =
    [
        "I don't know",
        "I do not know",
        "I'm not sure",
        "I am not sure",
        "not familiar with",
        "not aware of",
        "no information",
        "don't have any information",
        "do not have any information",
        "don't have information",
        "do not have information",
        "could not find",
        "couldn't find",
        "never heard of",
        "does not exist",
        "doesn't exist",
    ];

    /// <summary>Whether one of them is in a reply; either apostrophe counts.</summary>
    public static bool AreIn(string reply) => SubstringJudge.IsRefusal(reply, Substrings, SubstringRule.FoldingApostrophes);
}
