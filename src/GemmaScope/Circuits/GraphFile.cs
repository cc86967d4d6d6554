using System.Runtime.InteropServices;
using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Circuits;

/// <summary>
/// A graph that is too large to be read as a whole, in a form of its own that is mapped: nodes by their influence, and the edges of each
/// node, the strongest first, in both directions. A part of it is read in the time that the part takes. Weights are f32.
/// <para>
/// Little-endian. A header (<see cref="GraphFileHeader"/>) with the place of each section and two checksums; then metadata, saved view and
/// whatever else stands beside nodes and links, as JSON; the JSON of each node; records of 40 bytes (place of its JSON, influence, position,
/// layer, kind); the nodes by influence; the nodes by id; for each direction where the edges of each node begin, and the edges (other node,
/// weight).
/// </para>
/// </summary>
public sealed unsafe class GraphFile : IDisposable
{
    /// <summary>How names of such files end.</summary>
    public const string Ending = ".gsgraph";

    private readonly MappedFile _file;
    private readonly GraphFileHeader _header;
    private readonly GraphDocument _head;

    private GraphFile(MappedFile file)
    {
        _file = file;
        _header = GraphFileHeader.Read(file);
        foreach (var starts in (GraphSection[])[GraphSection.InStarts, GraphSection.OutStarts])
            CheckStarts(starts);
        _head = Parsed<GraphDocument>(GraphSection.Head, 0, _header[GraphSection.Head].Length);
        if (_head is not { Metadata.PromptTokens: not null, View: not null, Nodes: not null, Links: not null })
            throw Damaged("what it is of");
    }

    /// <summary>What it is of.</summary>
    public GraphMetadata Metadata => _head.Metadata;

    /// <summary>The saved view.</summary>
    public GraphView View => _head.View;

    /// <summary>Number of nodes.</summary>
    public int NodeCount => _header.Nodes;

    /// <summary>Number of edges.</summary>
    public long LinkCount => _header.Links;

    /// <summary>Maps a file.</summary>
    /// <exception cref="FileFormatException">It is missing, cut short, damaged, or no such file.</exception>
    public static GraphFile Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var file = new MappedFile(path);
        try
        {
            return new GraphFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes a graph in this form.</summary>
    /// <param name="path">The file to make.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <exception cref="GemmaScopeException">It cannot be written.</exception>
    public static void Write(string path, GraphDocument graph, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(graph);
        AtomicFile.Write(path, stream => new GraphFileWriter(graph).Write(stream), overwrite);
    }

    /// <summary>Reads all of it, and finds out whether a byte is another than what was written.</summary>
    /// <exception cref="FileFormatException">One is.</exception>
    public void Verify()
    {
        _file.RequireWhole();
        uint crc = 0;
        const int step = 1 << 24;
        for (long at = GraphFileHeader.Size; at < _file.Length; at += step)
            crc = Crc32.Append(crc, _file.Span(at, (int)Math.Min(step, _file.Length - at)));
        if (crc != _header.Checksum)
            throw Damaged("a checksum");
    }

    /// <summary>The whole graph.</summary>
    public GraphDocument ToDocument()
    {
        GraphDocumentNode[] nodes = [.. Enumerable.Range(0, NodeCount).Select(Node)];
        var links = new List<GraphLink>((int)Math.Min(LinkCount, int.MaxValue));
        for (var target = 0; target < NodeCount; target++)
            foreach (var edge in Edges(GraphSection.InEdges, target))
                links.Add(new(nodes[Checked(edge.Node)].NodeId, nodes[target].NodeId, edge.Weight));
        return _head with { Nodes = nodes, Links = links };
    }

    /// <summary>A part of the graph as a graph of its own.</summary>
    /// <param name="query">Which part.</param>
    /// <exception cref="ArgumentProblemException">A number is out of range, or a node does not exist.</exception>
    public GraphPart Part(GraphPartQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        query.Check();
        _file.RequireWhole();
        return new GraphPartReader(this).Read(query);
    }

    /// <summary>Unmaps the file.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Metadata, saved view and what stands beside, without nodes and links.</summary>
    internal GraphDocument Head => _head;

    /// <summary>The nodes, those with the most influence first.</summary>
    internal ReadOnlySpan<int> Order => Numbers<int>(GraphSection.Order);

    internal NodeRecord Record(int node) => Numbers<NodeRecord>(GraphSection.Records)[node];

    internal GraphDocumentNode Node(int node)
    {
        var record = Record(node);
        var text = _header[GraphSection.NodeTexts];
        if (record.Text < 0 || record.TextLength < 0 || record.Text > text.Length - record.TextLength)
            throw Damaged($"node {node}");
        var found = Parsed<GraphDocumentNode>(GraphSection.NodeTexts, record.Text, record.TextLength);
        return found is { NodeId: not null, Layer: not null, FeatureType: not null } ? found : throw Damaged($"node {node}");
    }

    /// <summary>The edges of a node in one direction, the strongest first. Of each the other node is yet to be checked.</summary>
    internal ReadOnlySpan<EdgeRecord> Edges(GraphSection edges, int node)
    {
        var starts = Numbers<long>(edges == GraphSection.InEdges ? GraphSection.InStarts : GraphSection.OutStarts);
        var (start, end) = (starts[node], starts[node + 1]);
        // One node has fewer edges than there are nodes, but a damaged file may say what it likes.
        if (end - start > int.MaxValue)
            throw Damaged($"the edges of node {node}");
        return new((EdgeRecord*)(_file.Pointer + _header[edges].Offset) + start, (int)(end - start));
    }

    internal int Checked(int node) => (uint)node < (uint)NodeCount ? node : throw Damaged("an edge");

    /// <summary>The number of a node, or null where none has this id.</summary>
    internal int? Find(string id)
    {
        var byId = Numbers<int>(GraphSection.ById);
        var (low, high) = (0, byId.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var node = Checked(byId[middle]);
            switch (string.CompareOrdinal(Node(node).NodeId, id))
            {
                case 0:
                    return node;
                case < 0:
                    low = middle + 1;
                    break;
                default:
                    high = middle - 1;
                    break;
            }
        }
        return null;
    }

    private ReadOnlySpan<T> Numbers<T>(GraphSection section)
        where T : unmanaged => new(_file.Pointer + _header[section].Offset, checked((int)(_header[section].Length / sizeof(T))));

    private T Parsed<T>(GraphSection section, long start, long length)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(_file.Span(_header[section].Offset + start, checked((int)length)), GraphDocument.Form)
                ?? throw Damaged("null");
        }
        catch (Exception problem) when (problem is JsonException or OverflowException)
        {
            throw new FileFormatException($"is damaged: {problem.Message}", _file.Path, problem);
        }
    }

    /// <summary>They rise from 0 to the number of edges, so that no edge lies outside.</summary>
    private void CheckStarts(GraphSection section)
    {
        var starts = Numbers<long>(section);
        if (starts[0] != 0 || starts[^1] != LinkCount)
            throw Damaged("where edges begin");
        for (var i = 1; i < starts.Length; i++)
            if (starts[i] < starts[i - 1])
                throw Damaged("where edges begin");
    }

    internal FileFormatException Damaged(string what) => new($"is damaged ({what}); make it anew", _file.Path);
}

/// <summary>A node of a graph file.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly struct NodeRecord
{
    /// <summary>Where its JSON begins among those of all nodes.</summary>
    public long Text { get; init; }

    /// <summary>Σ |weight| of what leads to it.</summary>
    public double Into { get; init; }

    /// <summary>Bytes of its JSON.</summary>
    public int TextLength { get; init; }

    /// <summary>Its own part of all influence; 0 where it is not known.</summary>
    public float Influence { get; init; }

    /// <summary>Its position.</summary>
    public int Position { get; init; }

    /// <summary>What it is.</summary>
    public int Kind { get; init; }

    /// <summary>For what comes later.</summary>
    public long Reserved { get; init; }
}

/// <summary>An edge in the list of one of its ends.</summary>
/// <param name="Node">The other end.</param>
/// <param name="Weight">The contribution.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct EdgeRecord(int Node, float Weight);
