using System.Net;
using System.Text;
using System.Text.Json;
using GemmaScope.Bench;
using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Server.Circuits;
using GemmaScope.Server.Hosting;
using GemmaScope.Workbench;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>A server with a graph that is too large for a browser, and one of the demo model.</summary>
public sealed class GraphServer : IAsyncLifetime
{
    public const string Large = "large",
        Demo = "demo";

    private readonly TemporaryFolder _folder = new();
    private GemmaModel? _model;
    private SparseDictionary? _transcoder;
    private ServerHost? _host;

    public GraphDocument Graph { get; } = RandomGraph.Make(tokens: 60, layers: 6, features: 900, errors: 100, links: 9000);

    public Uri Address => _host!.Address;

    public async ValueTask InitializeAsync()
    {
        var folder = Fixtures.Model("demo-scope", "transcoder_all", "layer_3_width_1k_l0_16");
        _model = GemmaModel.Load(Fixtures.Model("demo-pt"));
        _transcoder = SparseDictionary.Load(folder);
        Graph.Write(_folder.File(Large + GraphFile.Ending));
        var microscope = Microscope.Of("demo-pt", _model, _transcoder);
        var traced = await CircuitJob.RunAsync(
            microscope,
            new()
            {
                Text = "The people of the United",
                NodeShare = 1,
                Transcoders = [folder],
            }
        );
        traced.Graph.Write(_folder.File(Demo + ".json"));
        _host = await ServerHost.StartAsync(
            new ServerModel(microscope),
            new ServerOptions
            {
                Port = 0,
                Circuits = _folder.Path,
                Guard = null,
                TimeLimit = Patience.Limit,
                Log = TextWriter.Null,
            }
        );
    }

    public GraphDocument DemoGraph() => GraphDocument.Read(_folder.File(Demo + ".json"));

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        _transcoder?.Dispose();
        _model?.Dispose();
        _folder.Dispose();
    }
}

/// <summary>Graphs that come in parts, and groups that are proposed, as data.</summary>
public sealed class LargeGraphTests(GraphServer server) : IClassFixture<GraphServer>
{
    private static readonly HttpClient Client = new() { Timeout = Patience.Limit };

    private async Task<(HttpStatusCode Status, JsonElement Json)> Get(string path)
    {
        var answer = await Client.GetAsync(new Uri(server.Address, path));
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement);
    }

    [Fact]
    public async Task a_part_of_a_large_graph_says_how_much_of_it_it_is()
    {
        var (_, json) = await Get("/circuits/large/sub?nodes=20");
        Assert.Equal(20, json.GetProperty("nodes").GetArrayLength());
        var part = json.GetProperty("part");
        Assert.Equal(server.Graph.Nodes.Count, part.GetProperty("nodes").GetInt32());
        Assert.Equal(server.Graph.Links.Count, part.GetProperty("links").GetInt32());
        Assert.InRange(part.GetProperty("influence").GetDouble(), 0.2, 0.8);
        var node = server.Graph.Nodes.Last(one => one.Kind == GraphNodeKind.Feature).NodeId;
        var (_, around) = await Get($"/circuits/large/sub?nodes=20&node={node}&neighbours=2");
        Assert.Contains(around.GetProperty("nodes").EnumerateArray(), one => one.GetProperty("node_id").GetString() == node);
        var (_, some) = await Get("/circuits/large/sub?from=5&to=6&find=subject");
        Assert.All(some.GetProperty("nodes").EnumerateArray(), one => Assert.InRange(one.GetProperty("ctx_idx").GetInt32(), 5, 6));
        // A small one has parts too.
        Assert.Equal(5, (await Get("/circuits/demo/sub?nodes=5")).Json.GetProperty("nodes").GetArrayLength());
    }

    [Fact]
    public async Task what_no_part_can_be_is_refused()
    {
        foreach (var query in (string[])["node=nowhere", "nodes=999999", "nodes=-1", "neighbours=-3", "nodes=many"])
            Assert.Equal(
                HttpStatusCode.BadRequest,
                (await Client.GetAsync(new Uri(server.Address, $"/circuits/large/sub?{query}"))).StatusCode
            );
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync(new Uri(server.Address, "/circuits/none/sub"))).StatusCode);
    }

    [Fact]
    public async Task the_page_and_the_list_tell_of_the_whole_and_send_a_part()
    {
        var page = await Client.GetStringAsync(new Uri(server.Address, "/circuits/large"));
        Assert.Contains("data-graph=\"/circuits/large/sub\"", page);
        Assert.Contains("<b>900</b> features", page);
        Assert.Contains($"<b>{server.Graph.Links.Count:#,0}</b> edges", page);
        Assert.Contains("900 features", await Client.GetStringAsync(new Uri(server.Address, "/circuits")));
        Assert.Contains("data-graph=\"/circuits/demo.json\"", await Client.GetStringAsync(new Uri(server.Address, "/circuits/demo")));
        Assert.Equal(server.Graph.Links.Count, (await Get("/circuits/large.json")).Json.GetProperty("links").GetArrayLength());
    }

    [Fact]
    public void a_large_file_of_another_form_is_copied_once_and_again_when_it_has_changed()
    {
        using TemporaryFolder folder = new(),
            cache = new();
        var file = new FileInfo(folder.File("graph.json"));
        RandomGraph.Make(10, 3, 20, 5, 50).Write(file.FullName);
        Assert.Null(new LargeGraphs(cache.Path).Find(new(file.FullName)));
        Assert.Empty(Directory.GetFiles(cache.Path));

        var graphs = new LargeGraphs(cache.Path, largestWhole: 100);
        var graph = graphs.Find(new(file.FullName))!;
        Assert.Equal(50, graph.LinkCount);
        Assert.Same(graph, graphs.Find(new(file.FullName)));
        var copy = Assert.Single(Directory.GetFiles(cache.Path));
        var written = File.GetLastWriteTimeUtc(copy);
        // Another server takes the same copy.
        Assert.Equal(50, new LargeGraphs(cache.Path, 100).Find(new(file.FullName))!.LinkCount);
        Assert.Equal(written, File.GetLastWriteTimeUtc(copy));

        RandomGraph.Make(10, 3, 20, 5, 60).Write(file.FullName, overwrite: true);
        File.SetLastWriteTimeUtc(file.FullName, written.AddSeconds(5));
        Assert.Equal(60, graphs.Find(new(file.FullName))!.LinkCount);
        File.WriteAllText(copy, "damaged");
        File.SetLastWriteTimeUtc(copy, written.AddSeconds(9));
        Assert.Equal(60, new LargeGraphs(cache.Path, 100).Find(new(file.FullName))!.LinkCount);

        File.WriteAllText(file.FullName, "{" + new string(' ', 200));
        File.SetLastWriteTimeUtc(file.FullName, written.AddSeconds(20));
        Assert.Throws<FileFormatException>(() => graphs.Find(new(file.FullName)));
    }

    [Fact]
    public async Task groups_of_a_prompt_are_proposed_with_their_figures()
    {
        var graph = server.DemoGraph();
        var nodes = graph
            .Nodes.Where(node => node.Kind == GraphNodeKind.Feature)
            .Select(node => new
            {
                id = node.NodeId,
                layer = graph.FeatureOf(node)!.Value.Layer,
                feature = graph.FeatureOf(node)!.Value.Index,
                position = node.Position,
            })
            .ToArray();
        var lines = await Lines(
            new
            {
                text = "The people of the United",
                nodes,
                threshold = 0.25,
                controls = 2,
            }
        );
        Assert.Contains(lines, line => line.TryGetProperty("unit", out var unit) && unit.GetString() == "groups");
        var found = lines[^1].GetProperty("found");
        Assert.True(found.GetProperty("groups").GetArrayLength() > 0);
        var ids = nodes.Select(node => node.id).ToHashSet();
        foreach (var group in found.GetProperty("groups").EnumerateArray())
        {
            Assert.NotEmpty(group.GetProperty("name").GetString()!);
            Assert.True(double.IsFinite(group.GetProperty("stand_in").GetDouble()));
            Assert.Equal(2, group.GetProperty("controls").GetInt32());
            foreach (var member in group.GetProperty("members").EnumerateArray())
                Assert.Contains(member.GetProperty("node").GetString()!, ids);
        }
        foreach (
            var wrong in (object[])
                [
                    new { text = "The people", nodes = Array.Empty<object>() },
                    new
                    {
                        text = "The people",
                        nodes,
                        threshold = 0,
                    },
                    new
                    {
                        text = "The people",
                        nodes,
                        controls = 1000,
                    },
                    new { nodes },
                    new
                    {
                        text = "The people",
                        nodes = new[]
                        {
                            new
                            {
                                id = "a",
                                layer = 3,
                                feature = 1L << 40,
                                position = 1,
                            },
                        },
                    },
                    new
                    {
                        text = "The people",
                        nodes = new[]
                        {
                            new
                            {
                                id = "a",
                                layer = 3,
                                feature = 5,
                                position = -4,
                            },
                        },
                    },
                ]
        )
            Assert.Equal(HttpStatusCode.BadRequest, (await Post(wrong)).StatusCode);
    }

    [Fact]
    public async Task what_is_found_out_late_is_said_all_the_same()
    {
        var lines = await Lines(
            new
            {
                text = "The people",
                nodes = new[]
                {
                    new
                    {
                        id = "a",
                        layer = 3,
                        feature = 5,
                        position = 1,
                    },
                },
            }
        );
        Assert.Contains("none of its 1 features fires", lines[^1].GetProperty("problem").GetString());
    }

    private Task<HttpResponseMessage> Post(object body) =>
        Client.PostAsync(
            new Uri(server.Address, "/api/circuits/group"),
            new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json")
        );

    private async Task<JsonElement[]> Lines(object body)
    {
        var answer = await Post(body);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}

/// <summary>The same as a person uses it.</summary>
[Collection(nameof(BrowserTests))]
public sealed class LargeGraphBrowserTests(GraphServer server, Browser browser) : IClassFixture<GraphServer>, IClassFixture<Browser>
{
    private async Task<IPage> Open(string path)
    {
        var page = await browser.Open();
        page.PageError += (_, problem) => Assert.Fail(problem);
        await page.GotoAsync(new Uri(server.Address, path).ToString());
        await page.WaitForSelectorAsync("#nodes .node");
        return page;
    }

    [Fact]
    public async Task a_large_graph_shows_its_strongest_nodes_and_brings_more_where_one_looks()
    {
        var page = await Open("/circuits/large");
        Assert.Equal(300, await page.Locator("#nodes .node").CountAsync());
        Assert.Contains("300 of 1,063 nodes", await page.InnerTextAsync("#part-told"));
        // The weakest of what is shown has neighbours that are not.
        await page.Locator("#nodes .node.feature").First.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForFunctionAsync("() => document.querySelectorAll('#nodes .node').length > 300");
        Assert.Contains("clickedId=", page.Url);
        await page.WaitForSelectorAsync("#about .flow tr");
        await page.ClickAsync("#part-more");
        await page.WaitForFunctionAsync("() => document.querySelectorAll('#nodes .node').length >= 600");
        await page.FillAsync("#part-find", "subject 77");
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForSelectorAsync("#part-status:has-text('found')");
        Assert.Contains("clickedId=", page.Url);
        // The address alone brings the node that was chosen.
        var again = await Open(new Uri(page.Url).PathAndQuery);
        Assert.Equal(await page.InnerTextAsync("#about h2"), await again.InnerTextAsync("#about h2"));
    }

    [Fact]
    public async Task groups_that_are_proposed_become_supernodes_and_can_be_taken_apart()
    {
        var features = server.DemoGraph().Nodes.Where(node => node.Kind == GraphNodeKind.Feature).Select(node => node.NodeId).ToArray();
        var page = await Open("/circuits/demo");
        object Group(string name, bool good, params string[] nodes) =>
            new
            {
                name,
                is_validated = good,
                members = nodes.Select(node => new
                {
                    node,
                    layer = 3,
                    feature = 1,
                    position = 1,
                    token = "a",
                }),
                co_firing = 0.9,
                edge_similarity = 0.8,
                stand_in = good ? 0.7 : 0.1,
                control_mean = 0.05,
                control_most = 0.2,
                controls = 19,
                better_controls = 0,
                agreement = 0.9,
                joint = 1,
            };
        string[] lines =
        [
            JsonSerializer.Serialize(
                new
                {
                    stage = "testing",
                    done = 1,
                    total = 2,
                    unit = "groups",
                }
            ),
            JsonSerializer.Serialize(
                new
                {
                    found = new
                    {
                        text_tokens = 10000,
                        texts = "demo",
                        unseen = 3,
                        groups = new[]
                        {
                            Group("one of <b>two</b>", true, features[0], features[1]),
                            Group("not one", false, features[2], features[3]),
                        },
                    },
                }
            ),
        ];
        string? asked = null;
        await page.RouteAsync(
            "**/api/circuits/group",
            route =>
            {
                asked = route.Request.PostData;
                return route.FulfillAsync(new() { Body = string.Join('\n', lines) + "\n", ContentType = JsonLineAnswer.ContentType });
            }
        );
        await page.FillAsync("#alike", "0.7");
        await page.ClickAsync("#propose");
        await page.WaitForSelectorAsync("#picture .box.group");
        using var request = JsonDocument.Parse(asked!);
        Assert.Equal(0.7, request.RootElement.GetProperty("threshold").GetDouble());
        Assert.Equal(
            features,
            request.RootElement.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("id").GetString())
        );
        Assert.Contains("one of <b>two</b>", await page.TextContentAsync("#picture"));
        Assert.Contains("1 stand in for each other", await page.InnerTextAsync("#groups-stage"));
        Assert.Contains("supernodes=", page.Url);
        await page.ClickAsync("#groups-found >> text=use anyway");
        Assert.Equal(2, await page.Locator("#picture .box.group").CountAsync());
        await page.Locator("#groups-found >> text=take apart").First.ClickAsync();
        await page.Locator("#groups-found >> text=take apart").First.ClickAsync();
        Assert.Equal(0, await page.Locator("#picture .box.group").CountAsync());
        Assert.DoesNotContain("supernodes=", page.Url);
    }
}
