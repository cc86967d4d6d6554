namespace GemmaScope.Training;

/// <summary>A search for the λ that leads to an L0, by short runs before the training (<see cref="LambdaSearch"/>).</summary>
public sealed record SearchSettings
{
    /// <summary>How much shorter than the training a run of the search is, unless told.</summary>
    internal const int Shorter = 10;

    /// <summary>The L0 wanted; null: nothing is searched for.</summary>
    public double? L0 { get; init; }

    /// <summary>How far the L0 of a short run may be from it, as a share of it.</summary>
    public double Tolerance { get; init; } = 0.05;

    /// <summary>Short runs at most.</summary>
    public int Runs { get; init; } = 8;

    /// <summary>Steps of a short run; null: a tenth of the training's.</summary>
    public long? Steps { get; init; }

    /// <summary>What was found, with which the dictionary is trained instead of recipe.lambda, where the search begins; null: not
    /// yet.</summary>
    public double? Lambda { get; init; }
}
