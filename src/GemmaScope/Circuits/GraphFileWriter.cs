using System.Runtime.InteropServices;
using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Circuits;

/// <summary>Writes a graph in the form of <see cref="GraphFile"/>.</summary>
internal sealed class GraphFileWriter
{
    private readonly GraphDocument _graph;
    private readonly int[] _sources,
        _targets;
    private readonly float[] _weights;

    public GraphFileWriter(GraphDocument graph)
    {
        _graph = graph;
        var numbers = graph.Nodes.Index().ToDictionary(one => one.Item.NodeId, one => one.Index);
        (_sources, _targets, _weights) = (new int[graph.Links.Count], new int[graph.Links.Count], new float[graph.Links.Count]);
        for (var i = 0; i < graph.Links.Count; i++)
        {
            var link = graph.Links[i];
            (_sources[i], _targets[i], _weights[i]) = (numbers[link.Source], numbers[link.Target], (float)link.Weight);
        }
    }

    /// <summary>Writes it; the header last, when all is known.</summary>
    public void Write(Stream stream)
    {
        stream.Write(new byte[GraphFileHeader.Size]);
        var (ranges, at, crc) = (new List<FileRange>(), (long)GraphFileHeader.Size, 0u);
        var (texts, lengths) = Texts();
        var (incoming, outgoing) = (Edges(_targets, _sources), Edges(_sources, _targets));
        Section(JsonSerializer.SerializeToUtf8Bytes(_graph with { Nodes = [], Links = [] }, GraphDocument.Form));
        Section(texts);
        Numbers<NodeRecord>(Records(lengths, incoming));
        Numbers<int>(Order());
        Numbers<int>([.. Enumerable.Range(0, _graph.Nodes.Count).OrderBy(node => _graph.Nodes[node].NodeId, StringComparer.Ordinal)]);
        Numbers<long>(incoming.Starts);
        Numbers<EdgeRecord>(incoming.Edges);
        Numbers<long>(outgoing.Starts);
        Numbers<EdgeRecord>(outgoing.Edges);
        stream.Position = 0;
        stream.Write(new GraphFileHeader(_graph.Nodes.Count, _graph.Links.Count, [.. ranges], crc).ToBytes());
        stream.Position = at;

        void Numbers<T>(ReadOnlySpan<T> numbers)
            where T : unmanaged
        {
            var start = at;
            // A section of many edges has more bytes than one span can hold.
            const int step = 1 << 20;
            for (var i = 0; i < numbers.Length; i += step)
                Put(MemoryMarshal.AsBytes(numbers.Slice(i, Math.Min(step, numbers.Length - i))));
            End(start);
        }

        void Section(ReadOnlySpan<byte> bytes)
        {
            var start = at;
            Put(bytes);
            End(start);
        }

        void End(long start)
        {
            ranges.Add(new(start, at - start));
            Put(new byte[(8 - at % 8) % 8]);
        }

        void Put(ReadOnlySpan<byte> bytes)
        {
            stream.Write(bytes);
            crc = Crc32.Append(crc, bytes);
            at += bytes.Length;
        }
    }

    /// <summary>The JSON of all nodes, one behind the other, and the length of each.</summary>
    private (byte[] Texts, int[] Lengths) Texts()
    {
        var (texts, lengths) = (new MemoryStream(), new int[_graph.Nodes.Count]);
        for (var node = 0; node < lengths.Length; node++)
        {
            var start = texts.Length;
            JsonSerializer.Serialize(texts, _graph.Nodes[node], GraphDocument.Form);
            lengths[node] = (int)(texts.Length - start);
        }
        return (texts.ToArray(), lengths);
    }

    private NodeRecord[] Records(int[] lengths, (long[] Starts, EdgeRecord[] Edges) incoming)
    {
        var (records, start, influence) = (new NodeRecord[lengths.Length], 0L, Influence());
        for (var node = 0; node < records.Length; node++)
        {
            double into = 0;
            for (var edge = incoming.Starts[node]; edge < incoming.Starts[node + 1]; edge++)
                into += Math.Abs((double)incoming.Edges[edge].Weight);
            records[node] = new()
            {
                Text = start,
                TextLength = lengths[node],
                Into = into,
                Influence = influence[node],
                Position = _graph.Nodes[node].Position,
                Kind = (int)_graph.Nodes[node].Kind,
            };
            start += lengths[node];
        }
        return records;
    }

    /// <summary>Targets, then the others by influence; what has none comes last.</summary>
    private int[] Order() =>
        [
            .. Enumerable
                .Range(0, _graph.Nodes.Count)
                .OrderBy(node => _graph.Nodes[node].Kind == GraphNodeKind.Target ? -1 : _graph.Nodes[node].Influence ?? double.MaxValue)
                .ThenBy(node => node),
        ];

    /// <summary>
    /// The own part of each node, of what files hold: the part that it and all stronger nodes have. Nodes that pruning took away leave gaps,
    /// which are not the next node's: it has no more than the one before.
    /// </summary>
    private float[] Influence()
    {
        var (own, reached, most) = (new float[_graph.Nodes.Count], 0.0, double.MaxValue);
        foreach (
            var node in Order().Where(node => _graph.Nodes[node].Influence is not null && _graph.Nodes[node].Kind != GraphNodeKind.Target)
        )
        {
            var cumulative = _graph.Nodes[node].Influence!.Value;
            most = Math.Clamp(cumulative - reached, 0, most);
            own[node] = (float)most;
            reached = Math.Max(reached, cumulative);
        }
        return own;
    }

    /// <summary>The edges by one of their ends, the strongest first.</summary>
    private (long[] Starts, EdgeRecord[] Edges) Edges(int[] ends, int[] others)
    {
        var (starts, edges) = (new long[_graph.Nodes.Count + 1], new EdgeRecord[ends.Length]);
        foreach (var end in ends)
            starts[end + 1]++;
        for (var node = 0; node < _graph.Nodes.Count; node++)
            starts[node + 1] += starts[node];
        var next = starts.AsSpan(0, _graph.Nodes.Count).ToArray();
        for (var i = 0; i < ends.Length; i++)
            edges[next[ends[i]]++] = new(others[i], _weights[i]);
        for (var node = 0; node < _graph.Nodes.Count; node++)
            edges
                .AsSpan((int)starts[node], (int)(starts[node + 1] - starts[node]))
                .Sort((a, b) => Math.Abs(b.Weight).CompareTo(Math.Abs(a.Weight)) is not 0 and var order ? order : a.Node.CompareTo(b.Node));
        return (starts, edges);
    }
}
