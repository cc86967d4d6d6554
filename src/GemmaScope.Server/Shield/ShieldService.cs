using GemmaScope.Dictionaries;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;

namespace GemmaScope.Server.Shield;

/// <summary>ShieldGemma behind a queue: callers that wait are judged together. Dispose of one that was loaded; one of a model and queue
/// of the caller's owns nothing.</summary>
public sealed class ShieldService : IDisposable
{
    /// <summary>Tokens judged in one go: the model gains little beyond, and others have to wait for all of it.</summary>
    private const int TokensTogether = 4096;

    private readonly ShieldGemma _shield;
    private readonly ModelQueue _queue;
    private readonly bool _owned;
    private readonly ModelBatch<IReadOnlyList<ShieldQuestion>, IReadOnlyList<ShieldVerdict>> _batch;

    /// <summary>Uses a model that the caller keeps, by way of a queue.</summary>
    /// <param name="shield">The model.</param>
    /// <param name="queue">The queue to it.</param>
    /// <param name="policies">The policies that can be asked about; null for the four official ones.</param>
    /// <param name="options">How they are asked; null for the defaults, hardened.</param>
    public ShieldService(ShieldGemma shield, ModelQueue queue, IReadOnlyList<ShieldPolicy>? policies = null, ShieldOptions? options = null)
    {
        (_shield, _queue, Policies, Options) = (
            shield,
            queue,
            policies ?? ShieldPolicy.Official,
            options ?? new ShieldOptions { Hardened = true }
        );
        _batch = new(Together, questions => questions.Sum(question => question.Tokens), TokensTogether);
    }

    private ShieldService(ShieldGemma shield, ModelQueue queue, IReadOnlyList<ShieldPolicy>? policies, ShieldOptions? options, bool owned)
        : this(shield, queue, policies, options) => _owned = owned;

    /// <summary>Loads a model and puts a queue before it, in which as many wait as a server lets wait, and as long
    /// (<see cref="ServerOptions"/>).</summary>
    /// <param name="model">A folder, <c>demo-it</c>, or <c>org/name[@revision]</c> on the hub, such as <c>google/shieldgemma-2b</c>.</param>
    /// <param name="policies">The policies that can be asked about; null for the four official ones.</param>
    /// <param name="options">How they are asked; null for the defaults, hardened.</param>
    /// <param name="cancellationToken">Interrupts a download, which is continued the next time.</param>
    /// <exception cref="GemmaScopeException">The model cannot be had or read.</exception>
    public static ShieldService Load(
        string model,
        IReadOnlyList<ShieldPolicy>? policies = null,
        ShieldOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var limits = new ServerOptions();
        var shield = ShieldGemma.Load(model, cancellationToken: cancellationToken);
        return new(shield, new ModelQueue(limits.QueueLength, limits.TimeLimit), policies, options, owned: true);
    }

    /// <summary>The policies that can be asked about.</summary>
    public IReadOnlyList<ShieldPolicy> Policies { get; }

    /// <summary>How they are asked where a request does not say.</summary>
    public ShieldOptions Options { get; }

    /// <summary>The form in which the model is asked where a request does not say.</summary>
    public ShieldTemplate Template => _shield.TemplateOf(Options);

    /// <summary>Makes a text ready; see <see cref="ShieldGemma.Prepare"/>.</summary>
    public ShieldQuestion Prepare(
        string prompt,
        string? response = null,
        IReadOnlyList<ShieldPolicy>? policies = null,
        ShieldOptions? options = null
    ) => _shield.Prepare(prompt, response, policies ?? Policies, options ?? Options);

    /// <summary>Judges texts, together with those of other callers that wait.</summary>
    /// <param name="source">Who asks; sources take turns.</param>
    /// <param name="questions">Prepared texts.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the verdicts any more.</param>
    /// <exception cref="QueueFullException">Too many wait.</exception>
    /// <exception cref="TimeOverException">They were not judged in time.</exception>
    public Task<IReadOnlyList<ShieldVerdict>> JudgeAsync(
        string source,
        IReadOnlyList<ShieldQuestion> questions,
        CancellationToken cancellationToken = default
    ) => _queue.RunAsync(source, _batch, questions, cancellationToken);

    /// <summary>Explains the likeliest policy of a verdict, or the one asked for.</summary>
    /// <param name="source">Who asks; sources take turns.</param>
    /// <param name="verdict">The verdict.</param>
    /// <param name="dictionary">The dictionary; see <see cref="VerdictExplainer.Explain"/>.</param>
    /// <param name="policy">Which of the verdict's policies, by number; null for the likeliest.</param>
    /// <param name="remove">How many of the strongest features are removed to measure what they do, at the price of a run for each.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for it any more.</param>
    public Task<VerdictExplanation> ExplainAsync(
        string source,
        ShieldVerdict verdict,
        SparseDictionary dictionary,
        int? policy = null,
        int remove = 0,
        CancellationToken cancellationToken = default
    ) =>
        _queue.RunAsync(
            source,
            turn => VerdictExplainer.Explain(_shield, dictionary, verdict.Question, policy ?? verdict.LikeliestPolicy, remove, turn),
            cancellationToken
        );

    /// <summary>Frees the model and ends the queue, where they were loaded for it.</summary>
    public void Dispose()
    {
        if (!_owned)
            return;
        _queue.Dispose();
        _shield.Dispose();
    }

    private IReadOnlyList<ShieldVerdict>[] Together(
        IReadOnlyList<IReadOnlyList<ShieldQuestion>> callers,
        CancellationToken cancellationToken
    )
    {
        var verdicts = _shield.Score([.. callers.SelectMany(questions => questions)], cancellationToken);
        var split = new IReadOnlyList<ShieldVerdict>[callers.Count];
        var taken = 0;
        foreach (var (i, questions) in callers.Index())
        {
            split[i] = [.. verdicts.Skip(taken).Take(questions.Count)];
            taken += questions.Count;
        }
        return split;
    }
}
