using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Store;

namespace GemmaScope.Server.Pages;

/// <summary>What can be said of a feature at a glance: the tokens it is strongest on, the words it promotes, a few examples.</summary>
/// <param name="page">What is stored of it.</param>
/// <param name="source">Names and vocabulary of its dictionary.</param>
internal sealed class FeatureGlance(FeaturePage page, DashboardSource source)
{
    /// <summary>Its dashboard.</summary>
    public FeatureDashboard Dashboard { get; } = page.Feature.Dashboard;

    /// <summary>Its labels, the best first.</summary>
    public IReadOnlyList<FeatureLabel> Labels { get; } = page.Feature.Labels;

    /// <summary>Names and vocabulary of its dictionary.</summary>
    public DashboardSource Source { get; } = source;

    /// <summary>The words its strongest examples are about, the most frequent first; the same with another case or space is one.</summary>
    public IEnumerable<string> TopTokens =>
        Dashboard
            .Examples.Where(example => example.Interval < 0 && Source.Piece(example.Tokens[example.Position]) is { Length: > 0 })
            .GroupBy(example => FeatureName.Word(Source.Piece(example.Tokens[example.Position])), StringComparer.OrdinalIgnoreCase)
            .OrderByDescending(group => group.Count())
            .Select(group => group.Key);

    /// <summary>The words it makes likelier, the most first; none where its site has no linear way to the logits.</summary>
    public IEnumerable<string> Promoted =>
        (Dashboard.Logits?.Top ?? []).Where(word => word.Value > 0).Select(word => FeatureName.Word(Source.Piece(word.Token)));

    /// <summary>The words it makes less likely, the most first.</summary>
    public IEnumerable<string> Suppressed =>
        (Dashboard.Logits?.Bottom ?? []).Where(word => word.Value < 0).Select(word => FeatureName.Word(Source.Piece(word.Token)));

    /// <summary>Its strongest examples; of those that are alike the first.</summary>
    public IEnumerable<FeatureExample> Best(int most) =>
        ExampleGroup.Of(Dashboard.Examples.Where(example => example.Interval < 0), Source.Piece).Select(group => group.First).Take(most);
}
