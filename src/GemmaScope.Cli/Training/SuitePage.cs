using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Training;

namespace GemmaScope.Cli.Training;

/// <summary>A suite as one HTML page: the table, and loss and FVU against L0: for each site a line a width, or all layers
/// together.</summary>
internal static class SuitePage
{
    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        td:first-child { white-space: nowrap; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    public static string Render(SweepConfiguration suite, IReadOnlyList<SuiteResult> results)
    {
        var html = new StringBuilder(
            Html.Begin($"{results.Count} dictionaries", Style, $"""<p class="meta">{Html.Encode(suite.Output)}</p>""")
        );
        SuiteResult[] plotted = [.. results.Where(result => result.Failure is null)];
        // With one dictionary of each site there is no frontier to draw, and the layers stand in one plot.
        var frontiers = plotted.GroupBy(result => (Kind(result), result.Site)).Any(site => site.Count() > 1);
        html.Append($"<h2>{(frontiers ? "Frontiers" : "Loss and FVU")}</h2>\n<div class=\"plots\">\n");
        foreach (var site in plotted.GroupBy(result => (Kind: Kind(result), Site: frontiers ? result.Site : result.Site.Split('.')[0])))
        foreach (
            var (name, label, key) in (ReadOnlySpan<(string, string, string)>)
                [("Delta loss", "delta loss (nats)", "delta_loss"), ("FVU", "FVU", "fvu")]
        )
            html.Append(
                Plot(
                    $"{name}, {site.Key.Kind} of {site.Key.Site}",
                    label,
                    site.GroupBy(result => frontiers ? $"{result.Width} features" : result.Site),
                    key
                )
            );
        html.Append(
            "</div>\n<h2>Dictionaries</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"dictionaries\"><table>\n<tr><th>dictionary</th>"
        );
        foreach (var column in SuiteResults.Columns)
            html.Append($"<th class=\"n\">{column.Title}</th>");
        html.Append("<th>folder</th></tr>\n");
        foreach (var result in results)
        {
            html.Append($"<tr><td>{Html.Encode(result.Name)}</td>");
            foreach (var column in SuiteResults.Columns)
                html.Append($"<td class=\"n\">{result.Score(column.Key)?.ToString(column.Format) ?? "–"}</td>");
            html.Append($"<td>{Html.Encode(result.Failure is { } failure ? $"failed: {failure}" : result.Path)}</td></tr>\n");
        }
        return html.Append("</table></div>\n</main>\n</body>\n</html>\n").ToString();
    }

    private static string Kind(SuiteResult result) => result.Name.Split('-')[0];

    private static string Plot(string title, string label, IEnumerable<IGrouping<string, SuiteResult>> series, string key) =>
        new SvgPlot(title, "L0", label).Series(
            series.Select(one =>
                (
                    one.Key,
                    (IReadOnlyList<PlotPoint>)
                        [
                            .. one.Where(result => result.Score(key) is not null)
                                .OrderBy(result => result.Score("l0"))
                                .Select(result => new PlotPoint(result.Score("l0") ?? double.NaN, result.Score(key)!.Value, result.Name)),
                        ]
                )
            )
        );
}
