using System.Globalization;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>A suite as one HTML page: the table, and loss and FVU against L0: for each site a line a width, or all layers
/// together.</summary>
internal static class SuitePage
{
    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    public static Markup Render(SweepResult suite)
    {
        SweptDictionary[] plotted = [.. suite.Dictionaries.Where(one => one.Failure is null)];
        // With one dictionary of each site there is no frontier to draw, and the layers stand in one plot.
        var frontiers = plotted.GroupBy(one => (Kind(one), one.Site)).Any(site => site.Count() > 1);
        var plots = plotted
            .GroupBy(one => (Kind: Kind(one), Site: frontiers ? one.Site : one.Site.Split('.')[0]))
            .SelectMany(site =>
            {
                var (place, series) = (
                    $"{site.Key.Kind} of {site.Key.Site}",
                    site.GroupBy(one => frontiers ? $"{one.Width} features" : one.Site).ToArray()
                );
                return (Markup[])
                    [
                        Plot($"Delta loss, {place}", "delta loss (nats)", series, one => one.DeltaLoss),
                        Plot($"FVU, {place}", "FVU", series, one => one.Fvu, fromZero: true),
                    ];
            });
        // What nothing was measured of is no column.
        ScoreColumn[] columns = [.. SweepResult.Columns.Where(column => suite.Dictionaries.Any(one => column.Of(one) is not null))];
        return new ReportPage($"{suite.Dictionaries.Count} dictionaries", Markup.Of($"<p class=\"meta\">{suite.Output}</p>"))
        {
            Style = Style,
        }.Render(
            Markup.Of(
                $"""
                <h2>{(frontiers ? "Frontiers" : "Loss and FVU")}</h2>
                <div class="plots">
                {plots}</div>
                <h2>Dictionaries</h2>
                <div class="scroll broad" tabindex="0" role="region" aria-label="dictionaries"><table>
                <tr><th>dictionary</th>{columns.Select(column =>
                    Markup.Of($"<th class=\"n\">{column.Title}</th>")
                )}<th>folder</th></tr>
                {suite.Dictionaries.Select(one => Row(one, columns))}</table></div>

                """
            )
        );
    }

    private static string Kind(SweptDictionary one) => one.Name.Split('-')[0];

    private static Markup Row(SweptDictionary one, IEnumerable<ScoreColumn> columns)
    {
        var cells = columns.Select(column =>
            Markup.Of($"<td class=\"n\">{column.Of(one)?.ToString(column.Format, CultureInfo.InvariantCulture) ?? "–"}</td>")
        );
        return Markup.Of($"<tr><td>{HtmlText.Path(one.Name)}</td>{cells}<td class=\"path\">{Result(one)}</td></tr>\n");
    }

    private static Markup Result(SweptDictionary one) =>
        one.Failure is { } failure ? Markup.Of($"failed: {failure}") : HtmlText.Path(one.Path ?? "");

    private static Markup Plot(
        string title,
        string label,
        IEnumerable<IGrouping<string, SweptDictionary>> series,
        Func<SweptDictionary, double?> score,
        bool fromZero = false
    ) =>
        Markup.Trusted(
            new SvgPlot(title, "L0", label) { FromZero = fromZero }.Series(
                series.Select(one =>
                    (
                        one.Key,
                        (IReadOnlyList<PlotPoint>)
                            [
                                .. one.Where(dictionary => score(dictionary) is not null)
                                    .OrderBy(dictionary => dictionary.L0)
                                    .Select(dictionary => new PlotPoint(
                                        dictionary.L0 ?? double.NaN,
                                        score(dictionary)!.Value,
                                        dictionary.Name
                                    )),
                            ]
                    )
                )
            )
        );
}
