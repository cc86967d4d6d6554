using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>A study of persona for people.</summary>
internal static class PersonaStudyText
{
    public static void Write(Terminal terminal, PersonaStudyResult result)
    {
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("instructions", result.InstructionsAreSystem ? "in system messages" : "at the beginning of the user's turn"),
            (
                "questions",
                FormattableString.Invariant(
                    $"{result.Questions[0]} to learn from, {result.Questions[1]} to choose by, {result.Questions[2]} to measure on"
                )
            ),
            ("axis", $"before layer {result.Axis.Layer}"),
            ("nearest to the default", Roles(result.Axis.Roles.Where(role => !role.IsDefault).Take(3))),
            ("farthest from it", Roles(result.Axis.Roles.Where(role => !role.IsDefault).Reverse().Take(3)))
        );
        terminal.Out.WriteLine();
        StudyText.Findings(terminal, result);
        terminal.Out.WriteLine();
        Effects(terminal, "cap", result.Axis.Cap);
        foreach (var trait in result.Traits)
        {
            terminal.Out.WriteLine();
            Effects(terminal, trait.Trait, trait.Steering);
            foreach (var score in trait.Scores)
                terminal.Out.WriteLine(
                    FormattableString.Invariant(
                        $"steering score, {score.Direction} × {score.Strength:0.##}: {score.Score.Score:0.000} (trait {score.Score.Concept:0.00}, instruction {score.Score.Instruction:0.00}, fluency {score.Score.Fluency:0.00})"
                    )
                );
        }
        StudyText.NotShown(terminal, result);
    }

    private static string Roles(IEnumerable<PersonaRolePlace> roles) =>
        string.Join(", ", roles.Select(role => FormattableString.Invariant($"{role.Role} ({role.Projection.Mean:0.0})")));

    private static void Effects(Terminal terminal, string name, IReadOnlyList<PersonaEffect> effects)
    {
        var table = new DataTable(
            name,
            new("strength", true),
            new("read", true),
            new("preference", true),
            new("on question", true),
            new("KL", true),
            new("surprise", true),
            new("repetition", true),
            new("drift", true)
        );
        foreach (var one in effects)
            table.Add(
                one.Strength == 0 ? "unedited" : one.Direction,
                one.Strength == 0 ? "" : FormattableString.Invariant($"{one.Strength:0.##}"),
                StudyText.Short(one.Read),
                StudyText.Short(one.Preference),
                StudyText.Short(one.OnQuestion),
                StudyText.Short(one.Kl),
                StudyText.Short(one.Surprise),
                StudyText.Short(one.Repetition),
                StudyText.Short(one.Drift)
            );
        table.Write(terminal);
    }
}
