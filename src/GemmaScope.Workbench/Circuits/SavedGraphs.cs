using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>The graphs that a user keeps: files of a folder, each known by its name without the ending.</summary>
internal static class SavedGraphs
{
    /// <summary>Characters of a name at most.</summary>
    private const int LongestName = 100;

    private static readonly string[] Endings = [".json", ".json.gz", ".json.zst"];

    /// <summary>The folder where graphs are kept.</summary>
    /// <param name="folder">One that was named, or null for the user's own.</param>
    /// <exception cref="ArgumentProblemException">There is no place for one.</exception>
    public static string Folder(string? folder) =>
        folder
        ?? GraphFolders.OfUser()
        ?? throw new ArgumentProblemException("must be named, as there is no place for a user's own graphs", new Setting("To"));

    /// <summary>The file of a graph.</summary>
    /// <param name="name">A file, or the name of a graph that is kept.</param>
    /// <exception cref="ArgumentProblemException">There is neither.</exception>
    public static string Find(string name)
    {
        if (File.Exists(name))
            return name;
        string[] folders = [.. new[] { GraphFolders.OfUser(), GraphFolders.OfDemo() }.OfType<string>()];
        // Among what is there, so that no name can lead out of the folders.
        var files = folders.SelectMany(folder => Directory.EnumerateFiles(folder)).Where(file => NameOf(file) is not null).ToArray();
        return files.FirstOrDefault(file => NameOf(file) == name)
            ?? throw new ArgumentProblemException(
                $"there is no such file, and no graph that is kept is called so; there are {files.Length}"
                    + string.Concat(files.Take(5).Select((file, i) => $"{(i == 0 ? ": " : ", ")}{NameOf(file)}")),
                name
            );
    }

    /// <summary>The file of a graph of this name.</summary>
    public static string FileOf(string folder, string name) => Path.Combine(folder, name + Endings[0]);

    /// <summary>A name that may be a file's and stand in an address.</summary>
    public static string Safe(string name)
    {
        var safe = string.Concat(name.Select(one => char.IsLetterOrDigit(one) || one is '-' or '_' or '.' ? one : '-')).Trim('.', '-');
        return safe.Length == 0 ? "graph" : safe[..Math.Min(safe.Length, LongestName)];
    }

    private static string? NameOf(string file) =>
        Endings.FirstOrDefault(ending => file.EndsWith(ending, StringComparison.Ordinal)) is { } ending
            ? Path.GetFileName(file)[..^ending.Length]
            : null;
}
