using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What a model replies to the prompts of a study.</summary>
internal static class StudyReplies
{
    private const int Together = 32;

    /// <summary>Replies to prompts, the most likely token each time.</summary>
    public static IReadOnlyList<int[]> Of(
        GemmaModel model,
        IReadOnlyList<AskedPrompt> prompts,
        IReadOnlyList<Edit> edits,
        int maxTokens,
        CancellationToken cancellationToken
    ) =>
        model.GenerateMany(
            prompts.Ids(),
            new GenerationOptions
            {
                MaxNewTokens = maxTokens,
                Temperature = 0,
                Edits = edits,
                StopTokens = ChatTuning.StopTokens(model),
            },
            Together,
            cancellationToken: cancellationToken
        );

    /// <summary>A reply as it is read.</summary>
    public static string Text(GemmaModel model, int[] reply) => model.Tokenizer.Decode(reply, skipSpecial: true);
}
