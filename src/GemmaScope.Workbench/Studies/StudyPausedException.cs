namespace GemmaScope.Workbench;

/// <summary>A study that has used the time it was given. What it measured is in its folder.</summary>
/// <param name="folder">The folder.</param>
/// <param name="parts">How many parts are measured.</param>
public sealed class StudyPausedException(string folder, int parts)
    : GemmaScopeException($"the study's time is spent; {parts} parts are measured. Give the same command again to go on", folder);
