using GemmaScope.Files;

namespace GemmaScope.Training;

/// <summary>Reads the metrics that a run has written, also while it goes on.</summary>
public static class MetricsFile
{
    /// <summary>Its name in the folder of the result.</summary>
    public const string Name = "metrics.jsonl";

    /// <summary>The lines: <c>step</c>, <c>tokens</c>, <c>loss</c>, <c>fvu</c>, <c>l0</c> …</summary>
    /// <param name="folder">The folder of the result.</param>
    /// <exception cref="FileFormatException">There is no such file, or a line is damaged.</exception>
    public static IEnumerable<JsonSection> Read(string folder) => JsonLines.Read(Path.Combine(folder, Name));
}
