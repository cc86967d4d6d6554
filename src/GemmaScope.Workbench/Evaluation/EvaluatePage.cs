using System.Globalization;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>An evaluation as one HTML page that needs nothing else: the table, and plots as inline SVG.</summary>
public static class EvaluatePage
{
    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    private static readonly string[] Numbers =
    [
        "L0",
        "FVU",
        "cosine",
        "bias",
        "delta loss",
        "loss recovered",
        "KL score",
        "uniformity",
        "dead",
        "dense",
    ];

    /// <summary>The page.</summary>
    public static Markup Render(EvaluateResult result) =>
        new ReportPage($"Evaluation of {result.Dictionaries.Count} dictionaries", Header(result)) { Style = Style }.Render(
            Markup.Of(
                $"""
                {Table(result)}<h2>Plots</h2>
                <div class="plots">
                {Plots(result).Select(Markup.Trusted)}</div>

                """
            ),
            Footer
        );

    private static Markup Header(EvaluateResult result) =>
        Markup.Of(
            $"<p class=\"meta\">{result.Model} · {result.CountedTokens:#,0} tokens counted, "
                + $"{result.ExcludedTokens:#,0} left out ({result.Excluded})</p>{DictionaryNotes.Markup(result.Warnings)}"
        );

    private static Markup Table(EvaluateResult result) =>
        PageTable.Of(
            "Dictionaries",
            ["dictionary", "site", .. Numbers.Select(name => new PageColumn(name, true))],
            [
                .. result.Dictionaries.Select(one =>
                    Row(
                        one.Name,
                        string.Join(' ', one.OutputSites),
                        [
                            Number(one.L0, "0.0"),
                            Number(one.Fvu),
                            Number(one.Cosine),
                            Number(one.ReconstructionBias),
                            .. Losses(one.Costs),
                            Number(one.Uniformity),
                            $"{one.DeadFeatures}",
                            $"{one.DenseFeatures}",
                        ]
                    )
                ),
                .. result.Together.Select(set => Row(set.Name, "", ["", "", "", "", .. Losses(set.Costs), "", "", ""])),
            ],
            wide: true
        );

    private static IEnumerable<string> Plots(EvaluateResult result)
    {
        yield return new SvgPlot("Delta loss against L0", "L0", "delta loss (nats)").Points([
            .. result
                .Dictionaries.Where(one => one.Costs is not null)
                .Select(one => new PlotPoint(one.L0, one.Costs!.DeltaLoss, one.Name))
                .OrderBy(point => point.X),
        ]);
        foreach (var kind in result.Dictionaries.Where(one => one.Outputs is [{ Layer: not null }]).GroupBy(one => one.Outputs[0].Kind))
            // A single layer would be a point in the middle of nowhere.
            if (kind.DistinctBy(one => one.Outputs[0].Layer).Count() > 1)
                yield return new SvgPlot($"FVU by layer, {kind.First().OutputSites[0].Split('.')[0]}", "layer", "FVU")
                {
                    FromZero = true,
                }.Points([.. kind.Select(one => new PlotPoint(one.Outputs[0].Layer!.Value, one.Fvu, one.Name)).OrderBy(point => point.X)]);
        foreach (var one in result.Dictionaries)
        {
            yield return new SvgPlot($"Density, {one.Name}", "share of tokens (logarithmic)", "features", PlotScale.Share).Bars(
                one.DensityHistogram.Log10Edges,
                one.DensityHistogram.Counts
            );
            yield return new SvgPlot($"FVU by position, {one.Name}", "position", "FVU") { FromZero = true }.Points(
                [.. one.ByPosition.Select(at => new PlotPoint(at.Position, at.Fvu, $"position {at.Position}"))],
                joined: true
            );
        }
    }

    private static Markup Footer { get; } =
        Markup.Trusted(
            "<p>FVU = Σ‖x − x̂‖² / Σ‖x − x̄‖² with one mean per dimension. Delta loss: next-token cross-entropy with the reconstruction "
                + "in place, minus that of the clean run, in nats, where neither the position nor the target is special. Loss recovered "
                + "and KL score: against zeros in place. Dead features fired at none of the counted tokens, dense ones at more than 10 %; "
                + "both depend on how many tokens were looked at.</p>\n"
        );

    private static Markup Row(string name, string site, IEnumerable<string> cells) =>
        Markup.Of(
            $"<tr><td>{HtmlText.Path(name)}</td><td>{site}</td>{cells.Select(cell => Markup.Of($"<td class=\"n\">{cell}</td>"))}</tr>\n"
        );

    private static string[] Losses(SpliceCosts? costs) =>
        costs is null ? ["", "", ""] : [Digits.Number(costs.DeltaLoss), Number(costs.LossRecovered), Number(costs.KlScore)];

    private static string Number(double value, string format = "0.000") =>
        double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "–";
}
