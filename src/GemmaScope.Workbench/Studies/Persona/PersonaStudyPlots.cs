using GemmaScope.Evaluation;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>The pictures of a study of persona.</summary>
internal static class PersonaStudyPlots
{
    /// <summary>How the default and roles lie, by layer, and where every role lies.</summary>
    public static IEnumerable<Markup> Axis(PersonaAxis axis)
    {
        yield return Layers("The default told from roles", axis.Layers);
        yield return StudyPage.Plot(
            new SvgPlot("Projection on the axis by layer", "layer", "mean projection"),
            [("default", Points(axis.Layers, one => one.Positive)), ("held-out roles", Points(axis.Layers, one => one.Negative))]
        );
        yield return StudyPage.Plot(
            new SvgPlot($"Roles before layer {axis.Layer}", "projection on the axis", "rank") { IsJoined = false },
            ((string Name, Func<PersonaRolePlace, bool> Which)[])
                [
                    ("default", role => role.IsDefault),
                    ("made the axis", role => !role.IsDefault && role.MadeAxis),
                    ("held out", role => !role.IsDefault && !role.MadeAxis),
                ]
                is var groups
                ? groups.Select(group =>
                    (
                        group.Name,
                        (IReadOnlyList<PlotPoint>)
                            [
                                .. axis
                                    .Roles.Index()
                                    .Where(one => group.Which(one.Item))
                                    .Select(one => new PlotPoint(one.Item.Projection.Mean, axis.Roles.Count - one.Index, one.Item.Role)),
                            ]
                    )
                )
                : []
        );
    }

    /// <summary>Where a trait separates, and its dose-effect curves with the damage.</summary>
    public static IEnumerable<Markup> Trait(PersonaTrait trait)
    {
        yield return Layers($"{trait.Trait} by layer", trait.Layers);
        foreach (
            var (name, unit, value) in ((string, string, Func<PersonaEffect, MeanEstimate?>)[])
                [
                    ("what is read in replies", "projection gained", one => one.Read),
                    ("preference", "nats a token", one => one.Preference),
                    ("KL from the unedited model", "nats a token", one => one.Kl),
                    ("repetition", "share of token pairs", one => one.Repetition),
                ]
        )
            yield return StudyPage.Plot(
                new SvgPlot($"{trait.Trait}: {name}", "strength", unit) { FromZero = true },
                trait
                    .Steering.Where(one => one.Strength != 0)
                    .GroupBy(one => one.Direction)
                    .Select(group =>
                        (
                            group.Key,
                            (IReadOnlyList<PlotPoint>)
                                [
                                    .. group
                                        .Append(trait.Steering[0])
                                        .OrderBy(one => one.Strength)
                                        .Select(one => new PlotPoint(
                                            one.Strength,
                                            value(one)?.Mean ?? double.NaN,
                                            FormattableString.Invariant($"{group.Key} × {one.Strength:0.##}")
                                        )),
                                ]
                        )
                    )
            );
    }

    /// <summary>Projections token by token, a picture for each direction, coloured by whose token it is.</summary>
    public static IEnumerable<Markup> Along(PersonaConversation conversation) =>
        conversation.Directions.Select(
            (name, place) =>
                StudyPage.Plot(
                    new SvgPlot($"{conversation.Id}: {name}", "token", "projection") { IsJoined = false, Radius = 2.5 },
                    conversation
                        .Tokens.GroupBy(token => token.Message is { } message ? conversation.Messages[message].Role : "template")
                        .Select(group =>
                            (
                                group.Key,
                                (IReadOnlyList<PlotPoint>)
                                    [
                                        .. group.Select(token => new PlotPoint(
                                            token.Position,
                                            token.Values[place],
                                            $"token {token.Position}"
                                        )),
                                    ]
                            )
                        )
                )
        );

    private static Markup Layers(string title, IReadOnlyList<PersonaLayer> layers) =>
        StudyPage.Plot(
            new SvgPlot(title, "layer", "AUROC"),
            [("choosing", Points(layers, one => one.Validation)), ("held out", Points(layers, one => one.Test))]
        );

    private static IReadOnlyList<PlotPoint> Points(IReadOnlyList<PersonaLayer> layers, Func<PersonaLayer, double> value) =>
        [.. layers.Select(layer => new PlotPoint(layer.Layer, value(layer), $"layer {layer.Layer}"))];
}
