using System.Globalization;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What was measured of a dictionary, with the number of tokens it was measured on.</summary>
internal static class EvaluationsView
{
    private static readonly (string Title, Func<StoredEvaluation, double?> Value, string Format)[] Columns =
    [
        ("L0", one => one.L0, "0.0"),
        ("explained", one => one.Explained, "0.000"),
        ("FVU", one => one.Fvu, "0.000"),
        ("cosine", one => one.Cosine, "0.000"),
        ("loss", one => one.CleanLoss, "0.000"),
        ("delta loss", one => one.DeltaLoss, "0.0000"),
        ("loss recovered", one => one.LossRecovered, "0.000"),
    ];

    public static Markup Table(IReadOnlyList<StoredEvaluation> evaluations) =>
        evaluations.Count == 0
            ? Markup.Of(
                $"<p class=\"note\">Nothing is known of how well it reconstructs: an evaluation of the dictionary into the database measures it.</p>\n"
            )
            : Markup.Of(
                $"""
                <div class="scroll" tabindex="0" role="region" aria-label="evaluation"><table><caption>Evaluation</caption>
                <tr><th>by</th><th>text</th><th class="n">tokens</th>{Columns.Select(column =>
                    Markup.Of($"<th class=\"n\">{column.Title}</th>")
                )}</tr>
                {evaluations.Select(Row)}</table></div>

                """
            );

    private static Markup Row(StoredEvaluation one) =>
        Markup.Of(
            $"<tr><td class=\"by\">{one.MadeBy}</td><td class=\"wide\">{HtmlText.Visible(one.MeasuredOn)}{(one.HeldOut is false ? ", which it was trained on" : "")}</td><td class=\"n\">{one.Tokens:#,0}</td>{Columns.Select(column => Markup.Of($"<td class=\"n\">{column.Value(one)?.ToString(column.Format, CultureInfo.InvariantCulture) ?? "–"}</td>"))}</tr>\n"
        );
}
