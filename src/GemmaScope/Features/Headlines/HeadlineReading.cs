using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Features;

/// <summary>A headline as a model and a dictionary see it.</summary>
/// <param name="Headline">The headline.</param>
/// <param name="Tokens">Its tokens, BOS in front.</param>
/// <param name="Counted">Whether each token counts; BOS and special tokens do not.</param>
/// <param name="Features">The features of each token.</param>
/// <param name="Pooled">The mean of each feature over the tokens that count, by rising index.</param>
/// <param name="Dense">The mean activation at the dictionary's input over the same tokens.</param>
public sealed record HeadlineReading(
    Headline Headline,
    TokenizedText Tokens,
    IReadOnlyList<bool> Counted,
    SparseActivations Features,
    IReadOnlyList<FeatureActivation> Pooled,
    IReadOnlyList<float> Dense
)
{
    // Headlines are short; so many share one pass through the weights.
    private const int Batch = 64;

    /// <summary>Runs the model over headlines and reads them with a dictionary.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionary">A dictionary trained on it.</param>
    /// <param name="headlines">The headlines.</param>
    /// <param name="progress">Told how many have been read.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    public static IReadOnlyList<HeadlineReading> Read(
        GemmaModel model,
        SparseDictionary dictionary,
        IReadOnlyList<Headline> headlines,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var result = new List<HeadlineReading>(headlines.Count);
        foreach (var batch in headlines.Chunk(Batch))
        {
            var tokens = Array.ConvertAll(batch, headline => model.Tokenizer.EncodeWithOffsets(headline.Text, addBos: true));
            using var run = model.Run(
                [.. tokens.Select(text => text.Ids.ToArray())],
                capture: dictionary.InputSites,
                logits: LogitRows.None,
                cancellationToken: cancellationToken
            );
            using var x = SparseDictionary.Beside(run, dictionary.InputSites);
            var features = dictionary.Encode(x.AsMatrix(), cancellationToken);
            for (var i = 0; i < batch.Length; i++)
            {
                var (start, count) = run.RowsOf(i);
                var counted = CountedPositions.Of(tokens[i].Ids, model.Tokenizer);
                var (own, dense) = (features.SliceRows(start, count), new float[x.Columns]);
                Pooling.Mean(x.AsMatrix().SliceRows(start, count), counted, dense);
                result.Add(new HeadlineReading(batch[i], tokens[i], counted, own, Pooling.Mean(own, counted), dense));
            }
            progress?.Report(result.Count);
        }
        return result;
    }

    /// <summary>The counted position where a feature is strongest.</summary>
    public int StrongestAt(int feature) => Enumerable.Range(0, Counted.Count).Where(t => Counted[t]).MaxBy(t => Features.Value(t, feature));
}
