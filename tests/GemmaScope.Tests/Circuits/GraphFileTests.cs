using GemmaScope.Bench;
using GemmaScope.Circuits;
using Xunit;

namespace GemmaScope.Tests.Circuits;

/// <summary>Large graphs in the form that is mapped.</summary>
public sealed class GraphFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static GraphDocument Random(int seed = 7) =>
        RandomGraph.Make(tokens: 20, layers: 6, features: 80, errors: 40, links: 1500, seed);

    private GraphFile Open(GraphDocument graph)
    {
        var file = _folder.File(Guid.NewGuid() + GraphFile.Ending);
        GraphFile.Write(file, graph);
        return GraphFile.Open(file);
    }

    private static IEnumerable<(string, string, float)> Links(GraphDocument graph) =>
        graph.Links.Select(link => (link.Source, link.Target, (float)link.Weight)).Order();

    [Fact]
    public void graphs_are_the_same_when_they_are_read_again()
    {
        foreach (
            var graph in (GraphDocument[])
                [
                    GraphDocument.Read(Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json")),
                    Random(),
                    Random() with
                    {
                        Nodes = [],
                        Links = [],
                    },
                    Random() with
                    {
                        Links = [],
                    },
                ]
        )
        {
            var (json, file) = (_folder.File($"{Guid.NewGuid()}.json"), _folder.File(Guid.NewGuid() + GraphFile.Ending));
            graph.Write(file);
            var again = GraphDocument.Read(file);
            Assert.Equal(Links(graph), Links(again));
            // Nodes, metadata and what else there is, to the letter.
            graph.Write(json);
            var plain = _folder.File($"{Guid.NewGuid()}.json");
            (again with { Links = graph.Links }).Write(plain);
            Assert.Equal(File.ReadAllText(json), File.ReadAllText(plain));
        }
        Assert.Throws<GemmaScopeException>(() => GraphFile.Write(Directory.GetFiles(_folder.Path, "*" + GraphFile.Ending)[0], Random()));
    }

    [Fact]
    public void a_part_has_the_strongest_nodes_and_all_links_between_them()
    {
        var graph = Random();
        using var file = Open(graph);
        Assert.Equal((graph.Nodes.Count, graph.Links.Count), (file.NodeCount, (int)file.LinkCount));
        var part = file.Part(new() { Nodes = 30 });
        // Targets first.
        var expected = graph
            .Nodes.OrderBy(node => node.Kind == GraphNodeKind.Target ? -1 : node.Influence)
            .Take(30)
            .Select(node => node.NodeId)
            .ToHashSet();
        Assert.Equal(expected.Order(), part.Graph.Nodes.Select(node => node.NodeId).Order());
        Assert.Equal(Links(graph).Where(link => expected.Contains(link.Item1) && expected.Contains(link.Item2)), Links(part.Graph));
        // They are the first of all that have influence, so that the last of them says how much they have.
        Assert.Equal(part.Graph.Nodes.Max(node => node.Influence)!.Value, part.Influence!.Value, 1e-4);
        Assert.Equal(1, file.Part(new()).Influence!.Value, 1e-9);
        foreach (var node in part.Graph.Nodes)
            Assert.Equal(
                graph.Links.Where(link => link.Target == node.NodeId).Sum(link => Math.Abs(link.Weight)),
                node.Others!["into"].GetDouble(),
                1e-5
            );
        Assert.Equal(5, file.Part(new() { Nodes = 30, Links = 5 }).Graph.Links.Count);
    }

    [Fact]
    public void a_node_brings_its_strongest_neighbours_and_their_links()
    {
        var graph = Random();
        using var file = Open(graph);
        var node = graph.Links.GroupBy(link => link.Target).MaxBy(links => links.Count())!.Key;
        var part = file.Part(
            new()
            {
                Nodes = 0,
                Around = [node],
                Neighbours = 3,
            }
        );
        string[] expected =
        [
            node,
            .. graph
                .Links.Where(link => link.Target == node)
                .OrderByDescending(link => Math.Abs(link.Weight))
                .Take(3)
                .Select(link => link.Source),
            .. graph
                .Links.Where(link => link.Source == node)
                .OrderByDescending(link => Math.Abs(link.Weight))
                .Take(3)
                .Select(link => link.Target),
        ];
        Assert.Equal(expected.Order(), part.Graph.Nodes.Select(one => one.NodeId).Order());
        Assert.Contains(part.Graph.Links, link => link.Target == node);
        Assert.Contains("nowhere", Assert.Throws<ArgumentProblemException>(() => file.Part(new() { Around = ["nowhere"] })).Message);
        Assert.Throws<ArgumentProblemException>(() => file.Part(new() { Nodes = GraphPartQuery.MostNodes + 1 }));
        Assert.Throws<ArgumentProblemException>(() => file.Part(new() { Links = -1 }));
    }

    [Fact]
    public void positions_and_words_choose_nodes()
    {
        var graph = Random();
        using var file = Open(graph);
        var some = file.Part(new() { From = 3, To = 5 });
        Assert.Equal(graph.Nodes.Count(node => node.Position is >= 3 and <= 5), some.Graph.Nodes.Count);
        Assert.Equal(some.Graph.Nodes.Count, some.Found);
        var words = file.Part(new() { Find = "SUBJECT 1", Nodes = 2 });
        Assert.Equal(2, words.Graph.Nodes.Count);
        Assert.Equal(
            graph.Nodes.Count(node =>
                (node.Label + " " + node.NodeId + graph.Metadata.PromptTokens[node.Position]) is var text
                && text.Contains("subject", StringComparison.Ordinal)
                && text.Contains('1')
            ),
            words.Found
        );
        Assert.Empty(file.Part(new() { Find = "no such word" }).Graph.Nodes);
    }

    [Fact]
    public void a_damaged_file_is_an_error_or_another_graph_and_never_a_crash()
    {
        var whole = _folder.File("whole" + GraphFile.Ending);
        GraphFile.Write(whole, RandomGraph.Make(6, 3, 10, 5, 60));
        var bytes = File.ReadAllBytes(whole);
        var random = new Random(11);
        var (damaged, noticed) = (_folder.File("damaged" + GraphFile.Ending), 0);
        const int trials = 600;
        for (var trial = 0; trial < trials; trial++)
        {
            var copy = bytes.ToArray();
            // Cut, or some bytes changed; every other time in the header with a checksum that is right again.
            if (trial % 3 == 0)
                copy = copy[..random.Next(copy.Length)];
            else
                for (var i = 0; i <= random.Next(8); i++)
                    copy[trial % 3 == 1 ? random.Next(copy.Length) : random.Next(GraphFileHeader.Size - 8)] = (byte)random.Next(256);
            if (trial % 3 == 2)
                BitConverter.TryWriteBytes(
                    copy.AsSpan(GraphFileHeader.Size - 4),
                    GemmaScope.Files.Crc32.Append(0, copy.AsSpan(0, GraphFileHeader.Size - 4))
                );
            File.WriteAllBytes(damaged, copy);
            if (copy.AsSpan().SequenceEqual(bytes))
                continue;
            try
            {
                using var file = GraphFile.Open(damaged);
                file.Part(new() { Find = trial % 2 == 0 ? "1" : null, Around = trial % 5 == 0 ? ["E_0_0"] : [] });
                file.ToDocument();
                Assert.Throws<FileFormatException>(() => GraphDocument.Read(damaged));
                noticed++;
            }
            catch (GemmaScopeException problem)
            {
                Assert.DoesNotContain("Exception", problem.Message);
                noticed++;
            }
        }
        Assert.InRange(noticed, trials - 5, trials);
    }

    [Fact]
    public void files_that_are_something_else_are_named()
    {
        Assert.Contains(
            "no graph",
            Assert.Throws<FileFormatException>(() => GraphFile.Open(_folder.Write("text.gsgraph", "hello"))).Message
        );
        Assert.Throws<FileFormatException>(() => GraphFile.Open(_folder.File("nowhere.gsgraph")));
        Assert.True(GraphDocument.IsNameOfOne("a.gsgraph") && GraphDocument.IsNameOfOne("a.json.gz"));
        Assert.False(GraphDocument.IsNameOfOne("The people of the United"));
    }
}
