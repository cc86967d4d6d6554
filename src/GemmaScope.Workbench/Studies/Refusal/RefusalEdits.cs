using GemmaScope.Behaviour;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>An edit of a study of refusal: how, how much, and along which direction.</summary>
internal sealed record RefusalEdit(string Edit, double Strength, string Direction, ReadOnlyMemory<float> Vector)
{
    /// <summary>The name of its part in the run folder.</summary>
    public string Name => FormattableString.Invariant($"run {Edit} {Strength} {Direction}");

    /// <summary>The edits of a run. A direction is taken out everywhere; it is added to a layer's input, but not at BOS, where what happens
    /// says nothing.</summary>
    public IReadOnlyList<Edit> Of(GemmaConfig config, int layer) =>
        Edit switch
        {
            RefusalEdits.Ablate => DirectionEdits.AblateWritten(config, Vector, Strength),
            RefusalEdits.Subtract => DirectionEdits.Add(config, layer, Vector, -Strength, 1..),
            RefusalEdits.Add => DirectionEdits.Add(config, layer, Vector, Strength, 1..),
            _ => [],
        };
}

/// <summary>The edits that a study tries, and their names.</summary>
internal static class RefusalEdits
{
    public const string None = "none",
        Ablate = "ablate",
        Subtract = "subtract",
        Add = "add";

    /// <summary>The direction that is studied; others are controls.</summary>
    public const string Studied = "refusal",
        Shuffled = "shuffled";

    /// <summary>The unedited model first, then each way and strength with the direction and the controls beside it.</summary>
    /// <param name="direction">The direction.</param>
    /// <param name="shuffled">The difference of two random halves of harmless prompts, as long as the direction; null where there is none.</param>
    /// <param name="options">Strengths and how many controls.</param>
    public static IReadOnlyList<RefusalEdit> All(
        ReadOnlyMemory<float> direction,
        ReadOnlyMemory<float>? shuffled,
        RefusalStudyJobOptions options
    )
    {
        List<(string Name, ReadOnlyMemory<float> Vector)> directions = [(Studied, direction)];
        for (var control = 0; control < options.Controls; control++)
            directions.Add(($"random {control + 1}", ControlDirections.Random(direction, options.Seed + control)));
        if (shuffled is { } other && options.Controls > 0)
            directions.Add((Shuffled, ControlDirections.Scaled(other, direction)));
        return
        [
            new(None, 0, Studied, direction),
            .. ((string[])[Ablate, Subtract, Add]).SelectMany(edit =>
                options
                    .Strengths.Order()
                    .SelectMany(strength => directions.Select(one => new RefusalEdit(edit, strength, one.Name, one.Vector)))
            ),
        ];
    }
}
