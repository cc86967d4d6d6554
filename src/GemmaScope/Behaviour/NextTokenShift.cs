using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>What edits do to the prediction of the very next token, before anything is written.</summary>
/// <param name="Kl">KL(unedited ‖ edited) in nats.</param>
/// <param name="Normal">The most likely tokens with their probabilities, the first first.</param>
/// <param name="Edited">The same with the edits.</param>
public sealed record NextTokenShift(double Kl, IReadOnlyList<TokenScore> Normal, IReadOnlyList<TokenScore> Edited)
{
    /// <summary>Reads a prompt with and without edits.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">Token ids, BOS included.</param>
    /// <param name="edits">The edits.</param>
    /// <param name="count">Tokens that are named of each.</param>
    /// <param name="cancellationToken">Stops between the runs and inside one.</param>
    public static NextTokenShift Measure(
        GemmaModel model,
        int[] prompt,
        IReadOnlyList<Edit> edits,
        int count,
        CancellationToken cancellationToken = default
    )
    {
        using var clean = model.Run(prompt, logits: LogitRows.Last, cancellationToken: cancellationToken);
        using var edited = model.Run(prompt, edits: edits, logits: LogitRows.Last, cancellationToken: cancellationToken);
        var p = clean.LastLogits()[..model.Config.RealVocabulary];
        var q = edited.LastLogits()[..model.Config.RealVocabulary];
        var (pSum, qSum) = (Predictions.LogSum(p), Predictions.LogSum(q));
        return new(Predictions.Divergence(p, pSum, q, qSum), Likely(clean, pSum), Likely(edited, qSum));

        TokenScore[] Likely(ModelRun run, double sum) =>
            [.. run.TopNextTokens(count).Select(one => one with { Value = (float)Math.Exp(one.Value - sum) })];
    }
}
