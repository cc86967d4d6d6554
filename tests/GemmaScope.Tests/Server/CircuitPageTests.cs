using System.Net;
using System.Text.Json;
using GemmaScope.Circuits;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Attribution graphs as pages and data.</summary>
public class CircuitPageTests(MicroscopeServer server)
{
    private static readonly HttpClient Client = new() { Timeout = Patience.Limit };

    private async Task<(HttpStatusCode Status, string Text)> Get(string path)
    {
        var answer = await Client.GetAsync(new Uri(await server.Address(), path));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task graphs_of_a_folder_are_listed_and_one_that_cannot_be_read_says_why()
    {
        var (_, page) = await Get("/circuits");
        Assert.Contains($"href=\"/circuits/{MicroscopeServer.Graph}\"", page);
        Assert.Contains("cannot be read", page);
        Assert.DoesNotContain("<img", page);
        var (_, names) = await Get("/circuits.json");
        Assert.Equal(["cut", "golden", "hostile"], JsonSerializer.Deserialize<string[]>(names)!.Order());
        var (status, problem) = await Get("/circuits/cut");
        Assert.True(status >= HttpStatusCode.BadRequest);
        Assert.Contains("cut short", problem);
        foreach (var name in (string[])["none", "..%2F..%2Fetc%2Fpasswd", "golden.json.json"])
            Assert.Equal(HttpStatusCode.NotFound, (await Get($"/circuits/{name}")).Status);
    }

    [Fact]
    public async Task a_graph_is_the_same_as_data_and_its_strongest_ways_are_written_out()
    {
        var (_, text) = await Get($"/circuits/{MicroscopeServer.Graph}.json");
        using var json = JsonDocument.Parse(text);
        var golden = GraphDocument.Read(Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json"));
        Assert.Equal(golden.Nodes.Count, json.RootElement.GetProperty("nodes").GetArrayLength());
        Assert.Equal(golden.Links.Count, json.RootElement.GetProperty("links").GetArrayLength());
        var (_, page) = await Get($"/circuits/{MicroscopeServer.Graph}");
        Assert.Contains("not checked by intervention", page);
        var target = GraphPaths.Targets(golden)[0];
        var path = GraphPaths.Strongest(golden, target)[0];
        Assert.Contains(GemmaScope.Workbench.Html.HtmlText.Encode(target.Label), page);
        Assert.Contains($"at {path.Nodes[0].Position}", page);
        Assert.DoesNotContain("<header class=\"bar\"", (await Get($"/circuits/{MicroscopeServer.Graph}?embed=true")).Text);
    }
}

/// <summary>The viewer of graphs as a person uses it.</summary>
[Collection(nameof(BrowserTests))]
public class CircuitBrowserTests(MicroscopeServer server, Browser browser) : IClassFixture<Browser>
{
    private async Task<string> Address(string path) => new Uri(await server.Address(), path).ToString();

    private async Task<IPage> Open(string query = "", string name = MicroscopeServer.Graph, bool touch = false)
    {
        var page = await browser.Open(touch: touch);
        page.PageError += (_, problem) => Assert.Fail(problem);
        await page.GotoAsync(await Address($"/circuits/{name}{query}"));
        await page.WaitForSelectorAsync("#nodes .node");
        return page;
    }

    [Fact]
    public async Task a_click_tells_what_comes_in_and_goes_out_and_the_address_brings_the_view_back()
    {
        var page = await Open();
        await page.Locator("#nodes .node.target").First.ClickAsync();
        await page.WaitForSelectorAsync("#about .flow tr");
        Assert.Contains("clickedId=", page.Url);
        // Along the strongest contribution.
        await page.Locator("#about .flow [data-go]").First.ClickAsync();
        await page.Keyboard.PressAsync("Escape");
        await page.Locator("#about >> text=pin").First.ClickAsync();
        await page.WaitForSelectorAsync("#picture .box");
        Assert.Contains("pinnedIds=", page.Url);
        var (about, picture) = (await page.InnerTextAsync("#about"), await page.TextContentAsync("#picture"));
        var again = await browser.Open();
        await again.GotoAsync(page.Url);
        await again.WaitForSelectorAsync("#picture .box");
        Assert.Equal(about, await again.InnerTextAsync("#about"));
        Assert.Equal(picture, await again.TextContentAsync("#picture"));
    }

    [Fact]
    public async Task the_keys_of_other_viewers_round_trip()
    {
        var golden = GraphDocument.Read(Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json"));
        var features = golden.Nodes.Where(node => node.Kind == GraphNodeKind.Feature).Select(node => node.NodeId).Take(3).ToArray();
        var groups = JsonSerializer.Serialize(new[] { new[] { "two of them", features[0], features[1] } });
        var names = JsonSerializer.Serialize(new[] { new[] { features[2], "the third" } });
        var page = await Open(
            $"?pinnedIds={string.Join(',', features)}&clickedId={features[2]}&pruningThreshold=0.6&supernodes={Uri.EscapeDataString(groups)}&clerps={Uri.EscapeDataString(names)}"
        );
        await page.WaitForSelectorAsync("#picture .box.group");
        Assert.Equal(2, await page.Locator("#picture .box").CountAsync());
        Assert.Contains("two of them", await page.TextContentAsync("#picture"));
        Assert.Contains("the third", await page.InnerTextAsync("#about h2"));
        Assert.Equal("0.6", await page.InputValueAsync("#pruning"));
        // Whatever is done next, nothing of it is lost.
        await page.Locator("#nodes .node.target").First.ClickAsync();
        foreach (var key in (string[])["pinnedIds", "clickedId", "pruningThreshold", "supernodes", "clerps"])
            Assert.Contains($"{key}=", page.Url);
        await page.ClickAsync("#ungroup");
        Assert.Equal(3, await page.Locator("#picture .box").CountAsync());
    }

    [Fact]
    public async Task pruning_hides_features_and_the_search_marks_what_it_finds()
    {
        var page = await Open();
        var all = await page.Locator("#nodes .node.feature").CountAsync();
        await page.EvaluateAsync(
            "() => { const slider = document.getElementById('pruning'); slider.value = 0.3; slider.dispatchEvent(new Event('input', { bubbles: true })) }"
        );
        Assert.InRange(await page.Locator("#nodes .node.feature").CountAsync(), 0, all - 1);
        Assert.True(await page.Locator("#nodes .node.token").CountAsync() > 0);
        await page.FillAsync("#seek", "t76");
        await page.WaitForSelectorAsync("#nodes .node.hit");
        Assert.Contains("found", await page.InnerTextAsync("#sought"));
    }

    [Fact]
    public async Task keys_walk_along_the_graph()
    {
        var page = await Open();
        await page.FocusAsync("#graph");
        await page.Keyboard.PressAsync("ArrowRight");
        await page.WaitForSelectorAsync("#nodes .node:focus");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForSelectorAsync("#about h2");
        await page.Keyboard.PressAsync("p");
        await page.WaitForSelectorAsync("#picture .box");
    }

    [Fact]
    public async Task attacks_in_a_graph_run_nothing()
    {
        var page = await Open(name: MicroscopeServer.HostileGraph);
        await page.Locator("#nodes .node.target").First.ClickAsync();
        await page.WaitForSelectorAsync("#about .flow tr");
        await page.Locator("#about >> text=pin").First.ClickAsync();
        await page.WaitForSelectorAsync("#picture .box");
        Assert.False(await page.EvaluateAsync<bool>("'attacked' in window"));
        Assert.Equal(0, await page.Locator("main img").CountAsync());
    }

    [Fact]
    public async Task a_file_of_ones_own_is_opened_and_saved_again_without_the_server()
    {
        var golden = Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json");
        var page = await browser.Open();
        await page.GotoAsync(await Address("/circuits"));
        var asked = 0;
        page.Request += (_, _) => asked++;
        await page.SetInputFilesAsync("#open-graph", golden);
        await page.WaitForSelectorAsync("#nodes .node");
        var download = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync("#save-json"));
        var saved = GraphDocument.Read(await download.PathAsync());
        var original = GraphDocument.Read(golden);
        Assert.Equal(original.Nodes.Select(node => node.NodeId), saved.Nodes.Select(node => node.NodeId));
        Assert.Equal(original.Links, saved.Links);
        Assert.Equal(0, asked);
        await page.SetInputFilesAsync(
            "#open-graph",
            new FilePayload
            {
                Name = "cut.json",
                MimeType = "application/json",
                Buffer = "{\"nodes\":["u8.ToArray(),
            }
        );
        await page.WaitForSelectorAsync("#circuit-problem:has-text('cut.json')");
    }
}
