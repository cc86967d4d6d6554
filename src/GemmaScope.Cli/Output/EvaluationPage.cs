using System.Text;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Cli.Output;

/// <summary>An evaluation as one HTML page that needs nothing else: the table, and plots as inline SVG.</summary>
internal sealed class EvaluationPage
{
    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        /* Twelve columns: closer and smaller than in other tables, so that they are seen side by side. */
        .scroll th, .scroll td { padding: .4rem .45rem; font-size: .8rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    private readonly EvaluationView _view;
    private readonly StringBuilder _html = new();

    private EvaluationPage(EvaluationView view) => _view = view;

    public static string Render(EvaluationView view)
    {
        var page = new EvaluationPage(view);
        page.Head();
        page.Table();
        page.Plots();
        page.Foot();
        return page._html.ToString();
    }

    private void Head() =>
        _html.Append(
            Html.Begin(
                $"Evaluation of {_view.Names.Count} dictionaries",
                Style,
                $"""<p class="meta">{Html.Encode(_view.Model)} · {_view.Counted:#,0} tokens counted, {_view.Excluded:#,0} left out ({EvaluationView.LeftOut})</p>"""
            )
        );

    private void Table()
    {
        _html.Append(
            "<h2>Dictionaries</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"dictionaries\"><table>\n<tr><th>dictionary</th><th>site</th>"
        );
        foreach (
            var head in (string[])["L0", "FVU", "cosine", "bias", "delta loss", "loss recovered", "KL score", "uniformity", "dead", "dense"]
        )
            _html.Append($"<th class=\"n\">{head}</th>");
        _html.Append("</tr>\n");
        foreach (var (name, dictionary, clean, spliced) in _view.Rows)
        {
            var sums = clean.Reconstruction;
            Row(
                name,
                string.Join(' ', dictionary.OutputSites),
                [
                    Number(clean.Sparsity.L0, "0.0"),
                    Number(sums.Fvu),
                    Number(sums.CosineSimilarity),
                    Number(sums.ReconstructionBias),
                    .. Losses(spliced),
                    Number(clean.Uniformity.Mean),
                    $"{clean.Sparsity.Dead}",
                    $"{clean.Sparsity.DenserThan(0.1)}",
                ]
            );
        }
        foreach (var set in _view.Together)
            Row(set.Set.Name, "", ["", "", "", "", .. Losses(set), "", "", ""]);
        _html.Append("</table></div>\n");
    }

    private void Plots()
    {
        _html.Append("<h2>Plots</h2>\n<div class=\"plots\">\n");
        _html.Append(
            new SvgPlot("Delta loss against L0", "L0", "delta loss (nats)").Points([
                .. _view
                    .Rows.Where(row => row.Spliced is not null)
                    .Select(row => new PlotPoint(row.Clean.Sparsity.L0, _view.DeltaLoss(row.Spliced!), row.Name))
                    .OrderBy(point => point.X),
            ])
        );
        foreach (
            var kind in _view
                .Rows.Where(row => row.Dictionary.OutputSites is [{ Layer: not null }])
                .GroupBy(row => row.Dictionary.OutputSite.Kind)
        )
            _html.Append(
                new SvgPlot($"FVU by layer, {Kind(kind.First().Dictionary)}", "layer", "FVU").Points([
                    .. kind.Select(row => new PlotPoint(row.Dictionary.OutputSite.Layer!.Value, row.Clean.Reconstruction.Fvu, row.Name))
                        .OrderBy(point => point.X),
                ])
            );
        foreach (var (name, _, clean, _) in _view.Rows)
        {
            _html.Append(
                new SvgPlot($"Density, {name}", "share of tokens (logarithmic)", "features", PlotScale.Share).Bars(
                    EvaluationView.DensityEdges,
                    clean.Sparsity.DensityHistogram(EvaluationView.DensityEdges)
                )
            );
            _html.Append(
                new SvgPlot($"FVU by position, {name}", "position", "FVU").Points(
                    [
                        .. Enumerable
                            .Range(0, clean.ByPosition.Count)
                            .Select(position => new PlotPoint(position, clean.FvuAt(position), $"position {position}")),
                    ],
                    joined: true
                )
            );
        }
        _html.Append("</div>\n");
    }

    private void Foot() =>
        _html.Append(
            """
            </main>
            <footer>
            <p>FVU = Σ‖x − x̂‖² / Σ‖x − x̄‖² with one mean per dimension. Delta loss: next-token cross-entropy with the reconstruction in place, minus that of the clean run, in nats, where neither the position nor the target is special. Loss recovered and KL score: against zeros in place. Dead features fired at none of the counted tokens, dense ones at more than 10 %; both depend on how many tokens were looked at.</p>
            </footer>
            </body>
            </html>

            """
        );

    private void Row(string name, string site, IEnumerable<string> cells)
    {
        _html.Append($"<tr><td>{Html.Encode(name)}</td><td>{site}</td>");
        foreach (var cell in cells)
            _html.Append($"<td class=\"n\">{cell}</td>");
        _html.Append("</tr>\n");
    }

    private string[] Losses(SpliceEvaluation? set) =>
        set is null
            ? ["", "", ""]
            : [Number(_view.DeltaLoss(set), "0.0000"), Number(_view.LossRecovered(set)), Number(EvaluationView.KlScore(set))];

    private static string Kind(SparseDictionary dictionary) => dictionary.OutputSite.ToString().Split('.')[0];

    private static string Number(double value, string format = "0.000") => double.IsFinite(value) ? value.ToString(format) : "–";
}
