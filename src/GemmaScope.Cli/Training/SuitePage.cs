using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Training;

namespace GemmaScope.Cli.Training;

/// <summary>A suite as one HTML page: the table, and for each site the frontiers of loss and FVU against L0, a line a width.</summary>
internal static class SuitePage
{
    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    public static string Render(SweepConfiguration suite, IReadOnlyList<SuiteResult> results)
    {
        var html = new StringBuilder(Html.Begin($"{results.Count} dictionaries", Style, $"""<p class="meta">{Html.Encode(suite.Output)}</p>"""));
        html.Append("<h2>Frontiers</h2>\n<div class=\"plots\">\n");
        foreach (var site in results.Where(result => result.Failure is null).GroupBy(result => (Kind: result.Name.Split('-')[0], result.Site)))
        {
            html.Append(Plot($"Delta loss, {site.Key.Kind} of {site.Key.Site}", "delta loss (nats)", site, "delta_loss"));
            html.Append(Plot($"FVU, {site.Key.Kind} of {site.Key.Site}", "FVU", site, "fvu"));
        }
        html.Append("</div>\n<h2>Dictionaries</h2>\n<div class=\"scroll\"><table>\n<tr><th>dictionary</th>");
        foreach (var column in SuiteResults.Columns) html.Append($"<th class=\"n\">{column.Title}</th>");
        html.Append("<th>folder</th></tr>\n");
        foreach (var result in results)
        {
            html.Append($"<tr><td>{Html.Encode(result.Name)}</td>");
            foreach (var column in SuiteResults.Columns) html.Append($"<td class=\"n\">{result.Score(column.Key)?.ToString(column.Format) ?? "–"}</td>");
            html.Append($"<td>{Html.Encode(result.Failure is { } failure ? $"failed: {failure}" : result.Path)}</td></tr>\n");
        }
        return html.Append("</table></div>\n</main>\n</body>\n</html>\n").ToString();
    }

    private static string Plot(string title, string label, IEnumerable<SuiteResult> results, string key) =>
        new SvgPlot(title, "L0", label).Series(results.Where(result => result.Score(key) is not null).GroupBy(result => result.Width).OrderBy(width => width.Key).Select(width => (
            $"{width.Key} features",
            (IReadOnlyList<PlotPoint>)[.. width.OrderBy(result => result.Score("l0")).Select(result => new PlotPoint(result.Score("l0") ?? double.NaN, result.Score(key)!.Value, result.Name))])));
}
