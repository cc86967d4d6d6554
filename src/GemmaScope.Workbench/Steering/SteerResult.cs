using System.Text.Json.Serialization;
using GemmaScope.Behaviour;

namespace GemmaScope.Workbench;

/// <summary>Texts with and without steering.</summary>
public sealed record SteerResult
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The dictionary's name; null where a contrast vector steers.</summary>
    public required string? Dictionary { get; init; }

    /// <summary>Where the dictionary or the vector writes.</summary>
    public required string Site { get; init; }

    /// <summary>How it is steered.</summary>
    public required string Mode { get; init; }

    /// <summary>At which positions: all, last or new.</summary>
    public required string Positions { get; init; }

    /// <summary>Whether BOS is steered too.</summary>
    public required bool Bos { get; init; }

    /// <summary>The contrast vector; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ContrastReport? Contrast { get; init; }

    /// <summary>The features that steer.</summary>
    public required IReadOnlyList<int> Features { get; init; }

    /// <summary>The text that is continued, or the message that is answered.</summary>
    public required string Prompt { get; init; }

    /// <summary>Whether it is a message.</summary>
    public required bool Chat { get; init; }

    /// <summary>What the model reads.</summary>
    public required IReadOnlyList<int> PromptIds { get; init; }

    /// <summary>Temperature of the sampling.</summary>
    public required double Temperature { get; init; }

    /// <summary>Frequency penalty of the sampling.</summary>
    public required double FrequencyPenalty { get; init; }

    /// <summary>Seed of the sampling.</summary>
    public required int Seed { get; init; }

    /// <summary>The text without steering.</summary>
    public required SteeredText Normal { get; init; }

    /// <summary>The steered text, or that of each strength of a sweep; those that were not begun are left out.</summary>
    public required IReadOnlyList<SteeredText> Steered { get; init; }
}

/// <summary>A vector that was made of contrast pairs.</summary>
/// <param name="File">Where they are from.</param>
/// <param name="Pairs">Their number.</param>
/// <param name="Norm">‖v‖.</param>
public sealed record ContrastReport(string File, int Pairs, float Norm);

/// <summary>One of the texts.</summary>
/// <param name="Strengths">The strength of each feature, or of the vector; empty where the mode has none or nothing is steered.</param>
/// <param name="Text">What was written.</param>
/// <param name="Ids">Its token ids.</param>
/// <param name="StoppedBy">Why it ended.</param>
/// <param name="Kl">See <see cref="SteeringEffect"/>; null where it was not measured.</param>
/// <param name="Surprise">See <see cref="SteeringEffect"/>.</param>
/// <param name="Repetition">See <see cref="SteeringEffect"/>.</param>
public sealed record SteeredText(
    IReadOnlyList<double> Strengths,
    string Text,
    IReadOnlyList<int> Ids,
    StopReason StoppedBy,
    double? Kl,
    double? Surprise,
    double? Repetition
)
{
    /// <summary>Whether what steering did was measured.</summary>
    [JsonIgnore]
    public bool IsMeasured => Kl is not null;
}
