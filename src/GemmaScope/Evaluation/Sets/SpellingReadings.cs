using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>The activations of words at their last token, and their features.</summary>
/// <param name="Activations">[words, input width].</param>
/// <param name="Features">Of each dictionary: [words, width].</param>
public sealed record SpellingReadings(IReadOnlyList<SparseActivations> Activations, IReadOnlyList<SparseActivations> Features)
{
    /// <summary>Runs the model over prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionaries">Dictionaries of one input site each, whose decoders write the same site.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="progress">Told how many have been read.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    public static SpellingReadings Of(
        GemmaModel model,
        IReadOnlyList<SparseDictionary> dictionaries,
        IReadOnlyList<SpellingPrompt> prompts,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        foreach (var one in dictionaries)
            if (one.InputSites.Count != 1 || one.OutputSites.Count != 1 || one.InputSite != one.OutputSite)
                throw new ArgumentProblemException(
                    "absorption compares decoder vectors with a probe of the same site; a dictionary that reads one site and writes "
                        + "another has no such comparison",
                    one.Name
                );
        var kept = dictionaries.Select(one => Tensor.Uninitialized(prompts.Count, one.InputWidth)).ToArray();
        try
        {
            var row = 0;
            foreach (var batch in TokenText.Batches([.. prompts.Select(prompt => new TokenText(prompt.Ids, []))]))
            {
                using var run = model.Run(
                    [.. batch.Select(text => text.Ids)],
                    capture: dictionaries.Select(one => one.InputSite).Distinct(),
                    logits: LogitRows.None,
                    cancellationToken: cancellationToken
                );
                for (var i = 0; i < batch.Length; i++)
                {
                    var (start, count) = run.RowsOf(i);
                    for (var d = 0; d < kept.Length; d++)
                        run[dictionaries[d].InputSite].Row(start + count - 1).CopyTo(kept[d].Row(row + i));
                }
                row += batch.Length;
                progress?.Report(row);
            }
            return new SpellingReadings(
                [.. kept.Select(rows => SparseProducts.FromDense(rows.AsMatrix()))],
                [.. kept.Select((rows, d) => dictionaries[d].Encode(rows.AsMatrix(), cancellationToken))]
            );
        }
        finally
        {
            foreach (var rows in kept)
                rows.Dispose();
        }
    }
}
