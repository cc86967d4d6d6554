using GemmaScope.Behaviour;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Which tokens refusals of a model begin with: those that are given, or those that are found in its own replies.</summary>
internal static class RefusalWords
{
    // A token counts that begins this share of refusals at least, and answers far more rarely.
    private const double LeastShare = 0.05,
        TimesAsOften = 3;

    private const int ShortestReply = 16;

    /// <summary>The ids of given words.</summary>
    /// <exception cref="ArgumentProblemException">One of them is several tokens.</exception>
    public static int[] Of(GemmaModel model, IReadOnlyList<string> words) =>
        [
            .. words.Select(word =>
                model.Tokenizer.Encode(word) is [var id]
                    ? id
                    : throw new ArgumentProblemException(
                        $"'{word}' is {model.Tokenizer.Encode(word).Length} tokens of this model; give the first token of refusals",
                        new Setting(nameof(RefusalStudyJobOptions.RefusalTokens))
                    )
            ),
        ];

    /// <summary>The ids that begin the model's refusals, by words, of harmful prompts, and hardly ever its answers to harmless
    /// ones.</summary>
    /// <exception cref="ArgumentProblemException">It refuses none, or its refusals begin as its answers do.</exception>
    public static int[] Find(
        GemmaModel model,
        IReadOnlyList<AskedPrompt> harmful,
        IReadOnlyList<AskedPrompt> harmless,
        int maxTokens,
        CancellationToken cancellationToken
    )
    {
        var refusals = Begun(harmful, refused: true);
        var answers = Begun(harmless, refused: false);
        if (refusals.Count == 0)
            throw new ArgumentProblemException(
                $"the model refuses none of {harmful.Count} harmful prompts, by words in its replies, so there is nothing to study",
                new Setting(nameof(RefusalStudyJobOptions.Harmful))
            );
        int[] found =
        [
            .. refusals
                .CountBy(token => token)
                .Select(pair => (Token: pair.Key, Share: (double)pair.Value / refusals.Count))
                .Where(one =>
                    one.Share >= LeastShare
                    && one.Share > TimesAsOften * answers.Count(token => token == one.Token) / Math.Max(1, answers.Count)
                )
                .OrderByDescending(one => one.Share)
                .Select(one => one.Token),
        ];
        return found.Length > 0
            ? found
            : throw new ArgumentProblemException(
                "the model's refusals begin as its answers do; name the words that they begin with",
                new Setting(nameof(RefusalStudyJobOptions.RefusalTokens))
            );

        List<int> Begun(IReadOnlyList<AskedPrompt> prompts, bool refused) =>
            [
                .. StudyReplies
                    .Of(model, prompts, [], Math.Max(maxTokens, ShortestReply), cancellationToken)
                    .Where(reply => reply.Length > 0 && IsRefusal(StudyReplies.Text(model, reply)) == refused)
                    .Select(reply => reply[0]),
            ];
    }

    /// <summary>Whether words of refusal are in a reply; models write either apostrophe.</summary>
    public static bool IsRefusal(string reply) => SubstringJudge.IsRefusal(reply, SubstringRule.FoldingApostrophes);
}
