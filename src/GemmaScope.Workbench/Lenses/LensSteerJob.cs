using GemmaScope.Behaviour;
using GemmaScope.Lenses;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="LensSteerJob"/> does.</summary>
public sealed record LensSteerJobOptions
{
    /// <summary>The text, or with <see cref="Chat"/> a user's message.</summary>
    public required string Text { get; init; }

    /// <summary>Whether the text is a message to a model that was tuned to chat.</summary>
    public bool Chat { get; init; }

    /// <summary>Whether a BOS is put in front.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>How the stream is changed.</summary>
    public LensEditKind Mode { get; init; } = LensEditKind.Steer;

    /// <summary>The words that are written with; a swap has one.</summary>
    public IReadOnlyList<string> Token { get; init; } = [];

    /// <summary>What a swap puts in its place.</summary>
    public string? To { get; init; }

    /// <summary>Strength; null for 0.5 where h is steered, else 1.</summary>
    public double? Strength { get; init; }

    /// <summary>After which layers, as they are typed; null for the middle one of those the lens has.</summary>
    public string? Layers { get; init; }

    /// <summary>At which positions; none for all but BOS.</summary>
    public IReadOnlyList<int> Positions { get; init; } = [];

    /// <summary>Whether written tokens are changed too.</summary>
    public bool Generated { get; init; }

    /// <summary>Whether directions carry the gains of the final norm.</summary>
    public bool WithGain { get; init; }

    /// <summary>Directions that are taken out by <see cref="LensEditKind.AblateTop"/>.</summary>
    public int Count { get; init; } = 10;

    /// <summary>Likeliest next tokens that are named.</summary>
    public int Top { get; init; } = 5;

    /// <summary>Random words that the change is repeated with, as a control.</summary>
    public int Controls { get; init; } = 8;

    /// <summary>How both texts are written.</summary>
    public GenerationOptions Sampling { get; init; } =
        new()
        {
            MaxNewTokens = 32,
            Temperature = 0,
            Seed = 16,
        };
}

/// <summary>The next word with and without a change through a lens, and both texts.</summary>
public sealed record LensSteerResult
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>What the lens is.</summary>
    public required string Lens { get; init; }

    /// <summary>Its file, or null.</summary>
    public string? LensFile { get; init; }

    /// <summary>How the stream was changed.</summary>
    public required string Mode { get; init; }

    /// <summary>The words.</summary>
    public required IReadOnlyList<string> Token { get; init; }

    /// <summary>What a swap put in its place.</summary>
    public string? To { get; init; }

    /// <summary>Strength.</summary>
    public required double Strength { get; init; }

    /// <summary>After which layers.</summary>
    public required IReadOnlyList<int> Layers { get; init; }

    /// <summary>KL(normal ‖ changed) of the next token in nats.</summary>
    public required double Kl { get; init; }

    /// <summary>Of each random word the same KL: what a change of this size does in any direction.</summary>
    public required IReadOnlyList<double> ControlKl { get; init; }

    /// <summary>The words that are written with, and what is put in their place, before and after.</summary>
    public required IReadOnlyList<WordShift> Words { get; init; }

    /// <summary>The likeliest next tokens.</summary>
    public required IReadOnlyList<LensWord> Normal { get; init; }

    /// <summary>The same with the change.</summary>
    public required IReadOnlyList<LensWord> Changed { get; init; }

    /// <summary>The text as the model goes on.</summary>
    public required string NormalText { get; init; }

    /// <summary>The same with the change.</summary>
    public required string ChangedText { get; init; }
}

/// <summary>A word's probability as the next one.</summary>
/// <param name="Piece">The word.</param>
/// <param name="Normal">Without the change.</param>
/// <param name="Changed">With it.</param>
public sealed record WordShift(string Piece, double Normal, double Changed);

/// <summary>Changes the residual stream along a lens's directions and shows what the model says next.</summary>
public static class LensSteerJob
{
    private const double SteeredStrength = 0.5;

    /// <summary>Changes, measures and writes.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="lens">The lens.</param>
    /// <param name="options">What is changed.</param>
    /// <param name="progress">Told what the user should know.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="ArgumentProblemException">A word is no token, or an option does not fit the model.</exception>
    public static Task<LensSteerResult> RunAsync(
        Microscope microscope,
        Lens lens,
        LensSteerJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(microscope);
        ArgumentNullException.ThrowIfNull(lens);
        ArgumentNullException.ThrowIfNull(options);
        return Task.Run(
            () =>
            {
                foreach (var note in LensChoice.Notes(lens, microscope.Model, microscope.ModelName))
                    progress.Note(note);
                return Run(microscope.ModelName, microscope.Model, lens, options, progress, cancellationToken);
            },
            CancellationToken.None
        );
    }

    /// <summary>The same, for whoever holds the model already.</summary>
    public static LensSteerResult Run(
        string name,
        GemmaModel model,
        Lens lens,
        LensSteerJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(lens);
        ArgumentNullException.ThrowIfNull(options);
        var prompt = LensShowJob.Encode(model, options.Text, options.Chat, options.AddBos);
        var edit = Edit(model, lens, options);
        if (edit is { Kind: LensEditKind.SwapCoordinates, Layers.Count: > 1 })
            progress.Note("a swap that is read anew at each layer undoes itself at every second one; the clamped swap does not");
        var edits = LensEdits.Of(model, lens, edit, prompt, cancellationToken);
        using var clean = model.Run(prompt, logits: LogitRows.Last, cancellationToken: cancellationToken);
        using var changed = model.Run(prompt, edits: edits, logits: LogitRows.Last, cancellationToken: cancellationToken);
        var shift = NextTokenShift.Measure(model, prompt, edits, options.Top, cancellationToken);
        return new()
        {
            Model = name,
            Lens = LensChoice.Describe(lens),
            LensFile = lens.Origin.File,
            Mode = LensEdits.Kinds.First(kind => kind.Value == edit.Kind).Key,
            Token = [.. edit.Tokens.Select(model.Tokenizer.Piece)],
            To = edit.Other is { } other ? model.Tokenizer.Piece(other) : null,
            Strength = edit.Strength,
            Layers = edit.Layers,
            Kl = shift.Kl,
            ControlKl = Controls(model, lens, options, edit, prompt, cancellationToken),
            Words =
            [
                .. edit
                    .Tokens.Concat(edit.Other is { } to ? [to] : [])
                    .Select(token => new WordShift(model.Tokenizer.Piece(token), Probability(clean, token), Probability(changed, token))),
            ],
            Normal = Words(shift.Normal),
            Changed = Words(shift.Edited),
            NormalText = Write(model, prompt, options.Sampling, cancellationToken),
            ChangedText = Write(model, prompt, options.Sampling with { Edits = edits }, cancellationToken),
        };

        LensWord[] Words(IReadOnlyList<TokenScore> scores) =>
            [.. scores.Select(score => new LensWord(score.Token, model.Tokenizer.Piece(score.Token), score.Value))];
    }

    private static LensEdit Edit(GemmaModel model, Lens lens, LensSteerJobOptions options)
    {
        var isTop = options.Mode == LensEditKind.AblateTop;
        if (!isTop && options.Token.Count == 0)
            throw new ArgumentProblemException("name the word to write with", new Setting(nameof(options.Token)));
        if (LensEdits.IsSwap(options.Mode) && (options.Token.Count != 1 || string.IsNullOrEmpty(options.To)))
            throw new ArgumentProblemException(
                "a swap is of one word and another",
                new Setting(nameof(options.To)),
                new Remedy($"give one {new Setting(nameof(options.Token))} and {new Setting(nameof(options.To))}")
            );
        var known = lens.LayersOf(model.Config);
        return new()
        {
            Kind = options.Mode,
            Tokens = isTop ? [] : [.. options.Token.Select(word => LensWords.Token(model, word))],
            Other = LensEdits.IsSwap(options.Mode) ? LensWords.Token(model, options.To!) : null,
            Strength = options.Strength ?? (options.Mode == LensEditKind.Steer ? SteeredStrength : 1),
            Layers = options.Layers is { } layers ? LensWords.Layers(layers, model.Config.Layers) : [known[known.Count / 2]],
            Positions = options.Positions.Count > 0 ? options.Positions : null,
            Generated = options.Generated,
            WithGain = options.WithGain,
            Count = options.Count,
        };
    }

    /// <summary>The same change with random words: what a change of this size does whatever the word.</summary>
    private static double[] Controls(
        GemmaModel model,
        Lens lens,
        LensSteerJobOptions options,
        LensEdit edit,
        int[] prompt,
        CancellationToken cancellationToken
    )
    {
        if (edit.Kind == LensEditKind.AblateTop)
            return [];
        var random = new Random(options.Sampling.Seed ?? 0);
        var draws = Enumerable
            .Range(0, Math.Max(options.Controls, 0))
            .Select(_ => edit with { Tokens = [.. edit.Tokens.Select(_ => Draw())], Other = edit.Other is null ? null : Draw() });
        return
        [
            .. draws
                .ToArray()
                .Select(draw =>
                    NextTokenShift
                        .Measure(model, prompt, LensEdits.Of(model, lens, draw, prompt, cancellationToken), 1, cancellationToken)
                        .Kl
                ),
        ];

        int Draw() => random.Next(model.Config.RealVocabulary);
    }

    private static double Probability(ModelRun run, int token)
    {
        var logits = run.LastLogits();
        double max = float.NegativeInfinity,
            sum = 0;
        foreach (var logit in logits)
            max = Math.Max(max, logit);
        foreach (var logit in logits)
            sum += Math.Exp(logit - max);
        return Math.Exp(logits[token] - max) / sum;
    }

    private static string Write(GemmaModel model, int[] prompt, GenerationOptions options, CancellationToken cancellationToken)
    {
        if (options.MaxNewTokens < 1)
            return "";
        using var text = new Continuation(model, prompt, options, skipSpecial: true, cancellationToken);
        while (text.Next() is not null) { }
        cancellationToken.ThrowIfCancellationRequested();
        return text.Text;
    }
}
