using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>A study of refusal as one HTML page.</summary>
public static class RefusalStudyPage
{
    /// <summary>The page; texts of prompts are on it only where the result has them.</summary>
    public static Markup Render(RefusalStudyResult result) =>
        StudyPage.Render(
            result,
            $"Refusal in {result.Model}",
            $"direction of layer {result.Direction.Layer}"
                + (result.Direction.Position is { } position ? $", position {position}" : "")
                + $" ({result.Direction.Source})",
            Markup.Of(
                $"""
                <h2>Refusal and damage</h2>
                {StudyPage.Plots([.. RefusalStudyPlots.Frontiers(result), .. RefusalStudyPlots.Tasks(result)])}{Effects(result)}{Where(result)}{StudyPage.Plots(
                    RefusalStudyPlots.Geometry(result)
                )}{result.Features.Select(Features)}{Prompts(result)}
                """
            ),
            "Intervals are over prompts (of drift: over windows of text). Score: log-odds that the first token begins a refusal; refused: "
                + "the score is above 0; words: words of refusal in the reply. KL: of the first token, unedited from edited. Random: as long "
                + "as the direction; shuffled: the difference of two halves of the harmless prompts."
        );

    private static Markup Effects(RefusalStudyResult result)
    {
        var hasShield = result.Shield is not null;
        var hasTasks = result.Effects[0].Tasks is not null;
        var hasOver = result.Effects[0].Sets.Any(set => set.Set == RefusalSets.OverRefusal);
        PageColumn[] columns =
        [
            "edit",
            "direction",
            new("strength", true),
            new("harmful refused", true),
            new("words", true),
            .. hasShield ? (PageColumn[])[new("violations", true)] : [],
            new("harmless refused", true),
            new("words", true),
            .. hasOver ? (PageColumn[])[new("over-refusal", true), new("words", true)] : [],
            new("KL", true),
            new("drift", true),
            .. hasTasks ? (PageColumn[])[new("tasks solved", true)] : [],
        ];
        return PageTable.Of("What edits do", columns, result.Effects.Select(Row), wide: true);

        Markup Row(RefusalEffect one)
        {
            var (harmful, harmless) = (one.Sets[0], one.Sets[1]);
            var over = one.Sets.FirstOrDefault(set => set.Set == RefusalSets.OverRefusal);
            return Markup.Of(
                $"<tr><td>{one.Edit}</td><td>{(one.Edit == RefusalEdits.None ? "" : one.Direction)}</td><td class=\"n\">{(one.Edit == RefusalEdits.None ? "" : Digits.Number(one.Strength))}</td>{StudyPage.Cell(harmful.FirstToken)}{StudyPage.Cell(harmful.Substring)}{(hasShield ? StudyPage.Cell(harmful.Violations) : Markup.Empty)}{StudyPage.Cell(harmless.FirstToken)}{StudyPage.Cell(harmless.Substring)}{(hasOver ? Markup.Join([StudyPage.Cell(over?.FirstToken), StudyPage.Cell(over?.Substring)]) : Markup.Empty)}{StudyPage.Cell(harmless.Kl)}{StudyPage.Cell(one.CrossEntropyDrift)}{(hasTasks ? StudyPage.Cell(one.Tasks) : Markup.Empty)}</tr>\n"
            );
        }
    }

    private static Markup Where(RefusalStudyResult result) =>
        PageTable.Of(
            "Where it lies",
            [
                new("layer", true),
                new("‖harmful‖", true),
                new("‖harmless‖", true),
                new("‖difference‖", true),
                new("cos harmful, harmless", true),
                new("cos with the direction", true),
                new("silhouette", true),
                new("AUROC of the projection", true),
            ],
            result.Layers.Select(layer =>
                Markup.Of(
                    $"<tr><td class=\"n\">{layer.Layer}</td>{StudyPage.Plain(layer.Means.PositiveNorm)}{StudyPage.Plain(layer.Means.NegativeNorm)}{StudyPage.Plain(layer.Means.DifferenceNorm)}{StudyPage.Plain(layer.Means.PositiveNegative)}{StudyPage.Plain(layer.CosineWithDirection)}{StudyPage.Plain(layer.Silhouette)}{StudyPage.Plain(layer.ProjectionAuroc)}</tr>\n"
                )
            ),
            wide: true
        );

    private static Markup Features(RefusalFeatures one) =>
        Markup.Join([
            Listed($"Nearest features of {one.Dictionary} at {one.Site}", one.Nearest),
            Listed($"Features of {one.Dictionary} that add most to refusal", one.Attributed),
            PageTable.Of(
                $"Clamped together: features of {one.Dictionary}",
                ["clamp", "features", new("harmful score", true), new("harmless score", true), new("KL", true)],
                one.Effects.Select(effect =>
                    Markup.Of(
                        $"<tr><td>{effect.Clamp}</td><td>{effect.Features}</td>{StudyPage.Cell(effect.HarmfulScore)}{StudyPage.Cell(effect.HarmlessScore)}{StudyPage.Cell(effect.Kl)}</tr>\n"
                    )
                )
            ),
        ]);

    private static Markup Listed(string title, IReadOnlyList<RefusalFeature> features) =>
        PageTable.Of(
            title,
            [new("feature", true), new("cosine", true), new("attribution", true), new("density", true), new("largest activation", true)],
            features.Select(feature =>
                Markup.Of(
                    $"<tr><td class=\"n\">{feature.Feature}</td>{StudyPage.Plain(feature.Cosine)}{StudyPage.Plain(feature.Attribution)}<td class=\"n\">{Digits.Percent(feature.Density)}</td>{StudyPage.Plain(feature.Largest)}</tr>\n"
                )
            )
        );

    private static Markup Prompts(RefusalStudyResult result)
    {
        if (result.Prompts.All(prompt => prompt.Text is null))
            return Markup.Empty;
        var place = 0;
        var scores = result.Runs[0].Sets.SelectMany(set => set.Scores).ToArray();
        return PageTable.Folded(
            "Prompts",
            ["set", "id", new("score", true), "prompt", "reply"],
            [
                .. result.Prompts.Select(prompt =>
                    Markup.Of(
                        $"<tr><td>{prompt.Set}</td><td>{prompt.Id}</td>{StudyPage.Plain(scores[place++])}<td>{prompt.Text}</td><td>{prompt.Reply}</td></tr>\n"
                    )
                ),
            ]
        );
    }
}
