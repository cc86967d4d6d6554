namespace GemmaScope.Models;

/// <summary>Generation of many texts at a time, which share each pass over the weights: many times as fast as one after the other. What
/// prompts that follow each other begin with is run once, so that many samples of one prompt cost one reading of it.</summary>
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
    ) => model.GenerateMany(prompts, options, editsOf: null, together, progress, cancellationToken);

    /// <summary>The same, with edits of its own for each prompt, by its number, behind those of all.</summary>
    internal static IReadOnlyList<int[]> GenerateMany(
        this GemmaModel model,
        IReadOnlyList<int[]> prompts,
        GenerationOptions? options,
        Func<int, IReadOnlyList<Edit>>? editsOf,
        int together = 32,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new GenerationOptions();
        return Generate(
            model,
            prompts,
            number => options.Seed is { } seed ? unchecked(seed + number) : null,
            options,
            editsOf,
            together,
            progress,
            cancellationToken
        );
    }

    /// <summary>Continues prompts, each with a seed of its own: what is drawn does not depend on which other prompts there are.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Token ids, BOS included; those that begin alike should follow each other.</param>
    /// <param name="seeds">A seed for each.</param>
    /// <param name="options">Sampling and stopping, the same for each; its seed is not used.</param>
    /// <param name="together">Texts at a time.</param>
    /// <param name="progress">Told how many texts are done.</param>
    /// <param name="cancellationToken">Stops between tokens and inside a long prompt.</param>
    /// <returns>The new tokens of each prompt.</returns>
    /// <exception cref="ArgumentProblemException">An option is out of range, a prompt cannot be run, or there are not as many seeds.</exception>
    public static IReadOnlyList<int[]> GenerateMany(
        this GemmaModel model,
        IReadOnlyList<int[]> prompts,
        IReadOnlyList<int> seeds,
        GenerationOptions? options = null,
        int together = 32,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        seeds.Count == prompts.Count
            ? Generate(
                model,
                prompts,
                number => seeds[number],
                options ?? new GenerationOptions(),
                editsOf: null,
                together,
                progress,
                cancellationToken
            )
            : throw new ArgumentProblemException($"are {seeds.Count} for {prompts.Count} prompts", "seeds");

    private static int[][] Generate(
        GemmaModel model,
        IReadOnlyList<int[]> prompts,
        Func<int, int?> seed,
        GenerationOptions options,
        Func<int, IReadOnlyList<Edit>>? editsOf,
        int together,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        options.Check();
        if (together < 1)
            throw new ArgumentProblemException($"is {together}; it must be 1 or more", "together");
        var stops = (options.StopTokens ?? model.Config.EosIds).ToHashSet();
        var texts = prompts
            .Select((prompt, i) => new Text(prompt, options with { Seed = seed(i) }, i, model.Config.RealVocabulary))
            .ToArray();
        var waiting = new Queue<(int Number, Text Text)>(texts.Index());
        // What is edited or watched text by text is not read for several at once.
        var isShared = editsOf is null && options.Observer is null;
        using var begun = new BegunPrompts(model, prompts, options, isShared, cancellationToken);
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
                    next.Text.Begin(begun.Cache(next.Number));
                    open.Add(next.Text);
                }
                using (
                    var run = model.Run(
                        [.. open.Select(text => text.Next)],
                        editsOf is null ? hooks : (options with { Edits = [.. options.Edits, .. Own(open, editsOf)] }).Hooks(model.Config),
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

    private static IEnumerable<Edit> Own(List<Text> open, Func<int, IReadOnlyList<Edit>> editsOf) =>
        open.SelectMany((text, s) => editsOf(text.Number).Select(edit => edit.OfSequence(s)));

    private sealed class Text(int[] prompt, GenerationOptions options, int number, int vocabulary)
    {
        private Sampler? _sampler;

        public int Number => number;

        public int[] Next { get; private set; } = [];

        public KvCache? Cache { get; private set; }

        public List<int> Written { get; } = [];

        public bool IsDone { get; private set; }

        /// <summary>Begins behind what a cache has seen of the prompt.</summary>
        public void Begin(KvCache cache) => (Cache, Next) = (cache, prompt[cache.Length..]);

        /// <summary>What the last pass has read of it.</summary>
        public TokensRead ReadFrom(int row) => new(number, row, Cache!.Length - Next.Length, Next, Written.Count > 0);

        public void End() => IsDone = true;

        public void Take(ReadOnlySpan<float> logits, HashSet<int> stops, int most, int context)
        {
            if (_sampler is null)
            {
                _sampler = new Sampler(options, vocabulary);
                _sampler.Saw(prompt);
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
