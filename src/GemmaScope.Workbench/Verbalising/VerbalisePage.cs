using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>Descriptions of activations as one HTML page.</summary>
public static class VerbalisePage
{
    /// <summary>The page.</summary>
    public static Markup Render(VerbaliseResult result) =>
        new ReportPage("Verbalised activations", Header(result)).Render(
            Markup.Of(
                $"""
                {Scores(result)}{Items(result)}<h2>Not shown</h2>
                <ul>
                {result.NotShown.Select(line => Markup.Of($"<li>{line}</li>\n"))}</ul>

                """
            ),
            Markup.Of(
                $"""
                <p>In brackets 95 % bootstrap intervals over vectors. Round trip: cosine of a vector and what the reconstructor makes of its description. Other: of another vector's description. Shuffled: of the description of the same numbers in another order. Mean: cosine with the mean direction of the other vectors.</p>

                """
            )
        );

    private static Markup Header(VerbaliseResult result) =>
        Markup.Of(
            $"<p class=\"meta\">{string.Join(" · ", new[] { result.Model, result.Layer is { } layer ? $"behind layer {layer}" : null, $"described by {result.Verbaliser}" }.OfType<string>())}</p>"
        );

    private static Markup Scores(VerbaliseResult result) =>
        result.RoundTrip is null
            ? Markup.Empty
            : PageTable.Of(
                "What comes back",
                ["", new("cosine", true)],
                ((string Name, MeanEstimate? Value)[])
                    [
                        ("round trip", result.RoundTrip),
                        ("another vector's description", result.Others),
                        ("description of the shuffled vector", result.Shuffled),
                        ("mean direction of the others", result.MeanDirection),
                    ]
                    is var rows
                    ? rows.Select(row => Markup.Of($"<tr><td>{row.Name}</td>{StudyPage.Cell(row.Value)}</tr>\n"))
                    : []
            );

    private static Markup Items(VerbaliseResult result) =>
        PageTable.Of(
            "Descriptions",
            [
                "",
                "description",
                new("round trip", true),
                new("other", true),
                new("shuffled", true),
                new("mean", true),
                "of the shuffled vector",
            ],
            result.Items.Select(item =>
                Markup.Of(
                    $"<tr><td>{(item.Token is null ? item.Source : Text.VisibleText.Line(item.Token))}</td><td>{item.Description}</td>{StudyPage.Plain(item.Cosine)}{StudyPage.Plain(item.OtherCosine)}{StudyPage.Plain(item.ShuffledCosine)}{StudyPage.Plain(item.MeanCosine)}<td>{item.ShuffledDescription}</td></tr>\n"
                )
            ),
            wide: true
        );
}
