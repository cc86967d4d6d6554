using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>Shows where what was found holds the words that were searched for: words that begin with them, whatever their case and
/// accents.</summary>
internal sealed partial class SearchMarks
{
    private readonly string[] _asked;

    public SearchMarks(string query) => _asked = [.. Word().Matches(query).Select(word => Folded(word.Value)).Distinct()];

    /// <summary>The words searched for.</summary>
    public IReadOnlyList<string> Asked => _asked;

    /// <summary>The words of a text that fit.</summary>
    public IEnumerable<string> Fitting(string text) => Word().Matches(text).Select(word => word.Value).Where(FitsWord);

    /// <summary>Whether a text holds one.</summary>
    public bool Fit(string text) => Fitting(text).Any();

    /// <summary>HTML with marks around the words that fit. Tags and encoded characters are no words.</summary>
    public Markup In(Markup html) =>
        _asked.Length == 0
            ? html
            : Markup.Trusted(
                Piece()
                    .Replace(
                        html.ToString(),
                        piece =>
                            piece.Groups["word"] is { Success: true } word && FitsWord(word.Value)
                                ? $"<mark>{word.Value}</mark>"
                                : piece.Value
                    )
            );

    private bool FitsWord(string word) => Folded(word) is var folded && _asked.Any(one => folded.StartsWith(one, StringComparison.Ordinal));

    /// <summary>A word as the database compares it: in small letters, without accents.</summary>
    private static string Folded(string word) =>
        new([
            .. word.Where(letter => CharUnicodeInfo.GetUnicodeCategory(letter) != UnicodeCategory.NonSpacingMark)
                .Select(letter =>
                    letter - FirstAccented is >= 0 and var at && at < Bare.Length && Bare[at] != '.'
                        ? Bare[at]
                        : char.ToLowerInvariant(letter)
                ),
        ]);

    private const char FirstAccented = 'À';

    /// <summary>The letters from À (U+00C0) to ž (U+017E) without their accents; a dot where there is nothing to take away. The program runs
    /// without the tables of a culture, which would know it.</summary>
    private const string Bare =
        "aaaaaa.ceeeeiiii.nooooo..uuuuy..aaaaaa.ceeeeiiii.nooooo..uuuuy.y"
        + "aaaaaaccccccccdd..eeeeeeeeeegggggggghh..iiiiiiiii...jjkk.llllll."
        + "...nnnnnn...oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzz";

    [GeneratedRegex(@"[\p{L}\p{N}\p{M}]+")]
    private static partial Regex Word();

    [GeneratedRegex(@"<[^>]*>|&[#\w]+;|(?<word>[\p{L}\p{N}\p{M}]+)")]
    private static partial Regex Piece();
}
