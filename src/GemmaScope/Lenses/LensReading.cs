using System.Numerics.Tensors;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Lenses;

/// <summary>What a lens reads after one block at one position.</summary>
/// <param name="Layer">The block.</param>
/// <param name="Position">The position.</param>
/// <param name="Top">The likeliest tokens with their probabilities over the whole vocabulary.</param>
/// <param name="Answer">Probability of the token that the model itself predicts there.</param>
/// <param name="AnswerRank">How many tokens are likelier than that one.</param>
/// <param name="Kl">KL(model ‖ lens) in nats.</param>
/// <param name="Watched">Probability and rank of each token that is watched.</param>
public sealed record LensCell(
    int Layer,
    int Position,
    IReadOnlyList<TokenScore> Top,
    double Answer,
    int AnswerRank,
    double Kl,
    IReadOnlyList<(double Probability, int Rank)> Watched
);

/// <summary>How one position comes to its answer.</summary>
/// <param name="Position">The position.</param>
/// <param name="Answer">The token that the model predicts, with its probability.</param>
/// <param name="Appears">The first block after which it is the likeliest; the last block at the latest.</param>
/// <param name="Settles">The first block from which on it stays the likeliest.</param>
/// <param name="Overridden">The likeliest token of an earlier block that a later one overrode: the most probable that was neither the answer nor
/// the token that stands there, which early blocks repeat; null where none reached <see cref="LensReading.Disposed"/>.</param>
/// <param name="OverriddenLayer">After which block it was strongest.</param>
public sealed record LensPath(int Position, TokenScore Answer, int Appears, int Settles, TokenScore? Overridden, int? OverriddenLayer);

/// <summary>A sequence read through a lens: every token after every block.</summary>
public sealed class LensReading
{
    /// <summary>How probable a word has to be under a lens to be called one that the model was disposed to say.</summary>
    public const double Disposed = 0.1;

    // Logits of many positions of a large vocabulary are hundreds of megabytes.
    private const int RowsAtOnce = 32;

    private readonly Dictionary<int, LensCell[]> _rows;

    private LensReading(int[] tokens, Dictionary<int, LensCell[]> rows, int last)
    {
        (Tokens, _rows) = (tokens, rows);
        Layers = [.. rows.Keys.Order()];
        Paths = [.. Enumerable.Range(0, tokens.Length).Select(position => Path(position, last))];
    }

    /// <summary>The sequence.</summary>
    public IReadOnlyList<int> Tokens { get; }

    /// <summary>The blocks read, the model's last one at the end.</summary>
    public IReadOnlyList<int> Layers { get; }

    /// <summary>Of each position how it comes to its answer.</summary>
    public IReadOnlyList<LensPath> Paths { get; }

    /// <summary>What is read after a block at a position.</summary>
    public LensCell this[int layer, int position] => _rows[layer][position];

    /// <summary>What is read after a block, position by position.</summary>
    public IReadOnlyList<LensCell> Row(int layer) => _rows[layer];

    /// <summary>Reads a sequence.</summary>
    /// <param name="model">The model.</param>
    /// <param name="lens">The lens; blocks that it has no map for are left out.</param>
    /// <param name="tokens">Token ids, BOS included.</param>
    /// <param name="top">Likeliest tokens that are kept.</param>
    /// <param name="watched">Tokens whose probabilities are kept beside.</param>
    /// <param name="edits">Changes on the way, made before they are read.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public static LensReading Read(
        GemmaModel model,
        Lens lens,
        int[] tokens,
        int top = 5,
        IReadOnlyList<int>? watched = null,
        IReadOnlyList<Edit>? edits = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(lens);
        ArgumentNullException.ThrowIfNull(tokens);
        var config = model.Config;
        var last = config.Layers - 1;
        int[] layers = [.. lens.LayersOf(config), last];
        using var run = model.Run(
            tokens,
            capture: layers.Select(Site.ResidPost),
            edits: edits,
            logits: LogitRows.None,
            cancellationToken: cancellationToken
        );
        var rows = layers.ToDictionary(layer => layer, _ => new LensCell[tokens.Length]);
        var most = Math.Min(RowsAtOnce, tokens.Length);
        using Tensor carried = Tensor.Uninitialized(most, config.Width),
            logits = Tensor.Uninitialized(most, config.VocabularyRows),
            own = Tensor.Uninitialized(most, config.VocabularyRows);
        for (var start = 0; start < tokens.Length; start += most)
        {
            var count = Math.Min(most, tokens.Length - start);
            var (residual, read) = (carried.AsMatrix().SliceRows(0, count), logits.AsMatrix().SliceRows(0, count));
            var final = own.AsMatrix().SliceRows(0, count);
            model.ReadOut(run[Site.ResidPost(last)].AsMatrix().SliceRows(start, count), residual, final);
            foreach (var layer in layers)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (layer != last)
                {
                    lens.Carry(layer, run[Site.ResidPost(layer)].AsMatrix().SliceRows(start, count), residual);
                    model.ReadOut(residual, residual, read);
                }
                Workers.For(
                    count,
                    new CellJob(layer, start, top, config.RealVocabulary, watched ?? [], final, layer == last ? final : read, rows[layer])
                );
            }
        }
        return new(tokens, rows, last);
    }

    private LensPath Path(int position, int last)
    {
        var answer = this[last, position].Top[0];
        var appears = Layers.First(layer => this[layer, position].Top[0].Token == answer.Token);
        var settles = last;
        foreach (var layer in Layers.Reverse())
        {
            if (this[layer, position].Top[0].Token != answer.Token)
                break;
            settles = layer;
        }
        var overridden = Layers
            .Where(layer => layer < settles)
            .Select(layer => (Layer: layer, Top: this[layer, position].Top[0]))
            .Where(one => one.Top.Token != answer.Token && one.Top.Token != Tokens[position] && one.Top.Probability >= Disposed)
            .OrderByDescending(one => one.Top.Probability)
            .ToArray();
        return new(
            position,
            answer,
            appears,
            settles,
            overridden.Length > 0 ? overridden[0].Top : null,
            overridden.Length > 0 ? overridden[0].Layer : null
        );
    }

    private readonly record struct CellJob(
        int Layer,
        int Start,
        int Top,
        int Vocabulary,
        IReadOnlyList<int> Watched,
        MatrixView Model,
        MatrixView Read,
        LensCell[] Cells
    ) : IJob
    {
        [ThreadStatic]
        private static TopTokens? t_top;

        public void Run(int index)
        {
            // Rows that are no tokens are never shown, and take part in no probability.
            var model = Model.Row(index)[..Vocabulary];
            var read = Read.Row(index)[..Vocabulary];
            var (modelSum, readSum) = (Predictions.LogSum(model), Predictions.LogSum(read));
            var answer = TensorPrimitives.IndexOfMax<float>(model);
            var keys = (t_top ??= new()).Select(read, Math.Max(Top, 1));
            var top = new TokenScore[keys.Length];
            for (var i = 0; i < top.Length; i++)
            {
                var token = TopTokens.Id(keys[i]);
                top[i] = new(token, read[token]) { Probability = Math.Exp(read[token] - readSum) };
            }
            var watched = new (double, int)[Watched.Count];
            for (var i = 0; i < watched.Length; i++)
                watched[i] = (Math.Exp(read[Watched[i]] - readSum), Rank(read, Watched[i]));
            Cells[Start + index] = new(
                Layer,
                Start + index,
                top,
                Math.Exp(read[answer] - readSum),
                Rank(read, answer),
                Predictions.Divergence(model, modelSum, read, readSum),
                watched
            );
        }

        /// <summary>How many are larger, or equal and earlier.</summary>
        private static int Rank(ReadOnlySpan<float> logits, int token)
        {
            var (rank, value) = (0, logits[token]);
            for (var i = 0; i < logits.Length; i++)
                if (logits[i] > value || (logits[i] == value && i < token))
                    rank++;
            return rank;
        }
    }
}
