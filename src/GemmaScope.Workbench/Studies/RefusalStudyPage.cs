using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>A study of refusal as one HTML page.</summary>
public static class RefusalStudyPage
{
    private const string Style = """
        .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; }
        .plots svg { max-width: 100%; height: auto; }

        """;

    /// <summary>The page; texts of prompts are on it only where the result has them.</summary>
    public static Markup Render(RefusalStudyResult result) =>
        new ReportPage($"Refusal in {result.Model}", Header(result)) { Style = Style }.Render(
            Markup.Of(
                $"""
                <h2>Refusal and damage</h2>
                <div class="plots">
                {RefusalStudyPlots.Frontiers(result)}</div>
                {Effects(result)}{Where(result)}<div class="plots">
                {RefusalStudyPlots.Geometry(result)}</div>
                {result.Features.Select(Features)}{Prompts(result)}<h2>Not shown</h2>
                <ul>
                {result.NotShown.Select(line => Markup.Of($"<li>{line}</li>\n"))}</ul>

                """
            ),
            Markup.Of(
                $"""
                <p>In brackets 95 % bootstrap intervals over prompts (of drift: over windows of text). Score: log-odds that the first token begins a refusal; refused: the score is above 0; words: words of refusal in the reply. KL: of the first token, unedited from edited. Random: as long as the direction; shuffled: the difference of two halves of the harmless prompts. Seed {result.Seed}.</p>

                """
            )
        );

    private static Markup Header(RefusalStudyResult result) =>
        Markup.Of(
            $"<p class=\"meta\">{result.Model} · {string.Join(", ", result.Files)} · direction of layer {result.Direction.Layer}{(
                result.Direction.Position is { } position ? Markup.Of($", position {position}") : Markup.Empty
            )} ({result.Direction.Source})</p>"
        );

    private static Markup Effects(RefusalStudyResult result)
    {
        var hasShield = result.Shield is not null;
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
        ];
        return PageTable.Of("What edits do", columns, result.Effects.Select(Row), wide: true);

        Markup Row(RefusalEffect one)
        {
            var (harmful, harmless) = (one.Sets[0], one.Sets[1]);
            var over = one.Sets.FirstOrDefault(set => set.Set == RefusalSets.OverRefusal);
            return Markup.Of(
                $"<tr><td>{one.Edit}</td><td>{(one.Edit == RefusalEdits.None ? "" : one.Direction)}</td><td class=\"n\">{(one.Edit == RefusalEdits.None ? "" : Digits.Number(one.Strength))}</td>{Cell(harmful.FirstToken)}{Cell(harmful.Substring)}{(hasShield ? Cell(harmful.Violations) : Markup.Empty)}{Cell(harmless.FirstToken)}{Cell(harmless.Substring)}{(hasOver ? Markup.Join([Cell(over?.FirstToken), Cell(over?.Substring)]) : Markup.Empty)}{Cell(harmless.Kl)}{Cell(one.CrossEntropyDrift)}</tr>\n"
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
                    $"<tr><td class=\"n\">{layer.Layer}</td>{Plain(layer.Means.PositiveNorm)}{Plain(layer.Means.NegativeNorm)}{Plain(layer.Means.DifferenceNorm)}{Plain(layer.Means.PositiveNegative)}{Plain(layer.CosineWithDirection)}{Plain(layer.Silhouette)}{Plain(layer.ProjectionAuroc)}</tr>\n"
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
                        $"<tr><td>{effect.Clamp}</td><td>{effect.Features}</td>{Cell(effect.HarmfulScore)}{Cell(effect.HarmlessScore)}{Cell(effect.Kl)}</tr>\n"
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
                    $"<tr><td class=\"n\">{feature.Feature}</td>{Plain(feature.Cosine)}{Plain(feature.Attribution)}<td class=\"n\">{Digits.Percent(feature.Density)}</td>{Plain(feature.Largest)}</tr>\n"
                )
            )
        );

    private static Markup Prompts(RefusalStudyResult result)
    {
        if (result.Prompts.All(prompt => prompt.Text is null))
            return Markup.Empty;
        var place = 0;
        var scores = result.Runs[0].Sets.SelectMany(set => set.Scores).ToArray();
        return PageTable.Of(
            "Prompts",
            ["set", "id", new("score", true), "prompt", "reply"],
            result.Prompts.Select(prompt =>
                Markup.Of(
                    $"<tr><td>{prompt.Set}</td><td>{prompt.Id}</td>{Plain(scores[place++])}<td>{prompt.Text}</td><td>{prompt.Reply}</td></tr>\n"
                )
            ),
            wide: true
        );
    }

    private static Markup Plain(double? value) => Markup.Of($"<td class=\"n\">{(value is { } number ? Digits.Number(number) : "–")}</td>");

    private static Markup Cell(MeanEstimate? value) =>
        value is null
            ? Markup.Of($"<td class=\"n\">–</td>")
            : Markup.Of(
                $"<td class=\"n\">{Digits.Number(value.Mean)}<br><small>[{Digits.Number(value.Low)}, {Digits.Number(value.High)}]</small></td>"
            );
}
