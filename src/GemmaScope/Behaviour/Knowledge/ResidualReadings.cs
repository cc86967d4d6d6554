using System.Numerics.Tensors;
using GemmaScope.Models;

namespace GemmaScope.Behaviour.Knowledge;

/// <summary>What is done to a batch of prompts: a model that is made of another one, to see whether a study finds what was planted.</summary>
/// <param name="prompts">Token ids of each.</param>
public delegate IReadOnlyList<Edit> BatchEdits(IReadOnlyList<int[]> prompts);

/// <summary>Activations of prompts at some sites, at some points of each prompt: the row of a token, or the mean over several. One pass
/// reads them all, and what would be said next.</summary>
public sealed class ResidualReadings
{
    private readonly Dictionary<Site, List<float[]>[]> _rows;

    private ResidualReadings(Dictionary<Site, List<float[]>[]> rows, int count) => (_rows, Count) = (rows, count);

    /// <summary>How many prompts were read.</summary>
    public int Count { get; }

    /// <summary>The rows of a site at a point, one for each prompt.</summary>
    public IReadOnlyList<float[]> this[Site site, int point] => _rows[site][point];

    /// <summary>The residual stream behind every layer.</summary>
    public static Site[] Layers(GemmaConfig config) => [.. Enumerable.Range(0, config.Layers).Select(Site.ResidPost)];

    /// <summary>Reads prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Token ids, BOS included.</param>
    /// <param name="points">The points of each prompt, as many of each.</param>
    /// <param name="sites">Where; vectors of tokens.</param>
    /// <param name="answers">Told what is behind each prompt; null if nobody asks.</param>
    /// <param name="edits">What is done to each batch; null for nothing.</param>
    /// <param name="progress">Told how many prompts are read.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    /// <exception cref="ArgumentProblemException">A point is empty or beyond its prompt, or prompts have different numbers of them.</exception>
    public static ResidualReadings Read(
        GemmaModel model,
        IReadOnlyList<int[]> prompts,
        IReadOnlyList<IReadOnlyList<Positions>> points,
        IReadOnlyList<Site> sites,
        LogitReader? answers = null,
        BatchEdits? edits = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Check(prompts, points);
        var count = points.Count > 0 ? points[0].Count : 0;
        var rows = sites.Distinct().ToDictionary(site => site, _ => Enumerable.Range(0, count).Select(_ => new List<float[]>()).ToArray());
        var done = 0;
        foreach (var batch in PromptBatches.Of(prompts))
        {
            using var run = model.Run(
                batch,
                edits: edits?.Invoke(batch),
                capture: [.. rows.Keys],
                logits: answers is null ? LogitRows.None : LogitRows.Last,
                cancellationToken: cancellationToken
            );
            var first = done;
            // Over a large vocabulary this is work of its own.
            if (answers is not null)
                Parallel.For(0, batch.Length, s => answers(first + s, run.LastLogits(s)));
            for (var s = 0; s < batch.Length; s++, done++)
            {
                foreach (var (site, read) in rows)
                    for (var point = 0; point < count; point++)
                        read[point].Add(Mean(run, site, s, points[done][point]));
            }
            progress?.Report(done);
        }
        return new(rows, done);
    }

    private static float[] Mean(ModelRun run, Site site, int sequence, Positions span)
    {
        var (start, _) = run.RowsOf(sequence);
        var activations = run[site];
        var sum = activations.Row(start + span.Start).ToArray();
        if (span.End - span.Start == 1)
            return sum;
        for (var position = span.Start + 1; position < span.End; position++)
            TensorPrimitives.Add(sum, activations.Row(start + position), sum);
        TensorPrimitives.Divide(sum, span.End - span.Start, sum);
        return sum;
    }

    private static void Check(IReadOnlyList<int[]> prompts, IReadOnlyList<IReadOnlyList<Positions>> points)
    {
        if (points.Count != prompts.Count)
            throw new ArgumentProblemException($"are of {points.Count} prompts, not of {prompts.Count}", "points");
        for (var i = 0; i < prompts.Count; i++)
        {
            if (points[i].Count != points[0].Count)
                throw new ArgumentProblemException($"prompt {i} has {points[i].Count}, the first one {points[0].Count}", "points");
            foreach (var span in points[i])
                if (span.Start < 0 || span.End <= span.Start || span.End > prompts[i].Length)
                    throw new ArgumentProblemException(
                        $"{span.Start} to {span.End} is no span of prompt {i}, which has {prompts[i].Length} tokens",
                        "points"
                    );
        }
    }
}
