using GemmaScope.Files;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Models;

/// <summary>Settings of <see cref="GemmaModel.Load"/>.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>Whether every weight is read once to find NaN and infinity. Null: yes if the weights fit into half of the free memory,
    /// where the reading warms the page cache for the first run; but not experts and tables of embeddings for each layer, of which a run reads
    /// little.</summary>
    public bool? CheckFinite { get; init; }

    /// <summary>Another file than config.json in the model's folder.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>How the model computes where a run does not say it; null for the process's default.</summary>
    public Arithmetic? Arithmetic { get; init; }

    /// <summary>Where the matrices lie while the model runs.</summary>
    public WeightStorage Storage { get; init; }

    /// <summary>Whether a file without the final norm is read, whose residual stream alone is wanted.</summary>
    internal bool MayLackFinalNorm { get; init; }
}

/// <summary>
/// A Gemma 2, 3 or 4 text model with every activation site open. Weights are mapped from their files in the stored type and
/// shared by all runs; runs may be made from several threads.
/// </summary>
public sealed partial class GemmaModel : IDisposable
{
    private readonly GemmaWeights _weights;
    private readonly RotaryTables _rotary;
    private readonly Stack<Workspace> _workspaces = new();
    private readonly Lazy<Tokenizer> _tokenizer;
    private readonly Lazy<ChatTemplate> _chatTemplate;

    private readonly ModelOrigin _origin;

    private GemmaModel(ModelOrigin origin, GemmaConfig config, GemmaWeights weights, Arithmetic arithmetic, IReadOnlyList<string> notes)
    {
        (_origin, Config, _weights, Arithmetic, Notes) = (origin, config, weights, arithmetic, notes);
        _tokenizer = new Lazy<Tokenizer>(LoadTokenizer);
        _chatTemplate = new Lazy<ChatTemplate>(() => origin.Template(config.ModelType, config.PerLayer is not null));
        _rotary = new RotaryTables(config);
    }

    /// <summary>How runs compute that do not say it.</summary>
    public Arithmetic Arithmetic { get; }

    /// <summary>The mapped weights, for steps through the layers that are no run.</summary>
    internal GemmaWeights Weights => _weights;

    /// <summary>The folder the model was read from, or that of its GGUF file.</summary>
    public string Folder => _origin.Folder;

    /// <summary>The folder or GGUF file the model was read from.</summary>
    public string Path => _origin.Path;

    /// <summary>google/gemma-2-2b for a snapshot of a hub cache, else the name of the folder or file.</summary>
    internal string Name => _origin.Name;

    /// <summary>The name that says which Gemma it is, and what it says; null where none does.</summary>
    internal (string Name, GemmaName Meaning)? KnownAs =>
        _origin.Names.Select(name => (name, GemmaName.Of(name))).FirstOrDefault(one => one.Item2 is not null) is (var name, { } meaning)
            ? (name, meaning)
            : null;

    /// <summary>The name of its folder or file.</summary>
    internal string FileName =>
        System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(_origin.Path)));

    /// <summary>SHA-256 of its settings: of config.json, or of the header of a GGUF file.</summary>
    /// <exception cref="FileFormatException">The file cannot be read.</exception>
    public string SettingsHash => _origin.SettingsHash();

    /// <summary>The files that make the model what it is, the settings first.</summary>
    internal IReadOnlyList<string> Files => _origin.Files;

    /// <summary>Whether it brings a chat template that writes messages.</summary>
    /// <exception cref="FileFormatException">Its file is damaged.</exception>
    public bool HasChatTemplate => _origin.HasChatTemplate;

    /// <summary>Shape and constants.</summary>
    public GemmaConfig Config { get; }

    /// <summary>Stored type of the weights (of the embedding table, where they are mixed).</summary>
    public DType WeightType => _weights.Type;

    /// <summary>Bytes of the weights in their files, which are mapped.</summary>
    public long WeightBytes => _weights.Bytes;

    /// <summary>Whether matrices are used from copies in memory, or will be when text is written and memory is free: how it was loaded, or
    /// <see cref="WeightStorage.Mapped"/> where copies would gain nothing.</summary>
    public WeightStorage Storage =>
        _weights.Copies is not { } copies ? WeightStorage.Mapped
        : copies.IsAutomatic ? WeightStorage.Automatic
        : WeightStorage.Private;

    /// <summary>Bytes of the matrices that were copied into memory so far (<see cref="ModelLoadOptions.Storage"/>); 0 where all are used from
    /// their files.</summary>
    public long PrivateWeightBytes => _weights.Copies?.Bytes ?? 0;

    /// <summary>Number of weights.</summary>
    public long Parameters => _weights.Parameters;

    /// <summary>How many bytes of the weights have which type, most first.</summary>
    public IReadOnlyList<(DType Type, long Bytes)> WeightTypes => _weights.Types;

    /// <summary>The block types among these: what its matrices are quantised to; empty where they are stored as numbers of their own.</summary>
    public IReadOnlyList<DType> QuantisedTypes => [.. WeightTypes.Select(part => part.Type).Where(type => type.IsBlockType())];

    /// <summary>The model's own tokenizer, read from its folder on first use.</summary>
    /// <exception cref="FileFormatException">The folder has none, or one that does not fit the embedding.</exception>
    public Tokenizer Tokenizer => _tokenizer.Value;

    /// <summary>What its settings ask for and is not done, and keys of <c>config.json</c> that nobody knows, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>How it reads conversations: its own template, where its folder has one that differs from the known one of its
    /// type.</summary>
    /// <exception cref="FileFormatException">Its own template cannot be used.</exception>
    public ChatTemplate ChatTemplate => _chatTemplate.Value;

    /// <summary>Loads a model from a folder with config.json and safetensors weights, from a GGUF file, or from the hub (cache
    /// first).</summary>
    /// <param name="nameOrPath">A folder, a GGUF file (of a split one the first shard), <c>demo-pt</c> or <c>demo-it</c>
    /// (<see cref="DemoFiles"/>), <c>org/name[@revision]</c>, or <c>org/name[@revision]/file.gguf</c>.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told how far a download is.</param>
    /// <param name="cancellationToken">Interrupts a download, which is continued the next time, or the loading.</param>
    /// <exception cref="GemmaScopeException">Something is missing, malformed or does not fit together; the message names the file and
    /// tensor.</exception>
    public static GemmaModel Load(
        string nameOrPath,
        ModelLoadOptions? options = null,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new ModelLoadOptions();
        var path = Hub.ResolveModel(nameOrPath, progress: progress, cancellationToken: cancellationToken).Path;
        var origin = ModelOrigin.At(path, options.ConfigFile);
        var config = origin.Config();
        string[] notes = [.. config.Warnings, .. origin.Notes];
        var check = options.CheckFinite ?? origin.WeightFileBytes < GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
        var weights = GemmaWeights.Load(origin.Open(), config, check, options.MayLackFinalNorm, checkAll: options.CheckFinite is true);
        try
        {
            weights.Place(options.Storage, cancellationToken);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
        return new GemmaModel(origin, config, weights, options.Arithmetic ?? Compute.DefaultArithmetic, notes);
    }

    /// <summary>The model with weights in memory that cannot write along a direction; this one must outlive it.</summary>
    /// <param name="direction">The direction.</param>
    /// <param name="alsoUnembedding">Whether the head is edited too, as happens when a tied table is edited in place.</param>
    internal GemmaModel Orthogonalised(float[] direction, bool alsoUnembedding) =>
        new(_origin, Config, _weights.Orthogonalised(direction, alsoUnembedding), Arithmetic, Notes);

    /// <summary>An empty cache for one sequence.</summary>
    public KvCache NewCache() => new(Config);

    /// <summary>Runs a text, which gets a BOS in front; see the overload for several sequences.</summary>
    public ModelRun Run(
        string text,
        IEnumerable<Site>? capture = null,
        IEnumerable<Edit>? edits = null,
        LogitRows logits = LogitRows.Automatic,
        Site? stopAfter = null,
        Arithmetic? arithmetic = null,
        CancellationToken cancellationToken = default
    ) => Run(Tokenizer.Encode(text, addBos: true), capture, edits, null, logits, stopAfter, arithmetic, cancellationToken);

    /// <summary>Runs one sequence; see the overload for several.</summary>
    public ModelRun Run(
        int[] tokens,
        IEnumerable<Site>? capture = null,
        IEnumerable<Edit>? edits = null,
        KvCache? cache = null,
        LogitRows logits = LogitRows.Automatic,
        Site? stopAfter = null,
        Arithmetic? arithmetic = null,
        CancellationToken cancellationToken = default
    ) => Run([tokens], capture, edits, cache is null ? null : [cache], logits, stopAfter, arithmetic, cancellationToken);

    /// <summary>
    /// Runs the model: the one way through it. Several sequences share one pass over the weights; none is padded.
    /// </summary>
    /// <param name="sequences">Token ids of each sequence, BOS included where wanted; with caches only the new tokens.</param>
    /// <param name="capture">Sites whose activations are kept in the result, as they are after edits.</param>
    /// <param name="edits">Changes made to activations on the way, in this order at each site.</param>
    /// <param name="caches">One cache for each sequence, continued and extended by this run; null for none.</param>
    /// <param name="logits">Which positions get logits.</param>
    /// <param name="stopAfter">Computes nothing after this site. Without it, a run without logits and caches stops after the last site
    /// captured.</param>
    /// <param name="arithmetic">Exact or fast; null for the model's own.</param>
    /// <param name="cancellationToken">Stops the run between layers; caches are left as they were.</param>
    /// <exception cref="ArgumentProblemException">A token, site, edit, length or combination that this model cannot run.</exception>
    public ModelRun Run(
        IReadOnlyList<int[]> sequences,
        IEnumerable<Site>? capture = null,
        IEnumerable<Edit>? edits = null,
        IReadOnlyList<KvCache>? caches = null,
        LogitRows logits = LogitRows.Automatic,
        Site? stopAfter = null,
        Arithmetic? arithmetic = null,
        CancellationToken cancellationToken = default
    ) =>
        Run(
            sequences,
            new RunHooks(Config, capture ?? [], edits ?? []),
            caches,
            logits,
            stopAfter,
            resume: null,
            arithmetic,
            cancellationToken
        );

    /// <summary>Runs what comes after a point of an earlier run of the same sequences, with edits from there on, to logits.</summary>
    internal ModelRun Resume(
        IReadOnlyList<int[]> sequences,
        ResumePoint? point,
        IEnumerable<Edit> edits,
        LogitRows logits,
        Arithmetic? arithmetic,
        CancellationToken cancellationToken
    ) =>
        Run(
            sequences,
            new RunHooks(Config, [], edits),
            caches: null,
            logits,
            stopAfter: null,
            // Layers that read more than the residual stream need what comes before the point, which is the same again.
            Config.LayersStandAlone
                ? point
                : null,
            arithmetic,
            cancellationToken
        );

    /// <summary>Finds out whether the files of the weights are still whole, as each run does before it begins.</summary>
    /// <exception cref="FileFormatException">One was cut short: to read on would end the process.</exception>
    public void RequireWhole() => _weights.RequireWhole();

    /// <summary>The same with hooks that may serve run after run, as long as they capture nothing.</summary>
    internal ModelRun Run(
        IReadOnlyList<int[]> sequences,
        RunHooks hooks,
        IReadOnlyList<KvCache>? caches,
        LogitRows logits,
        Site? stopAfter,
        ResumePoint? resume,
        Arithmetic? arithmetic,
        CancellationToken cancellationToken
    )
    {
        RequireWhole();
        Check(sequences, caches);
        logits = Resolve(logits, hooks, stopAfter);
        if (stopAfter is { } stop)
        {
            if (!Config.Has(stop))
                throw new ArgumentProblemException($"the model has no such site (layers 0 to {Config.Layers - 1})", stop.ToString());
            if (logits != LogitRows.None)
                throw new ArgumentProblemException($"stops at {stop}, before the logits that were asked for", "stopAfter");
            if (caches is not null)
                throw new ArgumentProblemException("cannot be combined with a cache, which needs every layer", "stopAfter");
        }
        if (logits == LogitRows.None && caches is null)
            stopAfter ??= hooks.Last;

        var workspace = Rent();
        var run = new RunSequences(sequences, caches);
        var used = arithmetic ?? Arithmetic;
        try
        {
            var pass = new ForwardPass(Config, _weights, _rotary, workspace, hooks, run, used, cancellationToken);
            var residual = pass.Layers(stopAfter, resume);
            if (caches is not null && run.TotalRows == run.Count)
                _weights.Copies?.Decoded();
            var scores = logits == LogitRows.None ? null : pass.Logits(residual, logits);
            run.Advance();
            return new ModelRun(Config, sequences, used, hooks.Captured(), scores, logits);
        }
        catch
        {
            foreach (var tensor in hooks.Captured().Values.SelectMany(t => t))
                tensor?.Dispose();
            foreach (var cache in caches ?? [])
                cache.RollBack();
            throw;
        }
        finally
        {
            Return(workspace);
        }
    }

    /// <summary>Unmaps the weights; runs and caches made earlier keep what they hold.</summary>
    public void Dispose()
    {
        lock (_workspaces)
            while (_workspaces.TryPop(out var workspace))
                workspace.Dispose();
        _weights.Dispose();
    }

    private static LogitRows Resolve(LogitRows asked, RunHooks hooks, Site? stopAfter)
    {
        if (asked != LogitRows.Automatic)
        {
            if (
                asked == LogitRows.None
                && hooks.Last is { Kind: SiteKind.LogitsRaw or SiteKind.Logits or SiteKind.FinalNormOut or SiteKind.LnFinalNormalized } late
            )
                throw new ArgumentProblemException("is computed only with logits; ask for logits: LogitRows.All or Last", late.ToString());
            return asked;
        }
        if (stopAfter is not null)
            return LogitRows.None;
        if (hooks.Last is { } last && Site.IsFinal(last.Kind))
            return LogitRows.All;
        return hooks.Captures ? LogitRows.None : LogitRows.Last;
    }

    private void Check(IReadOnlyList<int[]> sequences, IReadOnlyList<KvCache>? caches)
    {
        if (sequences.Count == 0)
            throw new ArgumentProblemException("no sequence to run", "tokens");
        if (caches is not null && caches.Count != sequences.Count)
            throw new ArgumentProblemException($"{caches.Count} caches for {sequences.Count} sequences", "caches");
        if (caches is not null && caches.Distinct().Count() != caches.Count)
            throw new ArgumentProblemException("one cache stands for two sequences", "caches");
        for (var s = 0; s < sequences.Count; s++)
        {
            if (caches is not null && !ReferenceEquals(caches[s].Config, Config))
                throw new ArgumentProblemException("the cache belongs to another model", "caches");
            var tokens = sequences[s];
            var length = (caches?[s].Length ?? 0) + (long)tokens.Length;
            if (tokens.Length == 0)
                throw new ArgumentProblemException("the sequence has no tokens; start it with BOS", "tokens");
            if (length > Config.MaxPositions)
                throw new ArgumentProblemException(
                    $"{length} tokens are more than this model's context of {Config.MaxPositions}; shorten the text",
                    "tokens"
                );
            foreach (var token in tokens)
                if ((uint)token >= (uint)Config.VocabularyRows)
                    throw new ArgumentProblemException(
                        $"token {token} is outside the model's vocabulary of {Config.VocabularyRows}; the tokenizer does not belong to "
                            + "this model",
                        "tokens"
                    );
        }
    }

    private Tokenizer LoadTokenizer()
    {
        var tokenizer = _origin.Tokenizer();
        // Padded tables have some rows more than the vocabulary has pieces; anything else is another model's tokenizer.
        const int padding = 1024;
        var pieces = tokenizer.BaseVocabularySize;
        return pieces <= Config.VocabularyRows && pieces + padding >= Config.RealVocabulary
            ? tokenizer
            : throw new FileFormatException(
                $"has {pieces} pieces, the model's embedding {Config.VocabularyRows} rows; it belongs to another model",
                tokenizer.File
            );
    }

    private Workspace Rent()
    {
        lock (_workspaces)
            return _workspaces.TryPop(out var workspace) ? workspace : new Workspace();
    }

    private void Return(Workspace workspace)
    {
        // A very long context's buffers are not worth keeping.
        if (workspace.Bytes > 256L << 20)
            workspace.Dispose();
        else
            lock (_workspaces)
                _workspaces.Push(workspace);
    }
}
