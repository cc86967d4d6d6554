using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using GemmaScope.Circuits;
using Xunit;

namespace GemmaScope.Tests.Circuits;

public class GraphDocumentTests
{
    private static readonly string Golden = Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json");

    public static TheoryData<string> RealGraphs =>
        [
            "attribution-graph-clt-hp-the-capital-of-201020250035-20251020-003525.json.gz",
            "attribution-graph-the-opposite-of-20251026-175335.json.gz",
        ];

    [Theory]
    [MemberData(nameof(RealGraphs))]
    public void a_graph_of_another_program_is_read_whole_and_written_again(string name)
    {
        var file = SharedData.File("artefacts", name);
        var graph = GraphDocument.Read(file);
        Assert.All(
            graph.Nodes.Where(node => node.Kind == GraphNodeKind.Feature),
            node =>
            {
                var (layer, index) = graph.FeatureOf(node)!.Value;
                Assert.Equal($"{layer}_{index}_{node.Position}", node.NodeId);
            }
        );
        Assert.NotEmpty(GraphPaths.Strongest(graph, GraphPaths.Targets(graph)[0]));

        using var folder = new TemporaryFolder();
        graph.Write(folder.File("again.json"));
        using var packed = new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(packed), JsonNode.Parse(File.ReadAllText(folder.File("again.json")))));
        GraphSchema.Check(folder.File("again.json"));
    }

    [Fact]
    public void a_graph_of_our_own_follows_the_public_schema()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph();
        using var folder = new TemporaryFolder();
        graph.Prune().ToDocument(Naming).Write(folder.File("own.json"));
        GraphSchema.Check(folder.File("own.json"));
        Assert.Equal(graph.Prune().Edges.Count, GraphDocument.Read(folder.File("own.json")).Links.Count);
    }

    [Fact]
    public void an_error_whose_id_a_feature_has_gets_another()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph();
        // Of features 0 to 5 of layer 0, which share their ids with the errors of these layers.
        Assert.Contains(tiny.Model.Features, one => one is { Layer: 0, Feature: < 6 });
        var document = graph.Prune(1, 1).ToDocument(Naming);
        Assert.Equal(document.Nodes.Count, document.Nodes.Select(node => node.NodeId).Distinct().Count());
        Assert.Contains(document.Nodes, node => node.NodeId.StartsWith("error_"));
        var features = document.Nodes.Where(node => node.Kind == GraphNodeKind.Feature).ToArray();
        Assert.All(features, node => Assert.StartsWith($"{node.Layer}_", node.NodeId));
        Assert.All(
            document.Nodes.Where(node => node.NodeId.StartsWith("error_")),
            node => Assert.Contains(features, one => one.NodeId == $"0_{node.Layer}_{node.Position}")
        );
    }

    [Fact]
    public void targets_that_are_no_logits_have_their_names()
    {
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph(CircuitTarget.Difference(12, 69) with { Name = "twelve or not" }, CircuitTarget.Logit(12));
        var targets = graph.Prune().ToDocument(Naming).Nodes.Where(node => node.Kind == GraphNodeKind.Target).ToArray();
        Assert.Equal("twelve or not", targets[0].Label);
        // Its own probability, whatever its weight.
        var probability = CircuitTarget.TopLogits(tiny.Model, 1000, 1).Single(one => one.Token == 12).Weight;
        Assert.Equal(FormattableString.Invariant($"Output \" t12\" (p={probability:0.000})"), targets[1].Label);
        Assert.Equal(probability, targets[1].Probability, 1e-6);
        Assert.Null(targets[0].Feature);
        Assert.Equal(12, targets[1].Feature);
    }

    [Theory]
    [InlineData(null, "gemma-2-2b", "7", 700_123, 123)]
    [InlineData(null, "other", "7", 123, 123)]
    [InlineData(1, "gemma-2-2b", "2", 324, 24)]
    public void the_index_of_a_feature_is_found_in_all_three_ways_of_writing_it(
        int? version,
        string scan,
        string layer,
        long number,
        long index
    )
    {
        var read = GraphDocument.Read(Golden);
        var graph = read with { Metadata = read.Metadata with { SchemaVersion = version, Scan = scan } };
        var node = read.Nodes[0] with { Layer = layer, Feature = number };
        if (version == 1)
            node = node with { Layer = "1", Feature = FeatureNumber.Of(1, index) };
        Assert.Equal(index, graph.FeatureOf(node)!.Value.Index);
    }

    [Fact]
    public void a_damaged_file_is_refused_with_its_name()
    {
        using var folder = new TemporaryFolder();
        var text = File.ReadAllText(Golden);
        Refused(folder.Write("cut.json", text[..(text.Length / 2)]));
        Refused(folder.Write("empty.json", ""));
        Refused(folder.Write("other.json", "{\"nodes\": []}"));
        Refused(folder.Write("null.json", "null"));
        Refused(folder.Write("list.json", "[1, 2]"));
        Refused(
            folder.Write(
                "twice.json",
                Changed(text, root => root["nodes"]![1]!["node_id"] = root["nodes"]![0]!["node_id"]!.GetValue<string>())
            )
        );
        Refused(folder.Write("loose.json", Changed(text, root => root["links"]![0]!["source"] = "nobody")));
        Refused(folder.Write("lacks.json", Changed(text, root => root["nodes"]![0]!.AsObject().Remove("ctx_idx"))));
        Refused(folder.Write("weight.json", Changed(text, root => root["links"]![0]!.AsObject().Remove("weight"))));
        Refused(folder.File("nothing.json"));
        foreach (var length in (int[])[1, 100, 5000, text.Length - 2])
            Refused(folder.Write("short.json", text[..length]));
    }

    [Fact]
    public void a_file_without_end_is_given_up()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("endless.json.gz");
        using (var packed = new GZipStream(File.Create(file), CompressionLevel.Optimal))
        {
            packed.Write("{\"metadata\": \""u8);
            var zeros = new byte[1 << 20];
            Array.Fill(zeros, (byte)'0');
            for (var i = 0; i < 40; i++)
                packed.Write(zeros);
        }
        using var text = new GraphText(GemmaScope.Files.TextFile.Open(file), 32 << 20, file);
        var problem = Assert.Throws<FileFormatException>(() => text.CopyTo(Stream.Null));
        Assert.Contains("more than 32 MiB", problem.Message);
        Refused(file);
        Assert.Contains(
            "web page",
            Assert.Throws<FileFormatException>(() => GraphDocument.Read(folder.Write("page.json", "<!DOCTYPE html><html>"))).Message
        );
    }

    [Fact]
    public void the_strongest_path_follows_the_largest_shares()
    {
        var read = GraphDocument.Read(Golden);
        GraphDocumentNode Node(string id, string type) => read.Nodes[0] with { NodeId = id, FeatureType = type };
        var graph = read with
        {
            Nodes =
            [
                Node("t", GraphDocumentNode.TokenNode),
                Node("a", GraphDocumentNode.FeatureNode),
                Node("b", GraphDocumentNode.FeatureNode),
                Node("l", GraphDocumentNode.TargetNode),
            ],
            Links = [new("t", "a", 4), new("t", "b", 1), new("a", "b", -3), new("b", "l", 8), new("t", "l", 2), new("l", "a", 0)],
        };
        var paths = GraphPaths.Strongest(graph, graph.Nodes[3], 3);
        Assert.Equal(["t a b l", "t b l", "t l"], paths.Select(path => string.Join(' ', path.Nodes.Select(node => node.NodeId))));
        Assert.Equal(0.8 * 0.75, paths[0].Share, 1e-12);
        Assert.Equal([4, -3, 8], paths[0].Weights);
    }

    [Fact]
    public void a_circle_in_a_file_ends()
    {
        var read = GraphDocument.Read(Golden);
        var graph = read with
        {
            Nodes = [read.Nodes[0] with { NodeId = "a" }, read.Nodes[0] with { NodeId = "b" }],
            Links = [new("a", "b", 1), new("b", "a", 1), new("a", "a", 1)],
        };
        Assert.Single(GraphPaths.Strongest(graph, graph.Nodes[1]));
    }

    private static GraphNaming Naming =>
        new()
        {
            Slug = "own",
            Scan = "tiny",
            TokenText = token => $" t{token}",
        };

    private static string Changed(string text, Action<JsonNode> change)
    {
        var root = JsonNode.Parse(text)!;
        change(root);
        return root.ToJsonString();
    }

    private static void Refused(string file) =>
        Assert.Contains(Path.GetFileName(file), Assert.Throws<FileFormatException>(() => GraphDocument.Read(file)).Message);
}
