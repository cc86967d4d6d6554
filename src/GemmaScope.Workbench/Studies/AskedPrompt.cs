using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>A prompt in the model's form.</summary>
internal sealed record AskedPrompt(StudyPrompt Prompt, ChatTokens Tokens)
{
    private const int Longest = 512;

    /// <summary>Prompts in the model's chat template; those that are very long are left out, and that is said.</summary>
    public static List<AskedPrompt> Ask(GemmaModel model, IReadOnlyList<StudyPrompt> prompts, IProgress<JobReport>? progress)
    {
        List<AskedPrompt> asked =
        [
            .. prompts
                .Select(prompt => new AskedPrompt(prompt, ChatTokens.Of(model.ChatTemplate, model.Tokenizer, prompt.Messages)))
                .Where(one => one.Tokens.Ids.Length <= Longest),
        ];
        if (prompts.Count - asked.Count is > 0 and var left)
            progress.Note($"{left} of {prompts.Count} prompts are longer than {Longest} tokens and were left out.");
        return asked;
    }
}

internal static class AskedPrompts
{
    /// <summary>The token ids of prompts.</summary>
    public static int[][] Ids(this IEnumerable<AskedPrompt> prompts) => [.. prompts.Select(one => one.Tokens.Ids)];

    /// <summary>Those of prompts that have a score on the right side of 0.</summary>
    public static int[][] Kept(this IReadOnlyList<AskedPrompt> prompts, double[] scores, bool refused) =>
        [.. prompts.Zip(scores).Where(one => refused ? one.Second > 0 : one.Second < 0).Select(one => one.First.Tokens.Ids)];
}
