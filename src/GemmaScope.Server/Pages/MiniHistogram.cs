using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>A histogram as small as a word, for lines of tables: its form is seen at a glance, its numbers are on the feature's page.</summary>
internal static class MiniHistogram
{
    private const int Bins = 25,
        Height = 16;

    /// <summary>One path; heights grow with the root of the count as in the large plot. Nothing where nothing was counted.</summary>
    public static Markup Of(IReadOnlyList<int> counts)
    {
        if (counts.Count == 0 || counts.Max() <= 0)
            return Markup.Empty;
        var together = (counts.Count + Bins - 1) / Bins;
        double[] sums = [.. counts.Chunk(together).Select(some => some.Sum(count => (double)Math.Max(count, 0)))];
        var largest = sums.Max();
        return Markup.Of(
            $"<svg class=\"mini\" viewBox=\"0 0 {sums.Length} {Height}\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path d=\"M0 {Height}{sums.Select(sum => Markup.Of($"V{new Rounded(Height * (1 - Math.Sqrt(sum / largest)), 1)}h1"))}V{Height}z\"/></svg>"
        );
    }
}
