using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>The small sets of our own, with which studies run where no file is named.</summary>
internal static class StudyData
{
    /// <summary>The rows of a set of JSON lines.</summary>
    public static IReadOnlyList<JsonSection> Rows(string name)
    {
        using var stream = Open(name);
        return [.. JsonLines.Rows(stream, name).Select(row => row.Needed())];
    }

    /// <summary>The lines of a text.</summary>
    public static IReadOnlyList<string> Lines(string name)
    {
        using var reader = new StreamReader(Open(name));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    private static Stream Open(string name) => typeof(StudyData).Assembly.GetManifestResourceStream(name)!;
}
