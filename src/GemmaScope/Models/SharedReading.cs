using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>Takes the logits behind the last token of a sequence.</summary>
/// <param name="sequence">Which sequence.</param>
/// <param name="logits">[vocabulary rows]; gone when the call returns.</param>
public delegate void LogitReader(int sequence, ReadOnlySpan<float> logits);

/// <summary>Takes the logits behind the last token of a sequence, and the cache that has seen all of it.</summary>
/// <param name="sequence">Which sequence.</param>
/// <param name="logits">[vocabulary rows]; gone when the call returns.</param>
/// <param name="cache">To go on from a fork of it; gone when the call returns.</param>
internal delegate void SequenceReader(int sequence, ReadOnlySpan<float> logits, KvCache cache);

/// <summary>Tokens that were read before, for sequences that begin with them.</summary>
/// <param name="Tokens">The tokens.</param>
/// <param name="Cache">A cache that has seen them and nothing else; it is only forked.</param>
internal readonly record struct BegunSequence(int[] Tokens, KvCache Cache);

/// <summary>
/// The next token after each of many sequences that begin alike, as those do that hold a growing part of one text: each beginning is run
/// once, however many sequences share it, and all that can go together goes in one pass over the weights.
/// </summary>
public static class SharedReading
{
    private const int TokensTogether = 2048,
        SequencesTogether = 64,
        LeastTokensHeld = 2048,
        MostTokensHeld = 16384;

    private const long BytesHeld = 256L << 20;

    // A beginning of its own is one more pass over the weights, which takes as long as some tokens do.
    private const int LeastTokensSaved = 32;

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
    ) => model.ReadNext(sequences, (sequence, logits, _) => read(sequence, logits), [], edits ?? [], null, cancellationToken);

    /// <summary>The same with what only parts of this library need.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sequences">Token ids, BOS included; in any order.</param>
    /// <param name="read">Called once for each.</param>
    /// <param name="begun">Beginnings that were read before in the same arithmetic and with the same edits.</param>
    /// <param name="edits">Changes made on the way; positions are absolute.</param>
    /// <param name="arithmetic">Exact or fast; null for the model's.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    internal static void ReadNext(
        this GemmaModel model,
        IReadOnlyList<int[]> sequences,
        SequenceReader read,
        IReadOnlyList<BegunSequence> begun,
        IReadOnlyList<Edit> edits,
        Arithmetic? arithmetic,
        CancellationToken cancellationToken
    )
    {
        if (sequences.Any(one => one.Length == 0))
            throw new ArgumentProblemException("the sequence has no tokens; start it with BOS", "tokens");
        int[] order = [.. Enumerable.Range(0, sequences.Count)];
        Array.Sort(order, (a, b) => sequences[a].AsSpan().SequenceCompareTo(sequences[b]) is var c and not 0 ? c : a - b);
        // Copies of caches weigh as much as their tokens do.
        var bytes = model.Config.CacheBytes(1);
        var held = Math.Clamp(BytesHeld / bytes, LeastTokensHeld, MostTokensHeld);
        foreach (var part in Packed(order, i => sequences[i].Length, held, int.MaxValue))
            new Reading(model, [.. part.Select(i => sequences[i])], i => part[i], read, begun, edits, arithmetic, cancellationToken).Run();
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
        SequenceReader read,
        IReadOnlyList<BegunSequence> begun,
        IReadOnlyList<Edit> edits,
        Arithmetic? arithmetic,
        CancellationToken cancellationToken
    )
    {
        public void Run()
        {
            List<Branch> level = [.. Roots()];
            // What was begun before belongs to whoever began it.
            HashSet<KvCache> parents = [];
            while (level.Count > 0)
            {
                List<Branch> next = [];
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
                parents = level.Select(one => one.Parent).OfType<KvCache>().ToHashSet();
            }
        }

        /// <summary>The branches that go on from nothing, or from what was begun before.</summary>
        private IEnumerable<Branch> Roots()
        {
            BegunSequence?[] from = [.. sorted.Select(Begun)];
            for (int start = 0, stop; start < sorted.Length; start = stop)
            {
                for (stop = start + 1; stop < sorted.Length && from[stop]?.Cache == from[start]?.Cache; )
                    stop++;
                var depth = from[start]?.Tokens.Length ?? 0;
                foreach (var branch in Parts(from[start]?.Cache, depth, depth, start, stop))
                    yield return branch;
            }
        }

        /// <summary>The longest beginning of a sequence that was read before, which leaves it a token to run.</summary>
        private BegunSequence? Begun(int[] sequence) =>
            begun
                .Where(one => one.Tokens.Length < sequence.Length && sequence.AsSpan().StartsWith(one.Tokens))
                .OrderByDescending(one => one.Tokens.Length)
                .Select(one => (BegunSequence?)one)
                .FirstOrDefault();

        /// <summary>Up to where all sequences of a range are alike: in a sorted list up to where the first and the last are.</summary>
        private int Common(int first, int end) => sorted[first].AsSpan().CommonPrefixLength(sorted[end - 1]);

        private int Common(Branch branch) => Common(branch.First, branch.End);

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
                    arithmetic: arithmetic,
                    cancellationToken: cancellationToken
                );
                for (var i = 0; i < batch.Count; i++)
                {
                    var open = Open(batch[i].First, batch[i].End, common[i]);
                    for (var ended = batch[i].First; ended < open; ended++)
                        read(number(ended), run.LastLogits(i), caches[i]);
                    if (open == batch[i].End)
                        continue;
                    next.AddRange(Parts(caches[i], common[i], common[i], open, batch[i].End));
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

        /// <summary>The first sequence of a range that goes on: in a sorted list those that end come before it.</summary>
        private int Open(int first, int end, int length)
        {
            while (first < end && sorted[first].Length == length)
                first++;
            return first;
        }

        /// <summary>The sequences of a range, which are alike up to <paramref name="at"/>, by their next token. Those that share too little
        /// beyond it go each its own way.</summary>
        private IEnumerable<Branch> Parts(KvCache? parent, int depth, int at, int first, int end)
        {
            for (int start = first, stop; start < end; start = stop)
            {
                for (stop = start + 1; stop < end && sorted[stop][at] == sorted[start][at]; )
                    stop++;
                var common = Common(start, stop);
                var open = Open(start, stop, common);
                if (open == stop || (common - depth) * (long)(stop - start - 1) >= LeastTokensSaved)
                {
                    yield return new(parent, depth, start, stop);
                    continue;
                }
                if (open > start)
                    yield return new(parent, depth, start, open);
                foreach (var branch in Parts(parent, depth, common, open, stop))
                    yield return branch;
            }
        }
    }
}
