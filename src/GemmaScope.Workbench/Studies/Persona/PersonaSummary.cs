using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What is made of the numbers of a study of persona.</summary>
internal static class PersonaSummary
{
    // An AUROC below this tells nothing apart that one could build on.
    private const double Separates = 0.7;

    /// <summary>The numbers that a reader looks for first, each beside the control that does most.</summary>
    public static IReadOnlyList<StudyFinding> Findings(PersonaAxis axis, IReadOnlyList<PersonaTrait> traits)
    {
        List<StudyFinding> findings =
        [
            .. StudyFinding.Of(
                "assistant axis: the default told from roles that did not make it (AUROC)",
                axis.Separation,
                Most(axis.Shuffled, axis.Random)
            ),
            .. Effect(
                "cap: roles' replies towards the default's, nats a token",
                axis.Cap,
                PersonaAxisStudy.Assistant,
                one => one.Preference
            ),
            .. Effect("cap: what is read in roles' replies", axis.Cap, PersonaAxisStudy.Assistant, one => one.Read),
            .. Effect("cap: KL on the default's own replies", axis.Cap, PersonaAxisStudy.Assistant, one => one.Disturbance),
        ];
        foreach (var trait in traits)
        {
            findings.AddRange(
                StudyFinding.Of($"{trait.Trait}: with told from without (AUROC)", trait.Separation, Most(trait.Shuffled, trait.Random))
            );
            var strength = FormattableString.Invariant($"{trait.Steering.Max(one => one.Strength):0.##}");
            findings.AddRange(Effect($"{trait.Trait} × {strength}: what is read in replies", trait.Steering, trait.Trait, one => one.Read));
            findings.AddRange(
                Effect(
                    $"{trait.Trait} × {strength}: preference for replies with it, nats a token",
                    trait.Steering,
                    trait.Trait,
                    one => one.Preference
                )
            );
            findings.AddRange(
                Effect($"{trait.Trait} × {strength}: KL from the unedited model", trait.Steering, trait.Trait, one => one.Kl)
            );
        }
        return findings;
    }

    /// <summary>What the study does not show.</summary>
    public static IReadOnlyList<string> NotShown(
        PersonaStudyJobOptions options,
        PersonaAxis axis,
        IReadOnlyList<PersonaTrait> traits,
        bool takesSystem,
        int textTokens
    )
    {
        List<string> lines = [];
        if (axis.Separation.Low < Separates)
            lines.Add(
                FormattableString.Invariant(
                    $"That there is an assistant axis: it tells the default from new roles with an AUROC of {axis.Separation.Mean:0.00} only."
                )
            );
        foreach (var trait in traits.Where(trait => trait.Separation.Low < Separates))
            lines.Add(
                FormattableString.Invariant(
                    $"That the model shows {trait.Trait} when asked: what was held out is told apart with an AUROC of {trait.Separation.Mean:0.00} only."
                )
            );
        foreach (var trait in traits.Where(trait => trait.Separation.Low >= Separates))
            if (Most(trait.Shuffled, trait.Random) is { } control && control.High >= trait.Separation.Mean)
                lines.Add(
                    $"That it takes this vector to tell {trait.Trait} from its contrast: a random or a shuffled direction tells them apart as well."
                );
        foreach (var trait in traits)
            if (!IsAboveControls(trait.Steering, trait.Trait, one => one.Read))
                lines.Add(
                    $"That adding the vector of {trait.Trait} brings it into replies: no strength changes what is read in them more than every control."
                );
        if (!IsAboveControls(axis.Cap, PersonaAxisStudy.Assistant, one => one.Preference))
            lines.Add("That a cap along the axis leads roles back to the default: it does no more than caps along other directions.");
        if (options.Controls == 0)
            lines.Add("Nothing was compared with random directions.");
        if (!takesSystem)
            lines.Add("What a system message would do: the template has none, and instructions were part of the user's turn.");
        lines.Add(
            "What a person or a judge would say of replies: they are read by the unedited model along the same directions, and by likelihoods."
        );
        lines.Add($"Replies were cut at {options.MaxTokens} tokens, the most likely each time.");
        lines.Add(
            $"Damage is KL, likelihood and repetition of replies, and cross-entropy on {textTokens} tokens of plain text; no set of tasks was solved with edits."
        );
        lines.Add("One seed, one split, one model, and few questions and roles.");
        return lines;
    }

    private static bool IsAboveControls(IReadOnlyList<PersonaEffect> effects, string studied, Func<PersonaEffect, MeanEstimate?> value) =>
        effects
            .Where(one => one.Strength > 0)
            .GroupBy(one => one.Strength)
            .Any(group =>
                value(group.First(one => one.Direction == studied)) is { Low: > 0 } own
                && group.Where(one => one.Direction != studied).All(one => value(one) is not { } other || other.High < own.Mean)
            );

    private static IEnumerable<StudyFinding> Effect(
        string what,
        IReadOnlyList<PersonaEffect> effects,
        string studied,
        Func<PersonaEffect, MeanEstimate?> value
    )
    {
        var strongest = effects.Where(one => one.Direction == studied).MaxBy(one => one.Strength)!;
        return StudyFinding.Of(
            what,
            value(strongest),
            effects
                .Where(one => one.Direction != studied && one.Strength == strongest.Strength)
                .Select(value)
                .OfType<MeanEstimate>()
                .MaxBy(one => one.Mean)
        );
    }

    private static MeanEstimate? Most(params MeanEstimate?[] values) => values.OfType<MeanEstimate>().MaxBy(one => one.Mean);
}
