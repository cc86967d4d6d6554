using GemmaScope.Files;

namespace GemmaScope.Evaluation;

/// <summary>A text with or without a concept.</summary>
/// <param name="Text">The text.</param>
/// <param name="Concept">The concept it belongs to; −1 for texts without any.</param>
/// <param name="Positive">Whether the concept is in it.</param>
/// <param name="Genre">What kind of text it is.</param>
public sealed record ConceptText(string Text, int Concept, bool Positive, string Genre);

/// <summary>A concept: a feature of some dictionary, described in words.</summary>
/// <param name="Id">Its number in the set.</param>
/// <param name="Description">What it is said to be.</param>
/// <param name="Genre">What kind of text it comes in.</param>
/// <param name="Source">The model and dictionary the feature belongs to, e.g. <c>gemma-2-2b/20-gemmascope-res-16k</c>; null where the set
/// does not say.</param>
/// <param name="Feature">The feature there; null where the set does not say.</param>
public sealed record Concept(int Id, string Description, string Genre, string? Source, int? Feature);

/// <summary>
/// A set of concepts in the form of AxBench (METHODS §6.4): JSON lines with output, output_concept, concept_genre, category, concept_id; in
/// the
/// evaluation file also sae_link. The evaluation file's name has <c>eval</c> where that of the training file has <c>train</c>.
/// </summary>
/// <param name="Concepts">The concepts that have positives to learn from and texts to be measured on, by number.</param>
/// <param name="Train">Texts to learn from; the negatives serve all concepts.</param>
/// <param name="Eval">Texts to measure on, each for its concept; hard negatives are negatives.</param>
public sealed record ConceptSet(IReadOnlyList<Concept> Concepts, IReadOnlyList<ConceptText> Train, IReadOnlyList<ConceptText> Eval)
{
    /// <summary>Reads the two files of a set.</summary>
    /// <param name="train">Texts to learn from.</param>
    /// <param name="eval">Texts to measure on.</param>
    /// <exception cref="FileFormatException">A file is missing, a line is malformed (the message says which), or the two have no concept in
    /// common.</exception>
    public static ConceptSet Load(string train, string eval)
    {
        var (learned, measured) = (JsonLines.Read(train).Select(Read).ToArray(), JsonLines.Read(eval).Select(Read).ToArray());
        var concepts = learned
            .Where(line => line.Text.Positive)
            .GroupBy(line => line.Text.Concept)
            .OrderBy(group => group.Key)
            .Select(group =>
            {
                var link = measured.FirstOrDefault(line => line.Text.Concept == group.Key).Link?.Split('/') ?? [];
                return new Concept(
                    group.Key,
                    group.First().Description,
                    group.First().Text.Genre,
                    link.Length >= 3 ? $"{link[^3]}/{link[^2]}" : null,
                    link.Length >= 3 && int.TryParse(link[^1], out var feature) ? feature : null
                );
            })
            .Where(concept => measured.Any(line => line.Text.Concept == concept.Id))
            .ToArray();
        if (concepts.Length == 0)
            throw new FileFormatException($"has no concept in common with {train}", eval);
        return new ConceptSet(concepts, [.. learned.Select(line => line.Text)], [.. measured.Select(line => line.Text)]);
    }

    private static (ConceptText Text, string Description, string? Link) Read(JsonSection line)
    {
        var category = line.Text("category") ?? throw line.Missing("category");
        if (category is not ("positive" or "negative" or "hard negative"))
            throw line.Bad("category", $"must be positive, negative or hard negative, found {category}");
        var text = new ConceptText(
            line.Text("output")?.Trim() ?? throw line.Missing("output"),
            line.Integer("concept_id") ?? throw line.Missing("concept_id"),
            category == "positive",
            line.Text("concept_genre") ?? throw line.Missing("concept_genre")
        );
        if (text.Text.Length == 0)
            throw line.Bad("output", "is empty");
        return (text, line.Text("output_concept") ?? "", line.Text("sae_link"));
    }
}
