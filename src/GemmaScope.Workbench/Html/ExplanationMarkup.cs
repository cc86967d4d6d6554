namespace GemmaScope.Workbench.Html;

/// <summary>Why a verdict came out as it did, as HTML: what the gap between Yes and No is made of, and the features that speak for and
/// against.</summary>
/// <param name="one">The explanation.</param>
/// <param name="address">The page of a feature, or null.</param>
public sealed class ExplanationMarkup(VerdictReasons one, Func<int, string?>? address = null)
{
    /// <summary>What the columns mean.</summary>
    public const string Meaning =
        "direct: the feature's share of the raw gap, straight through the final norm (its scale frozen) and the unembedding; above 0 it speaks for Yes. "
        + "measured: how much smaller the raw gap was when the feature was taken out at the last position and the rest was run again, by every path. "
        + "The final soft cap bends the gap, so the probability is made of the capped one.";

    /// <summary>What the dictionary is called; null for its name.</summary>
    public string? Called { get; init; }

    /// <summary>What a feature is called; null for its label.</summary>
    public Func<int, Markup>? Named { get; init; }

    /// <summary>The verdict in words.</summary>
    public static string Verdict(VerdictReasons one) =>
        FormattableString.Invariant($"{one.Policy}: {one.Probability:0.000}, {(one.Violated ? "violated" : "not violated")}");

    /// <summary>What sums to the raw gap, the gap, and the gap that the probability is made of.</summary>
    public static IEnumerable<(string Name, double Value)> Parts(VerdictReasons one) =>
        [
            ($"{one.ActiveFeatures} active features", one.Explanation.FeatureTotal),
            ("the dictionary's bias", one.Bias),
            ("its error", one.Error),
            ("elsewhere", one.Elsewhere),
            ("raw gap", one.RawGap),
            ("gap after the soft cap", one.Gap),
        ];

    /// <summary>A contribution with its sign.</summary>
    public static string Signed(double value) => FormattableString.Invariant($"{value:+0.000;-0.000;0.000}");

    /// <summary>Heading and both tables.</summary>
    public Markup Render() =>
        Markup.Of(
            $"""
            <h2>{Verdict(one)}</h2>
            <p class="meta">features of {HtmlText.Path(Called ?? one.Dictionary)} at {one.Site}, position {one.Position}{(
                double.IsFinite(one.Fvu) ? Markup.Of($", FVU {one.Fvu:0.000}") : Markup.Empty
            )}</p>
            <div class="scroll" tabindex="0" role="region" aria-label="what the gap is made of"><table>
            <tr><th>part of the gap between Yes and No</th><th class="n">logits</th><th class="gap"><span class="no">No</span> <span class="yes">Yes</span></th></tr>
            {Parts(one).Select(part =>
                Markup.Of($"<tr><td>{part.Name}</td><td class=\"n\">{Signed(part.Value)}</td>{Bar(part.Value, LargestPart)}</tr>\n")
            )}</table></div>
            <h3>Features</h3>
            <div class="scroll" tabindex="0" role="region" aria-label="features"><table>
            <tr><th>feature</th>{(IsLabelled ? Markup.Of($"<th>label</th>") : Markup.Empty)}<th class="n">direct</th><th class="gap"><span class="no">No</span> <span class="yes">Yes</span></th><th class="n">activation</th><th class="n">measured</th><th class="n">probability without</th></tr>
            {one.Features.Select(Line)}{All()}</table></div>

            """
        );

    // A column in which nothing stands would only push the others together.
    private bool IsLabelled => Named is not null || one.Features.Any(feature => feature.Label is not null);

    private Markup Label(FeatureReason feature) =>
        IsLabelled
            ? Markup.Of(
                $"<td class=\"wide label\">{Named?.Invoke(feature.Feature) ?? Markup.Of($"{HtmlText.Visible(feature.Label ?? "")}")}</td>"
            )
            : Markup.Empty;

    private double LargestPart => Parts(one).Max(part => Math.Abs(part.Value));

    private Markup Line(FeatureReason feature) =>
        Markup.Of(
            $"<tr><td>{Name(feature.Feature)}</td>{Label(feature)}<td class=\"n\">{Signed(feature.Direct)}</td>{Bar(feature.Direct, Math.Abs(one.Features[0].Direct))}<td class=\"n\">{feature.Activation:0.00}</td>{Measured(feature.Measured, feature.ProbabilityWithout)}</tr>\n"
        );

    private Markup All() =>
        one.Together is not { } all
            ? Markup.Empty
            : Markup.Of(
                $"<tr><td{Markup.Trusted(IsLabelled ? " colspan=\"2\"" : "")}>{all.Features} together</td><td class=\"n\">{Signed(all.Direct)}</td><td></td><td></td>{Measured(all.Measured, all.ProbabilityWithout)}</tr>\n"
            );

    private Markup Name(int feature) =>
        address?.Invoke(feature) is { } page ? Markup.Of($"<a href=\"{page}\">{feature}</a>") : Markup.Of($"{feature}");

    private static Markup Measured(double? change, float? probability) =>
        change is not { } moved || probability is not { } without
            ? Markup.Of($"<td></td><td></td>")
            : Markup.Of($"<td class=\"n\">{Signed(moved)}</td><td class=\"n\">{without:0.000}</td>");

    /// <summary>A bar to the left for No, to the right for Yes; the number beside it says the same.</summary>
    private static Markup Bar(double value, double largest)
    {
        const double half = 50;
        var length = largest > 0 ? half * Math.Min(1, Math.Abs(value) / largest) : 0;
        return Markup.Of(
            $"<td class=\"gap\"><svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"{Markup.Trusted(value > 0 ? "yes" : "no")}\" x=\"{(value > 0 ? half : half - length):0.##}\" width=\"{length:0.##}\" height=\"10\"/><path d=\"M50 0V10\"/></svg></td>"
        );
    }
}
