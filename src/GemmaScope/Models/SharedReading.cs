namespace GemmaScope.Models;

/// <summary>Takes the logits behind the last token of a sequence.</summary>
/// <param name="sequence">Which sequence.</param>
/// <param name="logits">[vocabulary rows]; gone when the call returns.</param>
public delegate void LogitReader(int sequence, ReadOnlySpan<float> logits);

/// <summary>
/// The next token after each of many sequences that begin alike, as those do that hold a growing part of one text: each beginning is run
/// once, however many sequences share it, and all that can go together goes in one pass over the weights.
/// </summary>
public static class SharedReading
{
    private const int TokensTogether = 2048,
        SequencesTogether = 64,
        LeastTokensHeld = 1024,
        MostTokensHeld = 16384;

    private const long BytesHeld = 256L << 20;

    /// <summary>Reads sequences.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sequences">Token ids, BOS included; in any order.</param>
    /// <param name="read">Called once for each.</param>
    /// <param name="edits">Changes made on the way; positions are absolute.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    /// <exception cref="ArgumentProblemException">A sequence is empty, or cannot be run.</exception>
    public static void ReadNext(
        this GemmaModel model,
        IReadOnlyList<int[]> sequences,
        LogitReader read,
        IReadOnlyList<Edit>? edits = null,
        CancellationToken cancellationToken = default
    )
    {
        if (sequences.Any(one => one.Length == 0))
            throw new ArgumentProblemException("the sequence has no tokens; start it with BOS", "tokens");
        int[] order = [.. Enumerable.Range(0, sequences.Count)];
        Array.Sort(order, (a, b) => sequences[a].AsSpan().SequenceCompareTo(sequences[b]) is var c and not 0 ? c : a - b);
        // Copies of caches weigh as much as their tokens do.
        var bytes = 2L * sizeof(float) * model.Config.KeyValueHeads * model.Config.HeadSize * model.Config.Layers;
        var held = Math.Clamp(BytesHeld / bytes, LeastTokensHeld, MostTokensHeld);
        foreach (var part in Packed(order, i => sequences[i].Length, held, int.MaxValue))
            new Reading(model, [.. part.Select(i => sequences[i])], i => part[i], read, edits ?? [], cancellationToken).Run();
    }

    /// <summary>Consecutive items whose tokens together stay within the limit, or one alone.</summary>
    private static IEnumerable<List<T>> Packed<T>(IEnumerable<T> items, Func<T, int> tokens, long mostTokens, int mostItems)
    {
        var (batch, sum) = (new List<T>(), 0L);
        foreach (var item in items)
        {
            var added = tokens(item);
            if (batch.Count > 0 && (sum + added > mostTokens || batch.Count == mostItems))
            {
                yield return batch;
                (batch, sum) = ([], 0);
            }
            batch.Add(item);
            sum += added;
        }
        if (batch.Count > 0)
            yield return batch;
    }

    /// <summary>Sequences [First, End) of a sorted list, which are alike up to a depth that the parent's cache has seen.</summary>
    private sealed record Branch(KvCache? Parent, int Depth, int First, int End);

    private sealed class Reading(
        GemmaModel model,
        int[][] sorted,
        Func<int, int> number,
        LogitReader read,
        IReadOnlyList<Edit> edits,
        CancellationToken cancellationToken
    )
    {
        public void Run()
        {
            List<Branch> level = [.. Parts(null, 0, 0, sorted.Length)];
            while (level.Count > 0)
            {
                List<Branch> next = [];
                var parents = level.Select(one => one.Parent).OfType<KvCache>().ToHashSet();
                try
                {
                    foreach (var batch in Packed(level, branch => Common(branch) - branch.Depth, TokensTogether, SequencesTogether))
                        Together(batch, next);
                }
                catch
                {
                    foreach (var cache in next.Select(one => one.Parent).OfType<KvCache>().ToHashSet())
                        cache.Dispose();
                    throw;
                }
                finally
                {
                    foreach (var cache in parents)
                        cache.Dispose();
                }
                level = next;
            }
        }

        /// <summary>Up to where all sequences of a branch are alike: in a sorted list up to where the first and the last are.</summary>
        private int Common(Branch branch) => sorted[branch.First].AsSpan().CommonPrefixLength(sorted[branch.End - 1]);

        private void Together(List<Branch> batch, List<Branch> next)
        {
            int[] common = [.. batch.Select(Common)];
            var caches = batch.Select((one, i) => one.Parent?.Fork(common[i] - one.Depth) ?? model.NewCache()).ToArray();
            HashSet<KvCache> kept = [];
            try
            {
                using var run = model.Run(
                    [.. batch.Select((one, i) => sorted[one.First][one.Depth..common[i]])],
                    edits: edits,
                    caches: caches,
                    logits: LogitRows.Last,
                    cancellationToken: cancellationToken
                );
                for (var i = 0; i < batch.Count; i++)
                {
                    // In a sorted list those that end here come first.
                    var open = batch[i].First;
                    for (; open < batch[i].End && sorted[open].Length == common[i]; open++)
                        read(number(open), run.LastLogits(i));
                    if (open == batch[i].End)
                        continue;
                    next.AddRange(Parts(caches[i], common[i], open, batch[i].End));
                    kept.Add(caches[i]);
                }
            }
            finally
            {
                foreach (var cache in caches)
                    if (!kept.Contains(cache))
                        cache.Dispose();
            }
        }

        /// <summary>The sequences of a range by their next token.</summary>
        private IEnumerable<Branch> Parts(KvCache? parent, int depth, int first, int end)
        {
            for (int start = first, stop; start < end; start = stop)
            {
                for (stop = start + 1; stop < end && sorted[stop][depth] == sorted[start][depth]; )
                    stop++;
                yield return new(parent, depth, start, stop);
            }
        }
    }
}
