namespace GemmaScope.Workbench;

/// <summary>A piece of a text that a job is writing: whole characters, as soon as they are certain.</summary>
/// <param name="Text">What comes next.</param>
/// <param name="Series">Which text, where a job writes several: from 0.</param>
public sealed record JobText(string Text, int Series = 0) : JobReport
{
    /// <summary>Whether the model thinks it, and does not say it.</summary>
    public bool IsThinking { get; init; }
}
