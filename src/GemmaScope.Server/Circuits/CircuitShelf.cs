using System.Collections.Concurrent;
using GemmaScope.Circuits;

namespace GemmaScope.Server.Circuits;

/// <summary>The graphs of a folder: files in the public form, each by its name without the ending. What is added to the folder is found at
/// once.</summary>
/// <param name="folder">The folder; one that was taken away has none.</param>
internal sealed class CircuitShelf(string folder)
{
    /// <summary>Graphs in memory at most.</summary>
    private const int Kept = 16;

    private static readonly string[] Endings = [".json", ".json.gz", ".json.zst"];

    private readonly ConcurrentDictionary<string, (DateTime Written, GraphDocument Graph)> _read = new();

    /// <summary>Where the files lie.</summary>
    public string Folder => folder;

    /// <summary>The names of all, the latest first.</summary>
    public IReadOnlyList<string> Names() => [.. Files().OrderByDescending(file => file.LastWriteTimeUtc).Select(NameOf).Distinct()];

    /// <summary>A graph by its name, or null.</summary>
    /// <exception cref="GemmaScopeException">Its file cannot be read.</exception>
    public GraphDocument? Find(string name)
    {
        // Among what is there, so that no name can lead out of the folder.
        if (Files().FirstOrDefault(one => NameOf(one) == name) is not { } file)
            return null;
        if (_read.TryGetValue(file.FullName, out var known) && known.Written == file.LastWriteTimeUtc)
            return known.Graph;
        var graph = GraphDocument.Read(file.FullName);
        if (_read.Count >= Kept)
            _read.Clear();
        _read[file.FullName] = (file.LastWriteTimeUtc, graph);
        return graph;
    }

    private FileInfo[] Files() =>
        Directory.Exists(folder)
            ?
            [
                .. new DirectoryInfo(folder)
                    .EnumerateFiles()
                    .Where(file => Endings.Any(ending => file.Name.EndsWith(ending, StringComparison.Ordinal))),
            ]
            : [];

    private static string NameOf(FileInfo file) =>
        file.Name[..^Endings.First(ending => file.Name.EndsWith(ending, StringComparison.Ordinal)).Length];
}
