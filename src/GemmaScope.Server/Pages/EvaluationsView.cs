using System.Globalization;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What was measured of a dictionary, each time with the number of tokens it was measured on.</summary>
internal static class EvaluationsView
{
    private static readonly (string Title, Func<StoredEvaluation, double?> Value, string Format)[] Measures =
    [
        ("L0", one => one.L0, "0.0"),
        ("variance explained", one => one.Explained, "0.000"),
        ("cosine", one => one.Cosine, "0.000"),
        ("loss of the model", one => one.CleanLoss, "0.000"),
        ("delta loss", one => one.DeltaLoss, "0.0000"),
        ("loss recovered", one => one.LossRecovered, "0.000"),
    ];

    public static Markup Render(IReadOnlyList<StoredEvaluation> evaluations) =>
        evaluations.Count == 0
            ? Markup.Of(
                $"<p class=\"note\">Nothing is known of how well it reconstructs: an evaluation of the dictionary into the database measures it.</p>\n"
            )
            : Markup.Join(evaluations.Select(Table));

    private static Markup Table(StoredEvaluation one) =>
        Markup.Of(
            $"""
            <table class="evaluation"><caption>{one.MadeBy} <span>on {PageNumbers.Count(one.Tokens)} tokens of {HtmlText.Visible(
                one.MeasuredOn
            )}{(one.HeldOut is false ? ", which it was trained on" : "")}</span></caption>
            {Measures.Where(measure => measure.Value(one) is not null).Select(measure =>
                Markup.Of(
                    $"<tr><td>{measure.Title}</td><td class=\"n\">{measure.Value(one)?.ToString(measure.Format, CultureInfo.InvariantCulture)}</td></tr>\n"
                )
            )}</table>

            """
        );
}
