using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>
/// What steering did to a continuation, by numbers that grow when it breaks the text: how far the predictions moved, how unlikely the text
/// is without steering, and how
/// much it repeats itself.
/// </summary>
/// <param name="Kl">Mean KL(unsteered ‖ steered) in nats of the predictions of the continuation's tokens, both models reading the same
/// text; without a continuation, of the next token.</param>
/// <param name="Surprise">Mean −log p of the continuation's tokens in nats under the model that is not steered; NaN without a
/// continuation.</param>
/// <param name="Repetition">Share of the continuation's token pairs that it had before: 0 for none, near 1 for a loop.</param>
public sealed record SteeringEffect(double Kl, double Surprise, double Repetition)
{
    // Logits of many positions of a large vocabulary are hundreds of megabytes.
    private const int RowsAtOnce = 32;

    /// <summary>Measures one continuation.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">Token ids, BOS included.</param>
    /// <param name="continuation">The tokens that were generated.</param>
    /// <param name="edits">The steering; none measures the model's own text.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    public static SteeringEffect Measure(
        GemmaModel model,
        int[] prompt,
        IReadOnlyList<int> continuation,
        IReadOnlyList<Edit> edits,
        CancellationToken cancellationToken = default
    )
    {
        int[] tokens = [.. prompt, .. continuation.SkipLast(1)];
        using var normal = model.NewCache();
        using var steered = model.NewCache();
        var first = prompt.Length - 1;
        if (first > 0)
        {
            model.Run(tokens[..first], cache: normal, logits: LogitRows.None, cancellationToken: cancellationToken).Dispose();
            model
                .Run(tokens[..first], edits: edits, cache: steered, logits: LogitRows.None, cancellationToken: cancellationToken)
                .Dispose();
        }
        double kl = 0,
            surprise = 0;
        for (var start = first; start < tokens.Length; start += RowsAtOnce)
        {
            var some = tokens[start..Math.Min(start + RowsAtOnce, tokens.Length)];
            using var clean = model.Run(some, cache: normal, logits: LogitRows.All, cancellationToken: cancellationToken);
            using var edited = model.Run(some, edits: edits, cache: steered, logits: LogitRows.All, cancellationToken: cancellationToken);
            for (var row = 0; row < some.Length; row++)
            {
                var p = clean.Logits!.Row(row)[..model.Config.RealVocabulary];
                var q = edited.Logits!.Row(row)[..model.Config.RealVocabulary];
                var sum = Predictions.LogSum(p);
                kl += Predictions.Divergence(p, sum, q, Predictions.LogSum(q));
                if (continuation.Count > 0)
                    surprise += sum - p[continuation[start - first + row]];
            }
        }
        var predictions = tokens.Length - first;
        return new(kl / predictions, continuation.Count > 0 ? surprise / predictions : double.NaN, Repeated(continuation));
    }

    /// <summary>Share of the pairs of neighbouring tokens that stood there before; 0 where there is at most one pair.</summary>
    public static double Repeated(IReadOnlyList<int> tokens)
    {
        if (tokens.Count < 2)
            return 0;
        return 1 - (double)tokens.Zip(tokens.Skip(1)).Distinct().Count() / (tokens.Count - 1);
    }
}
