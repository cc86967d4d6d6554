using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>How often each token id occurs: the baseline that needs no model (METHODS §6.10).</summary>
public static class BagOfWords
{
    /// <summary>Ids below this one are PAD, EOS and BOS in Gemma's vocabularies.</summary>
    public const int FirstWord = 3;

    /// <summary>One row of counts for each document; column j counts id j + <paramref name="firstId"/>, ids below it and beyond the
    /// vocabulary are dropped.</summary>
    /// <param name="documents">Token ids.</param>
    /// <param name="vocabulary">Number of ids.</param>
    /// <param name="firstId">First id that counts as a word.</param>
    public static SparseActivations Count(IEnumerable<IEnumerable<int>> documents, int vocabulary, int firstId = FirstWord)
    {
        var counts = documents
            .Select(document =>
                document.Where(id => id >= firstId && id < vocabulary).CountBy(id => id - firstId).OrderBy(pair => pair.Key).ToArray()
            )
            .ToArray();
        var rows = new FeatureRows(counts.Length, vocabulary - firstId);
        for (var row = 0; row < counts.Length; row++)
            foreach (var (column, count) in counts[row])
                rows[row].Add(column, count);
        return rows.ToActivations();
    }
}
