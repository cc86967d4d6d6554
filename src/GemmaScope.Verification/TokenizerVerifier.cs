using System.Text.RegularExpressions;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>
/// Checks tokenizer fixtures: a SentencePiece model with its golden lines (<c>pieces</c>, <c>goldens</c>, <c>decode</c>),
/// or golden lines of real vocabularies (<c>gemma2</c>, <c>gemma2-decode</c>, <c>gemma3</c> …), described by <c>expected.json</c>.
/// </summary>
public sealed partial class TokenizerVerifier : IVerifier
{
    /// <inheritdoc/>
    public string Form => "tokenizer";

    /// <inheritdoc/>
    public bool Recognizes(string folder) => HasModelLines(folder) || Families(folder).Any();

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options) =>
        Families(folder)
            .SelectMany(family => new VocabularyChecks(folder, family).Run(options))
            .Concat(HasModelLines(folder) ? new SentencePieceChecks(folder).Run(options) : []);

    private static bool HasModelLines(string folder) =>
        JsonLines.Find(folder, "pieces") is { } pieces && JsonLines.Has(pieces, "id", "piece")
        || JsonLines.Find(folder, "goldens") is { } goldens && JsonLines.Has(goldens, "text", "ids", "pieces");

    private static IEnumerable<string> Families(string folder) =>
        JsonLines
            .Names(folder)
            .Select(name => FamilyName().Match(name))
            .Where(match => match.Success)
            .Select(match => match.Groups[1].Value)
            .Distinct();

    [GeneratedRegex(@"^(gemma[23])(-decode)?$")]
    private static partial Regex FamilyName();
}
