using System.Numerics.Tensors;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>Moves activations at the last positions of a prompt along a vector, at each by an amount of its own.</summary>
/// <param name="Site">Where: a site that has a row for each token.</param>
/// <param name="Vector">The vector, as wide as the site.</param>
/// <param name="Amounts">How far, at each of the last positions in order.</param>
public sealed record RowMove(Site Site, ReadOnlyMemory<float> Vector, IReadOnlyList<float> Amounts)
{
    private const int TokensTogether = 1024;

    /// <summary>What a model would write first with each of some changes; the prompt before the last positions is read once, and changes share
    /// passes.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">Token ids, BOS included.</param>
    /// <param name="last">How many positions at its end may be changed, from 1 to all but the first.</param>
    /// <param name="changes">Each change: moves that are made together; none for the prompt as it is.</param>
    /// <param name="cancellationToken">Stops between passes and inside one.</param>
    /// <returns>The logits of each change.</returns>
    /// <exception cref="ArgumentProblemException">The prompt is too short, a site does not exist, or a vector or the amounts do not fit.</exception>
    public static NextTokens Try(
        GemmaModel model,
        int[] prompt,
        int last,
        IReadOnlyList<IReadOnlyList<RowMove>> changes,
        CancellationToken cancellationToken = default
    )
    {
        if (last < 1 || last >= prompt.Length)
            throw new ArgumentProblemException($"is {last}; the prompt has {prompt.Length} tokens", "last");
        foreach (var move in changes.SelectMany(change => change))
            move.Check(model.Config, last);
        var behind = prompt[^last..];
        using var prefix = model.NewCache();
        model.Run(prompt[..^last], cache: prefix, logits: LogitRows.None, cancellationToken: cancellationToken).Dispose();
        List<float[]> logits = new(changes.Count);
        foreach (var batch in changes.Chunk(Math.Max(1, TokensTogether / last)))
        {
            List<KvCache> caches = [];
            try
            {
                caches.AddRange(batch.Select(_ => prefix.Fork(last)));
                using var run = model.Run(
                    [.. batch.Select(_ => behind)],
                    edits: Edits(batch),
                    caches: caches,
                    logits: LogitRows.Last,
                    cancellationToken: cancellationToken
                );
                for (var s = 0; s < batch.Length; s++)
                    logits.Add(run.LastLogits(s).ToArray());
            }
            finally
            {
                foreach (var cache in caches)
                    cache.Dispose();
            }
        }
        return new([.. logits]);
    }

    /// <summary>One edit for each site, which moves each sequence's rows in its own way.</summary>
    private static IEnumerable<Edit> Edits(IReadOnlyList<RowMove>[] batch) =>
        batch
            .Index()
            .SelectMany(one => one.Item.Select(move => (Sequence: one.Index, Move: move)))
            .GroupBy(one => one.Move.Site)
            .Select(group =>
            {
                var moved = group.ToArray();
                return Edit.OfRun(
                    group.Key,
                    (rows, sequences) =>
                    {
                        foreach (var (sequence, move) in moved)
                            for (var i = 0; i < move.Amounts.Count; i++)
                            {
                                var row = rows.Row(sequences.Start(sequence) + i);
                                TensorPrimitives.MultiplyAdd(move.Vector.Span, move.Amounts[i], row, row);
                            }
                    }
                );
            });

    private void Check(GemmaConfig config, int last)
    {
        if (Models.Site.IsAttentionMatrix(Site.Kind) || Site.Kind is SiteKind.Logits or SiteKind.LogitsRaw)
            throw new ArgumentProblemException("has no row for each token", Site.ToString());
        if (config.SiteWidth(Site) is var width && width != Vector.Length)
            throw new ArgumentProblemException($"the vector has {Vector.Length} numbers, the site {width}", Site.ToString());
        if (Amounts.Count != last)
            throw new ArgumentProblemException($"{Amounts.Count} amounts for {last} positions", Site.ToString());
    }
}
