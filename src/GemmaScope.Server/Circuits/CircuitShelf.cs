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

    private static readonly string[] Endings = [".json", ".json.gz", ".json.zst", GraphFile.Ending];

    private readonly LargeGraphs _large = new(GraphFolders.OfCopies());

    private readonly ConcurrentDictionary<string, (DateTime Written, GraphDocument Graph)> _read = new();

    // Of every file, for a list names all of them; a graph may have megabytes and its line has a few words.
    private readonly ConcurrentDictionary<string, (DateTime Written, long Length, CircuitSummary Summary)> _summaries = new();

    private readonly string[] _folders = [.. own is null ? (ReadOnlySpan<string>)[] : [own], .. others];

    /// <summary>Whether graphs can be kept.</summary>
    public bool IsWritable => own is not null;

    /// <summary>The names of all, the latest first.</summary>
    public IReadOnlyList<string> Names() => [.. Files().OrderByDescending(file => file.LastWriteTimeUtc).Select(NameOf).Distinct()];

    /// <summary>All with what a list says of them, the latest first; each file is read once, and again when it has changed.</summary>
    public IReadOnlyList<CircuitSummary> Summaries() =>
        [
            .. Files()
                .DistinctBy(NameOf)
                .Select(Summary)
                .OrderByDescending(one => one.Written)
                .ThenBy(one => one.Name, StringComparer.Ordinal),
        ];

    /// <summary>A graph by its name, or null.</summary>
    /// <exception cref="GemmaScopeException">Its file cannot be read.</exception>
    public GraphDocument? Find(string name)
    {
        if (File(name) is not { } file)
            return null;
        if (_read.TryGetValue(file.FullName, out var known) && known.Written == file.LastWriteTimeUtc)
            return known.Graph;
        var graph = GraphDocument.Read(file.FullName);
        if (_read.Count >= Kept)
            _read.Clear();
        _read[file.FullName] = (file.LastWriteTimeUtc, graph);
        return graph;
    }

    /// <summary>A graph that is too large to be sent as a whole, by its name; null where it is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="always">Whether it is read in parts though it is small.</param>
    /// <exception cref="GemmaScopeException">Its file cannot be read.</exception>
    public GraphFile? Mapped(string name, bool always = false) => File(name) is { } file ? _large.Find(file, always) : null;

    /// <summary>Whether a graph lies in the folder of new ones, and may be renamed and taken away.</summary>
    public bool IsOwn(string name) => File(name) is { } file && IsOwn(file);

    /// <summary>Keeps a graph under the name it has, or where one is called so under the next that is free.</summary>
    /// <returns>Its name.</returns>
    /// <exception cref="GemmaScopeException">It cannot be written.</exception>
    public string Keep(GraphDocument graph)
    {
        var name = Free(graph.Metadata.Slug);
        Write(graph, name, Endings[0]);
        return name;
    }

    /// <summary>Gives a graph of the folder of new ones another name.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="to">What it shall be called; what does not go into an address becomes a dash.</param>
    /// <returns>Its new name, which is another one where there is one of that name.</returns>
    /// <exception cref="GemmaScopeException">It is not there, or cannot be read or written.</exception>
    public string Rename(string name, string to)
    {
        var file = OwnFile(name);
        var wanted = string.Join(
                '-',
                string.Concat(to.Select(one => char.IsAsciiLetterOrDigit(one) || one is '.' or '_' ? one : ' '))
                    .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    .SkipWhile(word => word.Trim('.').Length == 0)
            )
            .TrimStart('.');
        if (wanted.Length is 0 or > 100)
            throw new ArgumentProblemException("must have 1 to 100 letters and digits", "name");
        if (wanted == name)
            return name;
        var free = Free(wanted);
        Write(
            GraphDocument.Read(file.FullName),
            free,
            file.Name.EndsWith(GraphFile.Ending, StringComparison.Ordinal) ? GraphFile.Ending : Endings[0]
        );
        Remove(name);
        return free;
    }

    /// <summary>Takes a graph of the folder of new ones away.</summary>
    /// <exception cref="GemmaScopeException">It is not there, or cannot be deleted.</exception>
    public void Remove(string name)
    {
        var file = OwnFile(name);
        try
        {
            file.Delete();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentProblemException($"cannot be deleted: {problem.Message}", name, problem);
        }
        _read.TryRemove(file.FullName, out _);
        _summaries.TryRemove(file.FullName, out _);
    }

    private FileInfo OwnFile(string name) =>
        File(name) is { } file && IsOwn(file)
            ? file
            : throw new ArgumentProblemException("is no graph that was made here; others are only shown", name);

    private void Write(GraphDocument graph, string name, string ending) =>
        (graph with { Metadata = graph.Metadata with { Slug = name } }).Write(Path.Combine(own!, name + ending));

    private string Free(string wanted)
    {
        var taken = Names().ToHashSet();
        return Enumerable.Range(1, int.MaxValue).Select(i => i == 1 ? wanted : $"{wanted}-{i}").First(one => !taken.Contains(one));
    }

    private CircuitSummary Summary(FileInfo file)
    {
        var (written, length) = (file.LastWriteTimeUtc, file.Length);
        if (_summaries.TryGetValue(file.FullName, out var known) && (known.Written, known.Length) == (written, length))
            return known.Summary;
        var summary = Summarised(file, written);
        _summaries[file.FullName] = (written, length, summary);
        return summary;
    }

    private CircuitSummary Summarised(FileInfo file, DateTime written)
    {
        try
        {
            return _large.Find(file) is { } large
                ? CircuitSummary.Of(NameOf(file), IsOwn(file), written, large.Part(new()).Graph, large)
                : CircuitSummary.Of(NameOf(file), IsOwn(file), written, GraphDocument.Read(file.FullName));
        }
        catch (GemmaScopeException)
        {
            // It has a line of its own, and its page says what is wrong.
            return CircuitSummary.Of(NameOf(file), IsOwn(file), written, null);
        }
    }

    private bool IsOwn(FileInfo file) => own is not null && file.DirectoryName == new DirectoryInfo(own).FullName;

    // Among what is there, so that no name can lead out of the folder.
    private FileInfo? File(string name) => Files().FirstOrDefault(one => NameOf(one) == name);

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
