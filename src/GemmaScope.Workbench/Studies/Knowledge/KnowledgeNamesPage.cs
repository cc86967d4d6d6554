using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>Names and traits on the page of a study of knowledge.</summary>
internal static class KnowledgeNamesPage
{
    public static Markup Entities(KnowledgeEntities entities) =>
        Markup.Join([
            Markup.Of(
                $"""
                <h2>Known and unknown names</h2>
                <p>{entities.Known} known and {entities.Unknown} unknown names by {entities.Source}; half of them made and chose, the others test. {entities.Pairs} pairs of these match: as many tokens, and about as common ({entities.Frequencies}).{Differences(
                    entities
                )}</p>

                """
            ),
            StudyPage.Plots([
                StudyPage.Plot(
                    new SvgPlot("Known names by layer", "layer", "AUROC"),
                    [("tested", Line(entities, layer => layer.Tested)), ("chosen by", Line(entities, layer => layer.Selected))]
                ),
            ]),
            PageTable.Of(
                "Known from unknown (AUROC)",
                ["", new("feature", true), "larger for", new("where it was chosen", true), new("tested", true), new("matched", true)],
                entities.Scores.Select(one =>
                    Markup.Of(
                        $"<tr><td>{one.Name}</td><td class=\"n\">{$"{one.Feature}"}</td><td>{one.Side}</td>{StudyPage.Plain(one.Selected)}{StudyPage.Cell(one.Unmatched)}{StudyPage.Cell(one.Matched)}</tr>\n"
                    )
                ),
                wide: true
            ),
            PageTable.Of(
                $"Steering, and how likely “{IgnoranceWords.Phrase}” becomes",
                ["edit", "towards", new("change of log p", true), new("replies with such words", true), new("before", true)],
                entities.Steered.Select(one =>
                    Markup.Of(
                        $"<tr><td>{one.Edit}</td><td>{one.Towards}</td>{StudyPage.Cell(one.Phrase)}{StudyPage.Cell(one.Words)}{StudyPage.Cell(one.WordsBefore)}</tr>\n"
                    )
                ),
                wide: true
            ),
        ]);

    public static Markup Trait(KnowledgeTrait trait) =>
        Markup.Join([
            Markup.Of(
                $"""
                <h2>{trait.Trait}</h2>
                <p>{trait.Texts} texts, {trait.Tested} of them tested; layer {trait.Layer}, {trait.Point}. A bag of words reaches {Number(
                    trait.Words
                )} on plain texts. <strong>{trait.Verdict}</strong></p>

                """
            ),
            StudyPage.Plots([
                StudyPage.Plot(
                    new SvgPlot($"{trait.Trait} by layer, plain", "layer", "AUROC"),
                    [("tested", [.. trait.ByLayer.Select((auroc, layer) => new PlotPoint(layer, auroc ?? double.NaN, $"layer {layer}"))])]
                ),
            ]),
            PageTable.Of(
                $"{trait.Trait}: each style held out (AUROC)",
                [
                    "style",
                    new("fitted on plain", true),
                    new("fitted on other styles", true),
                    new("without entropy and length", true),
                    new("entropy and length alone", true),
                    new("shuffled labels", true),
                    new("p", true),
                    "",
                ],
                trait.Shifts.Select(shift =>
                    Markup.Of(
                        $"<tr><td>{shift.Style}</td>{StudyPage.Plain(shift.PlainAuroc)}{StudyPage.Cell(Estimate(trait, shift.Auroc, shift.Interval))}{StudyPage.Cell(Estimate(trait, shift.Residual, shift.ResidualInterval))}{StudyPage.Plain(shift.CovariateAuroc)}{StudyPage.Plain(shift.NullMean)}{StudyPage.Plain(shift.PValue)}<td>{(shift.Survives ? "survives" : "dies")}</td></tr>\n"
                    )
                ),
                wide: true
            ),
        ]);

    private static Evaluation.MeanEstimate? Estimate(KnowledgeTrait trait, double? value, Evaluation.Interval? interval) =>
        value is { } mean && interval is { } ends ? new(trait.Tested, mean, ends.Low, ends.High) : null;

    private static string Differences(KnowledgeEntities entities) =>
        entities.Before is { } before
            ? $" Known and unknown names differ by {Digits.Signed(before.Tokens)} of their spread in tokens and by {Digits.Signed(before.Frequency)} in frequency"
                + (
                    entities.After is { } after
                        ? $"; matched ones by {Digits.Signed(after.Tokens)} and {Digits.Signed(after.Frequency)}."
                        : "."
                )
            : "";

    private static string Number(double? value) => value is { } number ? Digits.Number(number) : "–";

    private static IReadOnlyList<PlotPoint> Line(KnowledgeEntities entities, Func<EntityLayer, double?> value) =>
        [.. entities.Layers.Select(layer => new PlotPoint(layer.Layer, value(layer) ?? double.NaN, $"layer {layer.Layer}"))];
}
