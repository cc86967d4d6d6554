using System.Text.RegularExpressions;
using GemmaScope.Features.Interpretation;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>
/// How a feature is named wherever one is: by its label, or where it has none by the tokens it is strongest on and the words it promotes. A
/// label that is a rule about tokens is shown as these, not as a list of quotations.
/// </summary>
internal static partial class FeatureName
{
    /// <summary>Words of a rule, or of a name made of words, that stand in a line.</summary>
    public const int Words = 5;

    /// <summary>Whether something is known that can be a name.</summary>
    public static bool IsKnown(string? label, FeatureGlance? glance) => label is not null || glance?.TopTokens.Any() == true;

    /// <summary>The name.</summary>
    /// <param name="label">The first label, or null.</param>
    /// <param name="glance">What else is known, or null.</param>
    /// <param name="words">Words at most, of a name that is made of them.</param>
    public static Markup Of(string? label, FeatureGlance? glance, int words = Words) =>
        label is null ? Unlabelled(glance, words)
        : Rule(label) is var (kind, listed) ? Markup.Of($"{Kind(kind)}{Chips(listed, words)}")
        : Markup.Of($"{HtmlText.Visible(label)}");

    /// <summary>The same for what takes no markup: a title, a tooltip.</summary>
    public static string Plain(string? label, FeatureGlance? glance) =>
        label is null ? string.Join(" · ", glance?.TopTokens.Take(Words).Select(HtmlText.Visible) ?? [])
        : Rule(label) is var (kind, listed)
            ? $"{(kind is "after" or "before" ? kind + " " : "")}{string.Join(" · ", listed.Distinct(StringComparer.OrdinalIgnoreCase).Take(Words).Select(HtmlText.Visible))}"
        : HtmlText.Visible(label);

    /// <summary>A link to a feature's page; pointing at it, the focus or a tap brings up its card.</summary>
    /// <param name="dictionary">Its dictionary.</param>
    /// <param name="feature">Its index.</param>
    /// <param name="name">What stands in the link.</param>
    public static Markup Link(StoredDictionary dictionary, int feature, Markup name) =>
        Markup.Of(
            $"<a class=\"feature\" href=\"{PageAddress.Feature(dictionary, feature)}\" data-card=\"{FeatureCard.Address(dictionary, feature)}\">{name}</a>"
        );

    /// <summary>Words side by side; of more than the most, dots say so.</summary>
    public static Markup Chips(IEnumerable<string> words, int most)
    {
        string[] shown = [.. words.Distinct(StringComparer.OrdinalIgnoreCase).Take(most + 1)];
        return Markup.Of(
            $"<span class=\"chips\">{shown.Take(most).Select(word => Markup.Of($"<code class=\"word\">{HtmlText.Visible(word)}</code> "))}{(shown.Length > most ? "…" : "")}</span>"
        );
    }

    /// <summary>A piece as a word of a name, on one line: without the space before it, which says nothing there; a space alone is
    /// seen.</summary>
    public static string Word(string piece) => Bare(TokenMarkup.Text(piece).Replace("\n", "", StringComparison.Ordinal));

    private static string Bare(string text) =>
        text.Trim(' ') is { Length: > 0 } word ? word
        : text.Length > 0 ? "␣"
        : text;

    private static Markup Unlabelled(FeatureGlance? glance, int words) =>
        glance is null || !glance.TopTokens.Any() && !glance.Promoted.Any()
            ? Markup.Of($"<span class=\"soft\">no label</span>")
            : Markup.Of(
                $"{(glance.TopTokens.Any() ? Markup.Of($"{Chips(glance.TopTokens, words)} ") : Markup.Empty)}{(
                    glance.Promoted.Any() ? Markup.Of($"<span class=\"soft\">→</span> {Chips(glance.Promoted, 2)}") : Markup.Empty
                )}"
            );

    private static Markup Kind(string kind) =>
        kind is "after" or "before" ? Markup.Of($"<span class=\"soft\">{kind}</span> ") : Markup.Empty;

    /// <summary>The kind and words of a label that is a rule in words (<see cref="TokenRule.Describe"/>); null for any other.</summary>
    private static (string Kind, string[] Words)? Rule(string label) =>
        RuleInWords().Match(label) is { Success: true } rule
            ? (
                rule.Groups["kind"].Value,
                [
                    .. rule.Groups["word"]
                        .Captures.Select(word => Bare(word.Value.Replace("\\\"", "\"", StringComparison.Ordinal)))
                        .Where(word => word.Length > 0),
                ]
            )
            : null;

    // A label may be longer than any rule, so that the words are matched without going back.
    [GeneratedRegex("""^(?<kind>tokens|phrases|after|before): "(?<word>(?>(?:[^"\\]|\\.)*))"(?:, "(?<word>(?>(?:[^"\\]|\\.)*))")*$""")]
    private static partial Regex RuleInWords();
}
