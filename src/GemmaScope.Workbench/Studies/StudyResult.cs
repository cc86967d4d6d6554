using System.Text.Json.Serialization;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What every study says of itself, beside the numbers of its own.</summary>
/// <param name="Study">Which study it is: the word behind <c>study</c> in the command.</param>
public abstract record StudyResult([property: JsonPropertyOrder(-5)] string Study)
{
    /// <summary>The model.</summary>
    [JsonPropertyOrder(-4)]
    public required string Model { get; init; }

    /// <summary>The files of prompts, without their folders.</summary>
    [JsonPropertyOrder(-3)]
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>The numbers that a reader looks for first, each beside what it would be if nothing were there.</summary>
    [JsonPropertyOrder(-2)]
    public required IReadOnlyList<StudyFinding> Findings { get; init; }

    /// <summary>What the study does not show, a sentence each.</summary>
    [JsonPropertyOrder(-1)]
    public required IReadOnlyList<string> NotShown { get; init; }

    /// <summary>The seed.</summary>
    [JsonPropertyOrder(-1)]
    public required int Seed { get; init; }
}

/// <summary>A headline number of a study.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Value">The number, with its interval.</param>
/// <param name="Control">The same of the control; null where it has none.</param>
public sealed record StudyFinding(string What, MeanEstimate Value, MeanEstimate? Control)
{
    /// <summary>A finding; none where nothing was measured.</summary>
    internal static IEnumerable<StudyFinding> Of(string what, MeanEstimate? value, MeanEstimate? control = null) =>
        value is null ? [] : [new(what, value, control)];
}
