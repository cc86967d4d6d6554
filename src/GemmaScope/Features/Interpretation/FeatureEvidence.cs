using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Text;

namespace GemmaScope.Features.Interpretation;

/// <summary>What explanations of a feature are made from: the examples of its dashboard and the words it promotes, in the model's own token
/// ids.</summary>
/// <param name="Examples">Whole passages with activations, the strongest first; an id below 0 stands for a word that the model's vocabulary
/// lacks.</param>
/// <param name="Promoted">Tokens it promotes, the strongest first.</param>
/// <param name="Max">Largest activation.</param>
public sealed record FeatureEvidence(IReadOnlyList<FeatureExample> Examples, IReadOnlyList<int> Promoted, float Max)
{
    /// <summary>The evidence of a dashboard.</summary>
    public static FeatureEvidence Of(FeatureDashboard dashboard, TokenTranslation translation) =>
        new(
            [
                .. dashboard
                    .Examples.Select(example => WithoutBos(example, translation.Bos))
                    .Select(example => example with { Tokens = [.. example.Tokens.Select(translation.Id)] }),
            ],
            [.. (dashboard.Logits?.Top ?? []).Select(score => translation.Id(score.Token)).Where(id => id >= 0)],
            dashboard.Max
        );

    // Passages that are asked about have none.
    private static FeatureExample WithoutBos(FeatureExample example, int? bos) =>
        example.Tokens.Count == 0 || example.Tokens[0] != bos
            ? example
            : example with
            {
                Tokens = [.. example.Tokens.Skip(1)],
                Values = [.. example.Values.Skip(1)],
                Sources = null,
                Position = Math.Max(0, example.Position - 1),
                Start = example.Start + 1,
            };
}

/// <summary>From the words of a dashboard's file to the ids of a model's vocabulary: the same numbers where the dashboard is our own, else
/// found by their text.</summary>
public sealed class TokenTranslation
{
    private readonly int[]? _ids;

    /// <summary>Compares the two vocabularies.</summary>
    public TokenTranslation(DashboardSource source, Tokenizer tokenizer)
    {
        var same =
            source.Pieces.Count == tokenizer.VocabularySize && !source.Pieces.Where((piece, id) => piece != tokenizer.Piece(id)).Any();
        Bos = source.Bos;
        // Other programs write the mark of a space as a space.
        if (!same)
            _ids = [.. source.Pieces.Select(piece => tokenizer.Id(piece) ?? tokenizer.Id(piece.Replace(' ', '▁')) ?? -1)];
    }

    /// <summary>The dashboard's word for BOS, or null.</summary>
    internal int? Bos { get; }

    /// <summary>The model's id of a word, or −1.</summary>
    public int Id(int word) =>
        _ids is null ? word
        : (uint)word < (uint)_ids.Length ? _ids[word]
        : -1;
}
