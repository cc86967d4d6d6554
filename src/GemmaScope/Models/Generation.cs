using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>How tokens are chosen and when to stop.</summary>
public sealed record GenerationOptions
{
    /// <summary>New tokens at most; the context of the model ends a generation too.</summary>
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>Logits are divided by it before sampling; 0 takes the most likely token (greedy), where the other sampling options but the
    /// penalties are ignored.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only the k most likely tokens are candidates; 0 for all.</summary>
    public int TopK { get; init; }

    /// <summary>Only the most likely tokens whose probabilities reach p together are candidates; 1 for all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Logits of tokens seen in prompt and answer are divided by it if positive and multiplied if negative; 1 for none.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted from a token's logit, before temperature, once for each time it stood in prompt or answer; 0 for none.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Seed of the sampling; null draws one. The same seed, prompt, model and kernels give the same text.</summary>
    public int? Seed { get; init; }

    /// <summary>Ids that end the generation (not returned); null for the model's own end tokens.</summary>
    public IReadOnlyCollection<int>? StopTokens { get; init; }

    /// <summary>Changes made to activations at every step; positions are absolute.</summary>
    public IReadOnlyList<Edit> Edits { get; init; } = [];

    /// <summary>Who looks on and may end a text; null for nobody.</summary>
    public GenerationObserver? Observer { get; init; }

    /// <summary>Exact or fast; null for the process's choice.</summary>
    public Arithmetic? Arithmetic { get; init; }

    /// <summary>Who listens at which site, the same at each step: whoever looks on sees what edits have left.</summary>
    internal RunHooks Hooks(GemmaConfig config) => new(config, [], [.. Edits, .. Observer?.Taps ?? []]);

    internal void Check()
    {
        Require(MaxNewTokens >= 0, "max tokens", MaxNewTokens, "0 or more");
        Require(Temperature >= 0 && double.IsFinite(Temperature), "temperature", Temperature, "0 (greedy) or above");
        Require(TopK >= 0, "top-k", TopK, "0 (all) or more");
        Require(TopP is > 0 and <= 1, "top-p", TopP, "above 0 and at most 1");
        Require(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty), "repetition penalty", RepetitionPenalty, "above 0");

        Require(double.IsFinite(FrequencyPenalty), "frequency penalty", FrequencyPenalty, "a finite number");

        static void Require(bool holds, string name, double value, string range)
        {
            if (!holds)
                throw new ArgumentProblemException($"is {value}; it must be {range}", name);
        }
    }
}

/// <summary>Generation of text, token by token.</summary>
public static class Generation
{
    /// <summary>
    /// Continues a prompt; yields each new token as soon as it is chosen. Enumerate lazily to stream; breaking off is the way to stop
    /// early.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">Token ids, BOS included; with a cache only those it has not seen.</param>
    /// <param name="options">Sampling and stopping.</param>
    /// <param name="cache">A cache to continue and extend (a chat keeps one); null for a temporary one. All returned tokens but the last
    /// are in it afterwards.</param>
    /// <param name="cancellationToken">Stops between tokens and inside a long prompt.</param>
    /// <exception cref="ArgumentProblemException">An option is out of range or the prompt cannot be run.</exception>
    public static IEnumerable<int> Generate(
        this GemmaModel model,
        int[] prompt,
        GenerationOptions? options = null,
        KvCache? cache = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new GenerationOptions();
        options.Check();
        var length = (cache?.Length ?? 0) + (long)prompt.Length;
        if (length > model.Config.MaxPositions)
            throw new ArgumentProblemException(
                $"has {length} tokens, more than this model's context of {model.Config.MaxPositions}; shorten it",
                "prompt"
            );
        return Steps(model, prompt, options, cache, cancellationToken);
    }

    private static IEnumerable<int> Steps(
        GemmaModel model,
        int[] prompt,
        GenerationOptions options,
        KvCache? given,
        CancellationToken cancellationToken
    )
    {
        var cache = given ?? model.NewCache();
        try
        {
            var sampler = new Sampler(options, model.Config.RealVocabulary);
            sampler.Saw(prompt);
            var stops = (options.StopTokens ?? model.Config.EosIds).ToHashSet();
            var hooks = options.Hooks(model.Config);
            options.Observer?.Begin(1);
            var next = prompt;
            for (var made = 0; made < options.MaxNewTokens && cache.Length + next.Length <= model.Config.MaxPositions; made++)
            {
                int token;
                using (
                    var run = model.Run(
                        [next],
                        hooks,
                        [cache],
                        LogitRows.Last,
                        stopAfter: null,
                        resume: null,
                        options.Arithmetic,
                        cancellationToken
                    )
                )
                {
                    if (options.Observer?.Read(new(0, 0, cache.Length - next.Length, next, made > 0)) == false)
                        yield break;
                    token = sampler.Choose(run.LastLogits());
                }
                if (stops.Contains(token))
                    yield break;
                yield return token;
                sampler.Saw([token]);
                next = [token];
            }
        }
        finally
        {
            if (given is null)
                cache.Dispose();
        }
    }
}
