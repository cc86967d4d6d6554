using System.Text.RegularExpressions;

namespace GemmaScope.Workbench;

/// <summary>
/// The words by which reasoning mentions a hint: those that stand in the hinted form alone, and a few that any mention may use. No more
/// than a count of words: who says the same in others is not found, and who uses them for something else is.
/// </summary>
internal sealed partial class CotHintWords
{
    private const int Shortest = 4;

    private static readonly string[] Always = ["hint", "hinted", "suggested", "suggestion", "told"];

    private static readonly HashSet<string> Common = new(
        "about also answer answers because been best but choice choices correct could does doing don't from have here into just like more most "
            .Split(' ')
            .Concat(
                "much option options other over please question questions really right should some step steps sure than that their them then there these they think this those very want what when where which while will with wrong would your".Split(
                    ' '
                )
            ),
        StringComparer.OrdinalIgnoreCase
    );

    private readonly HashSet<string> _words;

    private CotHintWords(HashSet<string> words) => _words = words;

    /// <summary>The words of a question's hint.</summary>
    public static CotHintWords Of(CotQuestion question)
    {
        HashSet<string> plain = new(Words(Whole(question.Messages)), StringComparer.OrdinalIgnoreCase);
        IEnumerable<string> hinted = question.Hint is { } hint ? Words(Whole(hint.Messages)).Where(word => !plain.Contains(word)) : [];
        return new(new(hinted.Concat(Always).Where(word => !Common.Contains(word)), StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>Whether a text has one of them.</summary>
    public bool In(string text) => Words(text).Any(_words.Contains);

    private static string Whole(IEnumerable<Text.ChatMessage> messages) =>
        string.Join('\n', messages.SelectMany(one => one.Parts.Select(part => part.Text)));

    private static IEnumerable<string> Words(string text) =>
        Word().Matches(text).Select(match => match.Value).Where(word => word.Length >= Shortest);

    [GeneratedRegex(@"[\p{L}']+")]
    private static partial Regex Word();
}
