namespace GemmaScope.Models;

/// <summary>Generation of many texts at a time, which share each pass over the weights: many times as fast as one after the other.</summary>
public static class BatchGeneration
{
    /// <summary>Continues prompts; each text ends by itself, and leaves its place in the batch to the next prompt.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Token ids, BOS included.</param>
    /// <param name="options">Sampling and stopping, the same for each; with a seed, text i is drawn with seed + i.</param>
    /// <param name="together">Texts at a time.</param>
    /// <param name="progress">Told how many texts are done.</param>
    /// <param name="cancellationToken">Stops between tokens and inside a long prompt.</param>
    /// <returns>The new tokens of each prompt.</returns>
    /// <exception cref="ArgumentProblemException">An option is out of range or a prompt cannot be run.</exception>
    public static IReadOnlyList<int[]> GenerateMany(
        this GemmaModel model,
        IReadOnlyList<int[]> prompts,
        GenerationOptions? options = null,
        int together = 32,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new GenerationOptions();
        options.Check();
        if (together < 1)
            throw new ArgumentProblemException($"is {together}; it must be 1 or more", "together");
        var stops = (options.StopTokens ?? model.Config.EosIds).ToHashSet();
        var texts = prompts.Select((prompt, i) => new Text(prompt, options, i, model.Config.RealVocabulary)).ToArray();
        var waiting = new Queue<Text>(texts);
        List<Text> open = [];
        var done = 0L;
        var hooks = options.Hooks(model.Config);
        options.Observer?.Begin(texts.Length);
        try
        {
            while (options.MaxNewTokens > 0 && (waiting.Count > 0 || open.Count > 0))
            {
                while (open.Count < together && waiting.TryDequeue(out var next))
                {
                    next.Cache = model.NewCache();
                    open.Add(next);
                }
                using (
                    var run = model.Run(
                        [.. open.Select(text => text.Next)],
                        hooks,
                        [.. open.Select(text => text.Cache!)],
                        LogitRows.Last,
                        stopAfter: null,
                        resume: null,
                        options.Arithmetic,
                        cancellationToken
                    )
                )
                    for (var i = 0; i < open.Count; i++)
                        if (options.Observer?.Read(open[i].ReadFrom(run.RowsOf(i).Start)) == false)
                            open[i].End();
                        else
                            open[i].Take(run.LastLogits(i), stops, options.MaxNewTokens, model.Config.MaxPositions);
                foreach (var text in open.Where(text => text.IsDone))
                    text.Cache!.Dispose();
                if (open.RemoveAll(text => text.IsDone) is > 0 and var ended)
                    progress?.Report(done += ended);
            }
        }
        finally
        {
            foreach (var text in open)
                text.Cache?.Dispose();
        }
        return [.. texts.Select(text => text.Written.ToArray())];
    }

    private sealed class Text(int[] prompt, GenerationOptions options, int number, int vocabulary)
    {
        private Sampler? _sampler;

        public int[] Next { get; private set; } = prompt;

        public KvCache? Cache { get; set; }

        public List<int> Written { get; } = [];

        public bool IsDone { get; private set; }

        /// <summary>What the last pass has read of it.</summary>
        public TokensRead ReadFrom(int row) => new(number, row, Cache!.Length - Next.Length, Next, Written.Count > 0);

        public void End() => IsDone = true;

        public void Take(ReadOnlySpan<float> logits, HashSet<int> stops, int most, int context)
        {
            if (_sampler is null)
            {
                _sampler = new Sampler(options.Seed is { } seed ? options with { Seed = unchecked(seed + number) } : options, vocabulary);
                _sampler.Saw(Next);
            }
            var token = _sampler.Choose(logits);
            if (stops.Contains(token))
            {
                IsDone = true;
                return;
            }
            Written.Add(token);
            _sampler.Saw([token]);
            Next = [token];
            IsDone = Written.Count == most || Cache!.Length + 1 > context;
        }
    }
}
