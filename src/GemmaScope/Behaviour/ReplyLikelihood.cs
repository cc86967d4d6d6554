using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>How likely given replies are under a model: what edits do to a choice, without writing or judging anything.</summary>
public static class ReplyLikelihood
{
    // Logits of many positions of a large vocabulary are hundreds of megabytes.
    private const int RowsAtOnce = 128;

    /// <summary>Mean log p of the tokens of each reply in nats, given its prompt.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pairs">Token ids of prompts, BOS included, and of replies.</param>
    /// <param name="edits">Changes made on the way.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    /// <exception cref="ArgumentProblemException">A reply is empty.</exception>
    public static double[] Of(
        GemmaModel model,
        IReadOnlyList<(int[] Prompt, int[] Reply)> pairs,
        IReadOnlyList<Edit>? edits = null,
        CancellationToken cancellationToken = default
    )
    {
        if (pairs.Any(pair => pair.Reply.Length == 0 || pair.Prompt.Length == 0))
            throw new ArgumentProblemException("is empty; it has no likelihood", "reply");
        List<double> found = new(pairs.Count);
        List<(int[] Prompt, int[] Reply)> batch = [];
        foreach (var pair in pairs)
        {
            if (batch.Count > 0 && batch.Sum(one => one.Reply.Length) + pair.Reply.Length > RowsAtOnce)
                Read();
            batch.Add(pair);
        }
        if (batch.Count > 0)
            Read();
        return [.. found];

        void Read()
        {
            var caches = batch.Select(_ => model.NewCache()).ToArray();
            try
            {
                // The prompt's own predictions are not asked for. Its last token predicts the reply's first.
                var before = Enumerable.Range(0, batch.Count).Where(i => batch[i].Prompt.Length > 1).ToArray();
                if (before.Length > 0)
                    model
                        .Run(
                            [.. before.Select(i => batch[i].Prompt[..^1])],
                            edits: edits,
                            caches: [.. before.Select(i => caches[i])],
                            logits: LogitRows.None,
                            cancellationToken: cancellationToken
                        )
                        .Dispose();
                using var run = model.Run(
                    [.. batch.Select(pair => (int[])[pair.Prompt[^1], .. pair.Reply.AsSpan(0, pair.Reply.Length - 1)])],
                    edits: edits,
                    caches: caches,
                    logits: LogitRows.All,
                    cancellationToken: cancellationToken
                );
                for (var s = 0; s < batch.Count; s++)
                {
                    var (start, count) = run.RowsOf(s);
                    double sum = 0;
                    for (var row = 0; row < count; row++)
                    {
                        var logits = run.Logits!.Row(start + row)[..model.Config.RealVocabulary];
                        sum += logits[batch[s].Reply[row]] - Predictions.LogSum(logits);
                    }
                    found.Add(sum / count);
                }
            }
            finally
            {
                foreach (var cache in caches)
                    cache.Dispose();
            }
            batch.Clear();
        }
    }
}
