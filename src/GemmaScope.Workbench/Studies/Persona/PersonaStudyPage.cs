using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>A study of persona as one HTML page.</summary>
public static class PersonaStudyPage
{
    /// <summary>The page; texts of conversations are on it only where the result has them.</summary>
    public static Markup Render(PersonaStudyResult result) =>
        StudyPage.Render(
            result,
            $"Persona of {result.Model}",
            $"{result.Questions[^1]} test questions · {result.Traits.Count} traits",
            Markup.Of(
                $"""
                <h2>The assistant axis</h2>
                {StudyPage.Plots(PersonaStudyPlots.Axis(result.Axis))}{Roles(result.Axis)}{Effects(
                    "Caps along the axis and along other directions",
                    result.Axis.Cap,
                    hasDisturbance: true
                )}{result.Traits.Select(Trait)}{result.Conversations.Select(Conversation)}
                """
            ),
            "Intervals are over prompts (of drift: over windows of text; of AUROC: over questions). Projections are on unit vectors of the mean "
                + "residual stream over reply tokens. Read: projection of replies under the edit, as the unedited model reads them, minus that of "
                + "unedited replies. Preference: how much more likely the favoured reply became than the other: under a cap the default's over the "
                + "role's, under a trait's vector that with the trait over that without. On question: replies likelier behind their own prompt than "
                + "behind another. Random: as long as the vector; shuffled: the difference of replies that were shuffled."
        );

    private static Markup Roles(PersonaAxis axis) =>
        PageTable.Of(
            $"Where roles lie before layer {axis.Layer}",
            ["role", "", new("projection", true)],
            axis.Roles.Select(role =>
                Markup.Of(
                    $"<tr><td>{role.Role}</td><td>{(role.IsDefault ? "default" : role.MadeAxis ? "made the axis" : "held out")}</td>{StudyPage.Cell(role.Projection)}</tr>\n"
                )
            )
        );

    private static Markup Trait(PersonaTrait trait) =>
        Markup.Of(
            $"""
            <h2>{trait.Trait}</h2>
            <p>From {trait.Source}; before layer {trait.Layer}, length {Digits.Number(
                trait.Norm
            )}, in {trait.File}. Held-out replies with it lie at {Digits.Number(trait.With)}, those without at {Digits.Number(
                trait.Without
            )}.</p>
            {StudyPage.Plots(PersonaStudyPlots.Trait(trait))}{Effects(
                $"Adding the vector of {trait.Trait}",
                trait.Steering,
                hasDisturbance: false
            )}{Scores(trait)}
            """
        );

    private static Markup Scores(PersonaTrait trait) =>
        trait.Scores.Count == 0
            ? Markup.Empty
            : PageTable.Of(
                $"Steering score of {trait.Trait}, without a judge",
                [
                    "direction",
                    new("strength", true),
                    new("score", true),
                    new("trait", true),
                    new("instruction", true),
                    new("fluency", true),
                ],
                trait.Scores.Select(one =>
                    Markup.Of(
                        $"<tr><td>{one.Direction}</td>{StudyPage.Plain(one.Strength)}{StudyPage.Plain(one.Score.Score)}{StudyPage.Plain(one.Score.Concept)}{StudyPage.Plain(one.Score.Instruction)}{StudyPage.Plain(one.Score.Fluency)}</tr>\n"
                    )
                )
            );

    private static Markup Effects(string title, IReadOnlyList<PersonaEffect> effects, bool hasDisturbance) =>
        PageTable.Of(
            title,
            [
                "direction",
                new("strength", true),
                new("read", true),
                new("preference", true),
                new("on question", true),
                new("KL", true),
                new("surprise", true),
                new("repetition", true),
                .. hasDisturbance ? (PageColumn[])[new("KL on the default", true)] : [],
                new("drift", true),
            ],
            effects.Select(one =>
                Markup.Of(
                    $"<tr><td>{(one.Strength == 0 ? "unedited" : one.Direction)}</td><td class=\"n\">{(one.Strength == 0 ? "" : Digits.Number(one.Strength))}</td>{StudyPage.Cell(one.Read)}{StudyPage.Cell(one.Preference)}{StudyPage.Cell(one.OnQuestion)}{StudyPage.Cell(one.Kl)}{StudyPage.Cell(one.Surprise)}{StudyPage.Cell(one.Repetition)}{(hasDisturbance ? StudyPage.Cell(one.Disturbance) : Markup.Empty)}{StudyPage.Cell(one.Drift)}</tr>\n"
                )
            ),
            wide: true
        );

    private static Markup Conversation(PersonaConversation one) =>
        Markup.Of(
            $"""
            {StudyPage.Plots(PersonaStudyPlots.Along(one))}{PageTable.Of(
                $"Along the conversation {one.Id}",
                ["message", .. one.Directions.Select(name => new PageColumn(name, true)), .. one.Messages.Any(message => message.Text is not null) ? (PageColumn[])["text"] : []],
                one.Messages.Select(
                    (message, i) =>
                        Markup.Of(
                            $"<tr><td>{i + 1} {message.Role}</td>{message.Means.Select(mean => StudyPage.Plain(mean))}{(message.Text is null ? Markup.Empty : Markup.Of($"<td>{message.Text}</td>"))}</tr>\n"
                        )
                ),
                wide: true
            )}
            """
        );
}
