using System.Text.Json.Serialization;
using GemmaScope.Lenses;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="LensShowJob"/> does.</summary>
public sealed record LensShowJobOptions
{
    /// <summary>Tokens of a text at most: the picture has a column for each.</summary>
    public const int MostTokens = 512;

    /// <summary>The text, or with <see cref="Chat"/> a user's message.</summary>
    public required string Text { get; init; }

    /// <summary>Whether the text is a message to a model that was tuned to chat.</summary>
    public bool Chat { get; init; }

    /// <summary>Whether a BOS is put in front.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>Likeliest words that are kept of each cell.</summary>
    public int Top { get; init; } = 5;

    /// <summary>Tokens, as texts, whose probabilities are followed through the layers.</summary>
    public IReadOnlyList<string> Watch { get; init; } = [];

    /// <summary>Refuses what cannot be.</summary>
    /// <exception cref="ArgumentProblemException">An option is out of range.</exception>
    public void Check()
    {
        if (Top is < 1 or > 100)
            throw new ArgumentProblemException("must be from 1 to 100", new Setting(nameof(Top)));
    }
}

/// <summary>A token with its probability.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Piece">Its piece.</param>
/// <param name="Probability">Its probability.</param>
public sealed record LensWord(int Id, string Piece, double Probability);

/// <summary>A word that is followed.</summary>
/// <param name="Piece">Its piece.</param>
/// <param name="Probability">Its probability.</param>
/// <param name="Rank">How many tokens are likelier.</param>
public sealed record WatchedWord(string Piece, double Probability, int Rank);

/// <summary>What a lens reads after a layer at a token.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Top">The likeliest words.</param>
/// <param name="Answer">Probability of the model's own answer there.</param>
/// <param name="AnswerRank">How many tokens are likelier than that.</param>
/// <param name="Kl">KL(model ‖ lens) in nats.</param>
/// <param name="Watched">The words that are followed.</param>
public sealed record ShownCell(
    int Layer,
    IReadOnlyList<LensWord> Top,
    double Answer,
    int AnswerRank,
    double Kl,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<WatchedWord>? Watched
);

/// <summary>A token with what is read behind it.</summary>
/// <param name="Position">Its position.</param>
/// <param name="Id">Its id.</param>
/// <param name="Piece">Its piece.</param>
/// <param name="Answer">What the model says next.</param>
/// <param name="Appears">The first layer after which that is the likeliest.</param>
/// <param name="Settles">The first layer from which on it stays so.</param>
/// <param name="Overridden">What an earlier layer was disposed to say and a later one overrode, or null.</param>
/// <param name="OverriddenLayer">After which layer that was strongest.</param>
/// <param name="Cells">Layer by layer.</param>
public sealed record ShownToken(
    int Position,
    int Id,
    string Piece,
    LensWord Answer,
    int Appears,
    int Settles,
    LensWord? Overridden,
    int? OverriddenLayer,
    IReadOnlyList<ShownCell> Cells
);

/// <summary>A text read through a lens.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Lens">logit, jacobian or tuned.</param>
/// <param name="LensFile">Its file, or null.</param>
/// <param name="LensPrompts">Prompts it was fitted on, or null.</param>
/// <param name="Layers">The layers read, the model's last one at the end: that row is the model's own prediction.</param>
/// <param name="Tokens">Token by token.</param>
public sealed record LensShowResult(
    string Model,
    string Lens,
    string? LensFile,
    int? LensPrompts,
    IReadOnlyList<int> Layers,
    IReadOnlyList<ShownToken> Tokens
)
{
    /// <summary>What the lens is, in words.</summary>
    [JsonIgnore]
    public string Described => $"{Lens} lens{(LensPrompts is { } prompts ? $" of {prompts} prompts" : "")}";
}

/// <summary>Reads a text through a lens: what the model is disposed to say after every layer at every token.</summary>
public static class LensShowJob
{
    /// <summary>Reads.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="lens">The lens.</param>
    /// <param name="options">The text.</param>
    /// <param name="progress">Told what the user should know.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">The text is too long, a word is no token, or the lens is of another model.</exception>
    public static Task<LensShowResult> RunAsync(
        Microscope microscope,
        Lens lens,
        LensShowJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(microscope);
        ArgumentNullException.ThrowIfNull(lens);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        return Task.Run(
            () =>
            {
                var model = microscope.Model;
                foreach (var note in LensChoice.Notes(lens, model, microscope.ModelName))
                    progress.Note(note);
                var tokens = Encode(model, options.Text, options.Chat, options.AddBos);
                progress.NoteWrittenBos(tokens, model.Tokenizer.BosId);
                return Read(microscope.ModelName, model, lens, tokens, options.Top, options.Watch, [], cancellationToken);
            },
            CancellationToken.None
        );
    }

    /// <summary>Reads tokens.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="model">The model.</param>
    /// <param name="lens">The lens.</param>
    /// <param name="tokens">Token ids, BOS included.</param>
    /// <param name="top">Likeliest words that are kept of each cell.</param>
    /// <param name="watch">Words that are followed.</param>
    /// <param name="edits">Changes on the way.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public static LensShowResult Read(
        string name,
        GemmaModel model,
        Lens lens,
        int[] tokens,
        int top,
        IReadOnlyList<string> watch,
        IReadOnlyList<Edit> edits,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(lens);
        ArgumentNullException.ThrowIfNull(tokens);
        int[] watched = [.. watch.Select(word => LensWords.Token(model, word))];
        var reading = LensReading.Read(model, lens, tokens, top, watched, edits, cancellationToken);
        return new(
            name,
            lens.Kind,
            lens.Origin.File,
            lens.Origin.Prompts,
            reading.Layers,
            [
                .. reading.Paths.Select(path => new ShownToken(
                    path.Position,
                    tokens[path.Position],
                    model.Tokenizer.Piece(tokens[path.Position]),
                    Word(path.Answer),
                    path.Appears,
                    path.Settles,
                    path.Overridden is { } overridden ? Word(overridden) : null,
                    path.OverriddenLayer,
                    [.. reading.Layers.Select(layer => Cell(reading[layer, path.Position]))]
                )),
            ]
        );

        LensWord Word(TokenScore score) => new(score.Token, model.Tokenizer.Piece(score.Token), score.Probability ?? 0);

        ShownCell Cell(LensCell cell) =>
            new(
                cell.Layer,
                [.. cell.Top.Select(Word)],
                cell.Answer,
                cell.AnswerRank,
                cell.Kl,
                watched.Length == 0
                    ? null
                    : [.. cell.Watched.Select((one, i) => new WatchedWord(model.Tokenizer.Piece(watched[i]), one.Probability, one.Rank))]
            );
    }

    /// <summary>The tokens of a text.</summary>
    /// <exception cref="ArgumentProblemException">It is too long.</exception>
    public static int[] Encode(GemmaModel model, string text, bool chat, bool addBos)
    {
        ArgumentNullException.ThrowIfNull(model);
        var tokens = chat
            ? model.ChatTemplate.Encode(model.Tokenizer, [new ChatMessage("user", text)], addGenerationPrompt: true)
            : model.Tokenizer.Encode(text, addBos);
        var most = Math.Min(LensShowJobOptions.MostTokens, model.Config.MaxPositions);
        return tokens.Length <= most
            ? tokens
            : throw new ContextLengthException($"has {tokens.Length} tokens, at most {most} are shown; shorten it", "text");
    }
}
