using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>What a model would write first after each of some prompts: the logits of all vocabulary rows.</summary>
public sealed class NextTokens
{
    private readonly float[][] _logits;

    internal NextTokens(float[][] logits) => _logits = logits;

    /// <summary>How many prompts there are.</summary>
    public int Count => _logits.Length;

    /// <summary>The logits of one prompt.</summary>
    public ReadOnlySpan<float> this[int prompt] => _logits[prompt];

    /// <summary>Reads prompts, several in a run.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Token ids, BOS included.</param>
    /// <param name="edits">Changes made on the way.</param>
    /// <param name="progress">Told how many prompts are read.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    public static NextTokens Of(
        GemmaModel model,
        IReadOnlyList<int[]> prompts,
        IReadOnlyList<Edit>? edits = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        List<float[]> logits = new(prompts.Count);
        foreach (var batch in PromptBatches.Of(prompts))
        {
            using var run = model.Run(batch, edits: edits, logits: LogitRows.Last, cancellationToken: cancellationToken);
            for (var s = 0; s < batch.Length; s++)
                logits.Add(run.LastLogits(s).ToArray());
            progress?.Report(logits.Count);
        }
        return new([.. logits]);
    }

    /// <summary>The <see cref="RefusalScore"/> of each prompt.</summary>
    public double[] RefusalScores(IReadOnlyCollection<int> refusalTokens) =>
        Array.ConvertAll(_logits, logits => RefusalScore.Of(logits, refusalTokens));

    /// <summary>KL(these ‖ others) of each prompt in nats.</summary>
    /// <exception cref="ArgumentProblemException">They are not of as many prompts.</exception>
    public double[] Divergences(NextTokens others)
    {
        if (others.Count != Count)
            throw new ArgumentProblemException($"are of {others.Count} prompts, these of {Count}", "others");
        return
        [
            .. _logits.Zip(
                others._logits,
                (clean, edited) => Predictions.Divergence(clean, Predictions.LogSum(clean), edited, Predictions.LogSum(edited))
            ),
        ];
    }
}
