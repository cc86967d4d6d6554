using System.Text;
using GemmaScope.Features.Statistics;

namespace GemmaScope.Server.Pages;

/// <summary>
/// Examples that show the same thing. A feature sees its token and what stands before it, so two examples are alike where the marked token and the
/// token before it are the same, whatever their case, the space before them and their digits. The first one, which is the strongest,
/// speaks for the others.
/// </summary>
/// <param name="First">The one that is shown.</param>
/// <param name="Alike">The others, in their order.</param>
internal sealed record ExampleGroup(FeatureExample First, IReadOnlyList<FeatureExample> Alike)
{
    /// <summary>Groups in the order of their first examples.</summary>
    /// <param name="examples">The examples.</param>
    /// <param name="piece">The piece of a token.</param>
    public static IReadOnlyList<ExampleGroup> Of(IEnumerable<FeatureExample> examples, Func<int, string> piece) =>
        [
            .. examples
                .GroupBy(example =>
                    (
                        Plain(piece(example.Tokens[example.Position])),
                        example.Position > 0 ? Plain(piece(example.Tokens[example.Position - 1])) : null
                    )
                )
                .Select(group => new ExampleGroup(group.First(), [.. group.Skip(1)])),
        ];

    /// <summary>A piece without what makes no difference to a reader.</summary>
    private static string Plain(string piece)
    {
        // A byte is a piece of its own, whose digits are its name.
        if (TokenMarkup.Kind(piece).Length > 0)
            return piece;
        var plain = new StringBuilder(piece.Length);
        foreach (var letter in piece.Trim('▁', ' '))
            plain.Append(char.IsDigit(letter) ? '0' : char.ToLowerInvariant(letter));
        return plain.ToString();
    }
}
