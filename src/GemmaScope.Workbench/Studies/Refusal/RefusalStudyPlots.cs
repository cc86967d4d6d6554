using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>The pictures of a study of refusal.</summary>
internal static class RefusalStudyPlots
{
    private static readonly (string Name, Func<RefusalSetEffect, MeanEstimate?> Value)[] Judges =
    [
        ("first token", set => set.FirstToken),
        ("words in replies", set => set.Substring),
    ];

    /// <summary>Refusal by two judges against damage, a point for each strength; controls beside.</summary>
    public static IEnumerable<Markup> Frontiers(RefusalStudyResult result)
    {
        foreach (var edit in (string[])[RefusalEdits.Ablate, RefusalEdits.Subtract, RefusalEdits.Add])
        foreach (var (judge, value) in Judges)
        {
            // What is added should bring refusal to harmless prompts; what is taken out should take it from harmful ones.
            var (set, name) = edit == RefusalEdits.Add ? (1, "harmless") : (0, "harmful");
            var title = $"{edit}: {name} refused, {judge}";
            var plot = new SvgPlot(title, "KL on harmless prompts (nats)", "share refused") { FromZero = true };
            yield return StudyPage.Plot(
                plot,
                result
                    .Effects.Where(effect => effect.Edit == edit)
                    .GroupBy(effect => effect.IsControl)
                    .OrderBy(group => group.Key)
                    .Select(group => (group.Key ? "controls" : "refusal", Frontier(result.Effects[0], group, set, value)))
            );
        }
        yield return StudyPage.Plot(
            new SvgPlot("Drift on plain text", "strength", "cross-entropy gained (nats)") { FromZero = true },
            ((string[])[RefusalEdits.Ablate, RefusalEdits.Subtract, RefusalEdits.Add]).Select(edit =>
                (
                    edit,
                    (IReadOnlyList<PlotPoint>)
                        [
                            new(0, 0, "unedited"),
                            .. result
                                .Effects.Where(effect => effect.Edit == edit && !effect.IsControl)
                                .Select(effect => new PlotPoint(effect.Strength, effect.CrossEntropyDrift?.Mean ?? double.NaN, edit)),
                        ]
                )
            )
        );
    }

    /// <summary>Refusal of harmful requests against the tasks that are still solved.</summary>
    public static IEnumerable<Markup> Tasks(RefusalStudyResult result) =>
        result.Effects[0].Tasks is null
            ? []
            :
            [
                StudyPage.Plot(
                    new SvgPlot("Tasks solved", "strength", "share solved") { FromZero = true },
                    ((string[])[RefusalEdits.Ablate, RefusalEdits.Subtract, RefusalEdits.Add]).Select(edit =>
                        (
                            edit,
                            (IReadOnlyList<PlotPoint>)
                                [
                                    new(0, result.Effects[0].Tasks!.Mean, "unedited"),
                                    .. result
                                        .Effects.Where(effect => effect.Edit == edit && !effect.IsControl)
                                        .Select(effect => new PlotPoint(effect.Strength, effect.Tasks?.Mean ?? double.NaN, edit)),
                                ]
                        )
                    )
                ),
            ];

    /// <summary>How the classes lie, by layer and in the plane, and what was tried to find the direction.</summary>
    public static IEnumerable<Markup> Geometry(RefusalStudyResult result)
    {
        yield return StudyPage.Plot(
            new SvgPlot("The classes by layer", "layer", "") { FromZero = true },
            [
                ("silhouette", Layers(layer => layer.Silhouette)),
                ("AUROC", Layers(layer => layer.ProjectionAuroc)),
                ("cosine with the direction", Layers(layer => layer.CosineWithDirection)),
            ]
        );
        yield return StudyPage.Plot(
            new SvgPlot(
                $"Test prompts at layer {result.Direction.Layer}",
                FormattableString.Invariant($"first component ({result.Plane.FirstShare:0 %})"),
                FormattableString.Invariant($"second component ({result.Plane.SecondShare:0 %})")
            )
            {
                IsJoined = false,
                Radius = 3,
            },
            [("harmful", Places(result.Plane.Harmful, "harmful")), ("harmless", Places(result.Plane.Harmless, "harmless"))]
        );
        if (result.Candidates.Count > 0)
            yield return StudyPage.Plot(
                new SvgPlot("Directions that were tried", "layer", "refusal score without it"),
                result
                    .Candidates.GroupBy(one => one.Position)
                    .OrderByDescending(group => group.Key)
                    .Select(group =>
                        (
                            $"position {group.Key}",
                            (IReadOnlyList<PlotPoint>)
                                [
                                    .. group.Select(one => new PlotPoint(
                                        one.Layer,
                                        one.AblatedScore ?? double.NaN,
                                        FormattableString.Invariant(
                                            $"layer {one.Layer}, KL {one.HarmlessDivergence:0.000}, added {one.AddedScore:0.0}"
                                        )
                                    )),
                                ]
                        )
                    )
            );

        IReadOnlyList<PlotPoint> Layers(Func<RefusalLayer, double?> value) =>
            [.. result.Layers.Select(layer => new PlotPoint(layer.Layer, value(layer) ?? double.NaN, $"layer {layer.Layer}"))];

        static IReadOnlyList<PlotPoint> Places(IReadOnlyList<double[]> places, string name) =>
            [.. places.Select(place => new PlotPoint(place[0], place[1], name))];
    }

    private static IReadOnlyList<PlotPoint> Frontier(
        RefusalEffect clean,
        IEnumerable<RefusalEffect> effects,
        int set,
        Func<RefusalSetEffect, MeanEstimate?> value
    ) =>
        [
            new(0, value(clean.Sets[set])?.Mean ?? double.NaN, "unedited"),
            .. effects
                .Where(one => value(one.Sets[set]) is not null)
                .GroupBy(effect => effect.Strength)
                .OrderBy(group => group.Key)
                .Select(group => new PlotPoint(
                    group.Average(one => one.Sets[1].Kl!.Mean),
                    group.Average(one => value(one.Sets[set])!.Mean),
                    FormattableString.Invariant($"strength {group.Key}")
                )),
        ];
}
