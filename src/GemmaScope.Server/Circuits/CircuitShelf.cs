using System.Collections.Concurrent;
using GemmaScope.Circuits;

namespace GemmaScope.Server.Circuits;

/// <summary>The graphs of some folders: files in the public form, each by its name without the ending. What is added to a folder is found
/// at once.</summary>
/// <param name="own">The folder in which new ones are kept; null for none.</param>
/// <param name="others">Folders that are only read; one that was taken away has none.</param>
internal sealed class CircuitShelf(string? own, params IReadOnlyList<string> others)
{
    /// <summary>Graphs in memory at most.</summary>
    private const int Kept = 16;

    private static readonly string[] Endings = [".json", ".json.gz", ".json.zst"];

    private readonly ConcurrentDictionary<string, (DateTime Written, GraphDocument Graph)> _read = new();

    private readonly string[] _folders = [.. own is null ? (ReadOnlySpan<string>)[] : [own], .. others];

    /// <summary>Whether graphs can be kept.</summary>
    public bool IsWritable => own is not null;

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

    /// <summary>Keeps a graph under the name it has, or where one is called so under the next that is free.</summary>
    /// <returns>Its name.</returns>
    /// <exception cref="GemmaScopeException">It cannot be written.</exception>
    public string Keep(GraphDocument graph)
    {
        var taken = Names().ToHashSet();
        var name = Enumerable
            .Range(1, int.MaxValue)
            .Select(i => i == 1 ? graph.Metadata.Slug : $"{graph.Metadata.Slug}-{i}")
            .First(one => !taken.Contains(one));
        (graph with { Metadata = graph.Metadata with { Slug = name } }).Write(Path.Combine(own!, name + Endings[0]));
        return name;
    }

    private FileInfo[] Files() =>
        [
            .. _folders
                .Where(Directory.Exists)
                .SelectMany(folder => new DirectoryInfo(folder).EnumerateFiles())
                .Where(file => Endings.Any(ending => file.Name.EndsWith(ending, StringComparison.Ordinal))),
        ];

    private static string NameOf(FileInfo file) =>
        file.Name[..^Endings.First(ending => file.Name.EndsWith(ending, StringComparison.Ordinal)).Length];
}
