namespace GemmaScope.Training;

/// <summary>How far a run is.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Tokens">Activations trained on.</param>
/// <param name="TokensPerSecond">Since this process began or took the run up.</param>
/// <param name="Loading">Share of that time in which the run waited for data.</param>
public sealed record TrainingProgress(long Step, long TotalSteps, long Tokens, double TokensPerSecond, double Loading);
