using System.Globalization;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>A comparison of two forms of a model as one HTML page that needs nothing else: tables, and plots as inline SVG.</summary>
public static class EvaluateAgainstPage
{
    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    private const int FeaturesShown = 50;

    private static readonly string[] FeatureNumbers = ["fires", "against", "survives", "Pearson", "margin"];

    /// <summary>The page.</summary>
    public static Markup Render(EvaluateAgainstResult result) =>
        new ReportPage($"{result.Against} against {result.Model}", Header(result)) { Style = Style }.Render(
            Markup.Of(
                $"""
                {Logits(result.Logits)}{Dictionaries(result)}{Residuals(result)}<h2>Plots</h2>
                <div class="plots">
                {Plots(result).Select(Markup.Trusted)}</div>
                {result.Dictionaries.Select(Trust)}{result.Dictionaries.Select(Features)}
                """
            ),
            Footer
        );

    private static Markup Header(EvaluateAgainstResult result) =>
        Markup.Of(
            $"<p class=\"meta\">{result.Model} ({string.Join(", ", result.ModelWeights)}) against {result.Against} "
                + $"({string.Join(", ", result.AgainstWeights)}) · {result.CountedTokens:#,0} tokens counted, "
                + $"{result.ExcludedTokens:#,0} left out</p>"
        );

    private static Markup Logits(ComparedLogits? logits) =>
        logits is null
            ? Markup.Empty
            : PageTable.Of(
                "Logits",
                ["", new("loss", true), new("against", true), new("delta", true), new("KL", true), new("same likeliest token", true)],
                [
                    Row(
                        $"{logits.Predictions:#,0} predictions",
                        Digits.Number(logits.Ce),
                        Digits.Number(logits.CeAgainst),
                        Digits.Signed(logits.DeltaLoss),
                        Digits.Number(logits.Kl),
                        Digits.Percent(logits.TopAgreement)
                    ),
                ]
            );

    private static Markup Dictionaries(EvaluateAgainstResult result) =>
        result.Dictionaries.Count == 0
            ? Markup.Empty
            : PageTable.Of(
                "Features",
                [
                    "dictionary",
                    .. new[]
                    {
                        "L0",
                        "against",
                        "FVU",
                        "against",
                        "survive",
                        "by noise",
                        "flips off",
                        "flips on",
                        $"top {result.Dictionaries[0].Features.Top} kept",
                        "Pearson",
                        "died",
                        "margin ρ",
                        "density ρ",
                    }.Select(name => new PageColumn(name, true)),
                ],
                result.Dictionaries.Select(one => Row(one.Name, Numbers(one))),
                wide: true
            );

    /// <summary>The numbers of a dictionary as they stand in a row of a table: L0 and FVU of both models, survival and that by noise, flips,
    /// the strongest kept, Pearson, features that died, rank correlations.</summary>
    public static IReadOnlyList<string> Numbers(ComparedDictionary one) =>
        [
            Number(one.L0, "0.0"),
            Number(one.L0Against, "0.0"),
            Number(one.Fvu),
            Number(one.FvuAgainst),
            Digits.Percent(one.Features.Survival),
            Digits.Percent(one.Noise.Survival),
            Digits.Number(one.Features.FlipsOff),
            Digits.Number(one.Features.FlipsOn),
            Digits.Percent(one.Features.TopKept),
            Number(one.Features.Pearson),
            $"{one.Features.Died}",
            Number(one.SurvivalByMargin ?? double.NaN, "0.00"),
            Number(one.SurvivalByDensity ?? double.NaN, "0.00"),
        ];

    private static Markup Residuals(EvaluateAgainstResult result) =>
        PageTable.Of(
            "Residual stream",
            ["layer", new("relative error", true), new("cosine", true), new("of the variance", true)],
            result.Residuals.Select(at =>
                Row($"{at.Layer}", Digits.Percent(at.RelativeError), Number(at.Cosine, "0.0000"), Digits.Percent(at.Fvu))
            )
        );

    private static Markup Trust(ComparedDictionary one) =>
        PageTable.Of(
            $"Firings that survive, {one.Name}",
            ["fires at", .. TrustTable.Margins.Select(margin => new PageColumn($"margin ≥ {Digits.Percent(margin)}", true))],
            one.Trust.Select(row =>
                Row(
                    $"≥ {Digits.Percent(row.DensityFrom)} of tokens",
                    [.. row.Cells.Select(cell => cell.Survival is { } share ? $"{Digits.Percent(share)} of {cell.Firings:#,0}" : "")]
                )
            ),
            wide: true
        );

    /// <summary>Those that fire often and survive least; the JSON has all.</summary>
    private static Markup Features(ComparedDictionary one) =>
        PageTable.Folded(
            $"Features that survive least, {one.Name}",
            ["feature", .. FeatureNumbers.Select(name => new PageColumn(name, true))],
            [
                .. one
                    .EachFeature.Where(feature => feature.Firings >= ComparedDictionary.LeastFirings)
                    .OrderBy(feature => feature.Survival)
                    .ThenByDescending(feature => feature.Firings)
                    .Take(FeaturesShown)
                    .Select(feature =>
                        Row(
                            $"{feature.Feature}",
                            $"{feature.Firings}",
                            $"{feature.FiringsAgainst}",
                            Digits.Percent(feature.Survival),
                            Number(feature.Pearson),
                            Digits.Percent(feature.Margin)
                        )
                    ),
            ]
        );

    private static IEnumerable<string> Plots(EvaluateAgainstResult result)
    {
        yield return new SvgPlot("Error of the residual stream by layer", "layer", "relative error") { FromZero = true }.Points(
            [.. result.Residuals.Select(at => new PlotPoint(at.Layer, at.RelativeError, $"layer {at.Layer}"))],
            joined: true
        );
        foreach (var one in result.Dictionaries)
            yield return new SvgPlot($"Survival by margin, {one.Name}", "class of margin, rising", "share of firings").Series(
                one.Trust.Select(row =>
                    (
                        $"fires at ≥ {Digits.Percent(row.DensityFrom)}",
                        (IReadOnlyList<PlotPoint>)
                            [
                                .. row
                                    .Cells.Index()
                                    .Where(cell => cell.Item.Survival is not null)
                                    .Select(cell => new PlotPoint(
                                        cell.Index,
                                        cell.Item.Survival!.Value,
                                        $"margin ≥ {Digits.Percent(cell.Item.MarginFrom)}"
                                    )),
                            ]
                    )
                )
            );
    }

    private static Markup Footer { get; } =
        Markup.Trusted(
            "<p>A firing is a feature above 0 at a token; it survives if the feature is above 0 there in the other model too. By noise: the same "
                + "if each activation is moved as far as the other model moves it, in a random direction. Margin: how far the activation would "
                + "have to move straight against the feature's encoder vector before it is silent, as a share of the activation's norm. ρ: Spearman's "
                + "correlation with survival over features that fire at least ten times. Died: fires in the model alone. Relative error: "
                + "√(Σ‖y − x‖² / Σ‖x‖²). Position 0 (BOS) and special tokens are left out.</p>\n"
        );

    private static Markup Row(string name, params IEnumerable<string> cells) =>
        Markup.Of($"<tr><td>{HtmlText.Path(name)}</td>{cells.Select(cell => Markup.Of($"<td class=\"n\">{cell}</td>"))}</tr>\n");

    private static string Number(double value, string format = "0.000") =>
        double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "–";
}
