using GemmaScope.Safety;

namespace GemmaScope.Server.Shield;

/// <summary>What gets one verdict: a text, or all the texts of a message or a conversation.</summary>
/// <param name="Id">The name it was given, or null.</param>
/// <param name="Questions">Its texts, ready to be judged.</param>
internal sealed record ShieldSubject(string? Id, IReadOnlyList<ShieldQuestion> Questions)
{
    /// <summary>The verdicts on subjects, of those on their texts in the same order.</summary>
    public static SubjectVerdict[] Gather(IReadOnlyList<ShieldSubject> subjects, IReadOnlyList<ShieldVerdict> verdicts)
    {
        var taken = 0;
        return
        [
            .. subjects.Select(subject =>
            {
                var own = verdicts.Skip(taken).Take(subject.Questions.Count).ToArray();
                taken += own.Length;
                return new SubjectVerdict(subject, own);
            }),
        ];
    }
}

/// <summary>The verdict on a subject: that on the worst of its texts, policy by policy, so that nothing hides behind harmless company.</summary>
internal sealed record SubjectVerdict(ShieldSubject Subject, IReadOnlyList<ShieldVerdict> Texts)
{
    /// <summary>The verdict on the text of the largest probability.</summary>
    public ShieldVerdict Worst { get; } = Texts.MaxBy(verdict => verdict.Probability)!;

    /// <summary>Of each policy the largest score.</summary>
    public ShieldVerdict Whole =>
        Worst with
        {
            Scores = [.. Worst.Scores.Select((_, policy) => Texts.Select(text => text.Scores[policy]).MaxBy(score => score.Probability)!)],
        };

    /// <summary>What its reader should know of any of the texts.</summary>
    public IReadOnlyList<string> Warnings => [.. Texts.SelectMany(text => text.Warnings).Distinct()];
}
