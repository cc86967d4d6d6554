using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="TokenizeJob"/> does.</summary>
public sealed record TokenizeJobOptions
{
    /// <summary>The text.</summary>
    public required string Text { get; init; }

    /// <summary>Whether a BOS is put in front, as the models expect.</summary>
    public bool AddBos { get; init; } = true;
}

/// <summary>A token of a text.</summary>
/// <param name="Position">Position in the sequence.</param>
/// <param name="Id">Token id.</param>
/// <param name="Piece">The piece as the vocabulary has it.</param>
/// <param name="Start">Its first UTF-16 unit in the text.</param>
/// <param name="End">The unit after its last.</param>
public sealed record TextToken(int Position, int Id, string Piece, int Start, int End);

/// <summary>A text cut into tokens.</summary>
/// <param name="Tokenizer">The tokenizer's file.</param>
/// <param name="Text">The text.</param>
/// <param name="Tokens">Its tokens.</param>
public sealed record TokenizeResult(string Tokenizer, string Text, IReadOnlyList<TextToken> Tokens);

/// <summary>A text put together from ids.</summary>
/// <param name="Tokenizer">The tokenizer's file.</param>
/// <param name="Ids">The ids.</param>
/// <param name="Text">Their text.</param>
public sealed record DecodeResult(string Tokenizer, IReadOnlyList<int> Ids, string Text);

/// <summary>Cuts a text into tokens.</summary>
public static class TokenizeJob
{
    /// <summary>Cuts a text of any length.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="options">The text.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops waiting: a tokenizer knows no cancellation, and who interrupts does not wait for the end of a
    /// large text.</param>
    public static Task<TokenizeResult> RunAsync(
        Tokenizer tokenizer,
        TokenizeJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        progress.Stage("cutting");
        return Task.Run(
                () =>
                {
                    var tokens = tokenizer.EncodeWithOffsets(options.Text, options.AddBos);
                    return new TokenizeResult(
                        tokenizer.File,
                        tokens.Text,
                        [
                            .. tokens.Ids.Select(
                                (id, i) => new TextToken(i, id, tokenizer.Piece(id), tokens.Spans[i].Start, tokens.Spans[i].End)
                            ),
                        ]
                    );
                },
                cancellationToken
            )
            .WaitAsync(cancellationToken);
    }
}
