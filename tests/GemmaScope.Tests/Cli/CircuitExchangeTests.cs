using System.Text.Json;
using System.Xml.Linq;
using GemmaScope.Circuits;
using GemmaScope.Tests.Circuits;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>Graphs that come from other programs and go to them.</summary>
public sealed class CircuitExchangeTests : IDisposable
{
    private static readonly string Golden = Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_graph_is_kept_once_under_a_name_that_can_be_a_files()
    {
        var read = GraphDocument.Read(Golden);
        var file = _folder.File("strange.json");
        (read with { Metadata = read.Metadata with { Slug = "../a b/ü?" } }).Write(file);
        var run = CommandLine.Run("circuit", "import", file, "--to", _folder.File("kept"));
        Assert.Equal(0, run.Code);
        var kept = Assert.Single(Directory.GetFiles(_folder.File("kept")));
        Assert.Equal("a-b-ü.json", Path.GetFileName(kept));
        Assert.Equal(read.Links.Count, GraphDocument.Read(kept).Links.Count);
        Assert.Contains("kept as", run.Error);

        CommandLine.Run("circuit", "import", file, "--to", _folder.File("kept")).Refuses("--name");
        Assert.Equal(0, CommandLine.Run("circuit", "import", file, "--to", _folder.File("kept"), "--force").Code);
        Assert.Equal(0, CommandLine.Run("circuit", "import", Golden, "--to", _folder.File("kept"), "--name", "two").Code);
        Assert.Equal(2, Directory.GetFiles(_folder.File("kept")).Length);
    }

    [Theory]
    [MemberData(nameof(GraphDocumentTests.RealGraphs), MemberType = typeof(GraphDocumentTests))]
    public void a_real_graph_is_kept_and_leaves_again_smaller(string name)
    {
        var file = SharedData.File("artefacts", name);
        Assert.Equal(0, CommandLine.Run("circuit", "import", file, "--to", _folder.Path, "--name", "real").Code);
        var (kept, small) = (_folder.File("real.json"), _folder.File("small.json"));
        GraphSchema.Check(kept);
        var json = CommandLine
            .Run("circuit", "export", kept, "--out", small, "--node-share", "0.5", "--edge-share", "0.9", "--json")
            .Json();
        GraphSchema.Check(small);
        var (whole, part) = (GraphDocument.Read(kept), GraphDocument.Read(small));
        Assert.Equal((part.Nodes.Count, part.Links.Count), (json.GetProperty("nodes").GetInt32(), json.GetProperty("links").GetInt32()));
        Assert.InRange(part.Nodes.Count, 10, whole.Nodes.Count - 1);
        Assert.InRange(part.Links.Count, 5, whole.Links.Count - 1);
        Assert.Equal(GraphPaths.Targets(whole).Select(node => node.NodeId), GraphPaths.Targets(part).Select(node => node.NodeId));
    }

    [Fact]
    public void a_file_is_pruned_as_the_graph_that_it_was_written_from()
    {
        // The same graph, once pruned as it was computed and once as it was written: one algorithm.
        using var tiny = TinyCircuit.Make();
        using var graph = tiny.Graph();
        var naming = new GraphNaming
        {
            Slug = "own",
            Scan = "tiny",
            TokenText = token => $" t{token}",
        };
        var expected = graph.Prune(0.6, 0.9).ToDocument(naming);
        var pruned = graph.Prune(1, 1).ToDocument(naming).Prune(0.6, 0.9);
        // An id depends on what else is in a graph.
        static string Name(GraphDocumentNode node) => $"{node.Kind} {node.Layer} {node.Position} {node.Feature}";
        IEnumerable<(string, string)> Links(GraphDocument one)
        {
            var names = one.Nodes.ToDictionary(node => node.NodeId, Name);
            return one.Links.Select(link => (names[link.Source], names[link.Target])).Order();
        }
        Assert.Equal(expected.Nodes.Select(Name).Order(), pruned.Nodes.Select(Name).Order());
        Assert.Equal(Links(expected), Links(pruned));
    }

    [Fact]
    public void nodes_that_are_named_stay_and_views_lose_what_is_gone()
    {
        var read = GraphDocument.Read(Golden);
        var small = read.Prune(0.3, 0.5);
        var gone = read.Nodes.First(node => node.Kind == GraphNodeKind.Feature && small.Nodes.All(one => one.NodeId != node.NodeId));
        var stays = small.Nodes.First(node => node.Kind == GraphNodeKind.Token).NodeId;
        JsonElement Group(params string[] group) => JsonSerializer.SerializeToElement(group);
        var file = _folder.File("viewed.json");
        (
            read with
            {
                View = read.View with
                {
                    PinnedIds = [gone.NodeId, stays],
                    ClickedId = gone.NodeId,
                    Supernodes = [Group("both", gone.NodeId, stays), Group("gone", gone.NodeId)],
                },
            }
        ).Write(file);
        var (layer, index) = read.FeatureOf(gone)!.Value;
        string[] line = ["circuit", "export", file, "--node-share", "0.3", "--edge-share", "0.5", "--out"];

        Assert.Equal(0, CommandLine.Run([.. line, _folder.File("pruned.json")]).Code);
        var pruned = GraphDocument.Read(_folder.File("pruned.json"));
        Assert.Equal([stays], pruned.View.PinnedIds);
        Assert.Equal("", pruned.View.ClickedId);
        Assert.Equal("[\"both\",\"" + stays + "\"]", Assert.Single(pruned.View.Supernodes).GetRawText());

        Assert.Equal(0, CommandLine.Run([.. line, _folder.File("kept.json"), "--keep", $"feature:{layer}/{index}@{gone.Position}"]).Code);
        Assert.Contains(GraphDocument.Read(_folder.File("kept.json")).Nodes, node => node.NodeId == gone.NodeId);
        CommandLine.Run([.. line, _folder.File("no.json"), "--keep", "nobody"]).Refuses("--keep");
        Assert.False(File.Exists(_folder.File("no.json")));
    }

    [Fact]
    public void tables_and_graphml_hold_every_node_and_edge()
    {
        var read = GraphDocument.Read(Golden);
        var file = _folder.File("marked.json");
        (read with { Nodes = [read.Nodes[0] with { Label = "one, \"two\"\n\u0001" }, .. read.Nodes.Skip(1)] }).Write(file);
        Assert.Equal(0, CommandLine.Run("circuit", "export", file, "--out", _folder.File("g.csv")).Code);
        var nodes = File.ReadAllText(_folder.File("g.nodes.csv"));
        Assert.StartsWith("id,type,layer,position,token,feature,label,influence,activation,probability\r\n", nodes);
        Assert.Contains("\"one, \"\"two\"\"\n\u0001\"", nodes);
        Assert.Equal(read.Links.Count + 1, File.ReadAllLines(_folder.File("g.edges.csv")).Length);

        Assert.Equal(0, CommandLine.Run("circuit", "export", file, "--out", _folder.File("g.graphml")).Code);
        var xml = XDocument.Load(_folder.File("g.graphml"));
        Assert.Equal(read.Nodes.Count, xml.Descendants().Count(one => one.Name.LocalName == "node"));
        Assert.Equal(read.Links.Count, xml.Descendants().Count(one => one.Name.LocalName == "edge"));
        Assert.Contains("one, \"two\"", xml.ToString());

        CommandLine.Run("circuit", "export", file, "--out", _folder.File("g.csv")).Refuses("exists already");
        CommandLine.Run("circuit", "export", file, "--out", _folder.File("g.txt")).Refuses("--out");
        CommandLine.Run("circuit", "export", file, "--out", _folder.File("h.csv"), "--node-share", "0").Refuses("--node-share");
        CommandLine.Run("circuit", "export", "no-such-graph", "--out", _folder.File("h.csv")).Refuses("no-such-graph");
    }

    [Fact]
    public void links_in_a_circle_are_not_pruned()
    {
        var read = GraphDocument.Read(Golden);
        var features = read.Nodes.Where(node => node.Kind == GraphNodeKind.Feature).Take(2).Select(node => node.NodeId).ToArray();
        var graph = read with { Links = [.. read.Links, new(features[0], features[1], 1), new(features[1], features[0], 1)] };
        Assert.Contains("circle", Assert.Throws<ArgumentProblemException>(() => graph.Prune()).Message);
    }
}
