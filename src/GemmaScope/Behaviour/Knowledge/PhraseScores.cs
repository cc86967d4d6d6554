using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Behaviour.Knowledge;

/// <summary>How likely it is that a reply begins with a phrase: a measure that does not depend on the phrase being the most likely one.</summary>
public static class PhraseScores
{
    /// <summary>log p of the phrase behind each prompt, in nats.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Token ids, BOS included.</param>
    /// <param name="phrase">Token ids of the phrase.</param>
    /// <param name="edits">Changes made on the way.</param>
    /// <param name="organism">What else is done to each batch; null for nothing.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    public static double[] Of(
        GemmaModel model,
        IReadOnlyList<int[]> prompts,
        int[] phrase,
        IReadOnlyList<Edit>? edits = null,
        BatchEdits? organism = null,
        CancellationToken cancellationToken = default
    )
    {
        var scores = new double[prompts.Count];
        // Only the logits behind the last token are made: of a large vocabulary those of all tokens fill gigabytes.
        for (var written = 0; written < phrase.Length; written++)
        {
            var done = 0;
            int[][] begun = [.. prompts.Select(prompt => (int[])[.. prompt, .. phrase[..written]])];
            foreach (var batch in PromptBatches.Of(begun))
            {
                IEnumerable<Edit> all = [.. edits ?? [], .. organism?.Invoke(batch) ?? []];
                using var run = model.Run(batch, edits: all, logits: LogitRows.Last, cancellationToken: cancellationToken);
                for (var s = 0; s < batch.Length; s++)
                {
                    var logits = run.LastLogits(s);
                    scores[done++] += logits[phrase[written]] - Predictions.LogSum(logits);
                }
            }
        }
        return scores;
    }

    /// <summary>The probability of one token.</summary>
    /// <param name="logits">The logits of all vocabulary rows.</param>
    /// <param name="token">Its id.</param>
    public static double Probability(ReadOnlySpan<float> logits, int token) => Math.Exp(logits[token] - Predictions.LogSum(logits));
}
