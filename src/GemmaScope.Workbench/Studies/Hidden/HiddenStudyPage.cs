using System.Globalization;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>A study of hidden knowledge as one HTML page.</summary>
public static class HiddenStudyPage
{
    /// <summary>The page.</summary>
    public static Markup Render(HiddenStudyResult result) =>
        StudyPage.Render(
            result,
            $"What {result.Model} knows and does not say",
            $"{result.Words.Count} words · {result.Measured.Count} measured · chance {Digits.Percent(result.Chance)}",
            Markup.Of(
                $"""
                <h2>Where it is read</h2>
                {StudyPage.Plots(Layers(result))}{Readouts(result)}{Said(result)}{Cases(result)}
                """
            ),
            "Intervals are over words. Success: the secret is among the first "
                + $"{result.Top} of {result.Words.Count} words that a readout ranks, in conversations whose reply does not say it; control: the same word "
                + "in the conversation without a secret; shuffled: another word's place. Told: the word stands in the instruction, and only what comes "
                + $"behind the question is read. Planted: the word's direction is added behind layer {result.PlantLayer} and taken out behind the last."
        );

    private static IEnumerable<Markup> Layers(HiddenStudyResult result) =>
        result
            .Readouts.Where(one => one.Layer is not null)
            .GroupBy(one => one.Condition)
            .Select(group =>
                StudyPage.Plot(
                    new SvgPlot($"{group.Key}: success by layer", "layer", "share found") { FromZero = true },
                    group.Select(one =>
                        (
                            one.Method,
                            (IReadOnlyList<PlotPoint>)
                                [.. one.ByLayer.Select((success, layer) => new PlotPoint(layer, success, $"{one.Method}, layer {layer}"))]
                        )
                    )
                )
            );

    private static Markup Readouts(HiddenStudyResult result) =>
        PageTable.Of(
            "Readouts",
            [
                "secret",
                "readout",
                new("layer", true),
                new("first", true),
                new("success", true),
                new("control", true),
                new("shuffled", true),
                new("mean rank", true),
            ],
            result.Readouts.Select(one =>
                Markup.Of(
                    $"<tr><td>{one.Condition}</td><td>{one.Method}</td><td class=\"n\">{one.Layer?.ToString(CultureInfo.InvariantCulture) ?? "–"}</td>{StudyPage.Cell(one.First)}{StudyPage.Cell(one.Success)}{StudyPage.Cell(one.Control)}{StudyPage.Cell(one.Shuffled)}{StudyPage.Plain(one.MeanRank)}</tr>\n"
                )
            ),
            wide: true
        );

    private static Markup Said(HiddenStudyResult result) =>
        PageTable.Of(
            "Said in spite of all",
            ["secret", new("share of replies", true)],
            result.Said.Select(one => Markup.Of($"<tr><td>{one.Condition}</td>{StudyPage.Cell(one.Share)}</tr>\n"))
        );

    private static Markup Cases(HiddenStudyResult result) =>
        PageTable.Folded(
            "Ranks of each secret, conversation by conversation",
            ["secret", "readout", "word", "ranks", "ranks without the secret"],
            [
                .. result
                    .Cases.GroupBy(one => (one.Condition, one.Method, one.Word))
                    .Select(group =>
                        Markup.Of(
                            $"<tr><td>{group.Key.Condition}</td><td>{group.Key.Method}</td><td>{group.Key.Word}</td><td>{string.Join(", ", group.Select(one => one.IsSaid ? "said" : $"{one.Rank}"))}</td><td>{string.Join(", ", group.Select(one => $"{one.ControlRank}"))}</td></tr>\n"
                        )
                    ),
            ]
        );
}
