using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What a person tries on a graph of the served model.</summary>
[Collection(nameof(BrowserTests))]
public class CircuitTryingBrowserTests(CircuitServer server, Browser browser) : IClassFixture<CircuitServer>, IClassFixture<Browser>
{
    private const string Prompt = "The people of the United";

    private async Task<IPage> Open(string address)
    {
        var page = await browser.Open();
        page.PageError += (_, problem) => Assert.Fail(problem);
        await page.GotoAsync(new Uri(server.Client.BaseAddress!, address).ToString());
        return page;
    }

    /// <summary>A graph, and a feature of it.</summary>
    private async Task<(string Page, string Feature, int Layer)> Graph()
    {
        var page = await server.Trace(Prompt);
        var node = server.Strongest(page);
        return (page, node.NodeId, int.Parse(node.Layer));
    }

    [Fact]
    public async Task a_feature_is_turned_off_and_a_link_shows_the_same()
    {
        var (graph, feature, _) = await Graph();
        var page = await Open($"{graph}?pinnedIds={feature},7_1557_5");
        // Of what is pinned only features can be changed.
        await page.WaitForSelectorAsync("#whatif .knobs tr");
        Assert.Equal(1, await page.Locator("#whatif .knobs tr").CountAsync());
        Assert.False(await page.Locator("#outcome").IsVisibleAsync());
        await page.Locator("#whatif .knobs button", new() { HasTextString = "off" }).ClickAsync();
        await page.WaitForSelectorAsync("#outcome .shifts tbody tr");
        await page.WaitForSelectorAsync("#written-changed:has-text('States')");
        await page.WaitForSelectorAsync("#outcome:not([aria-busy])");
        Assert.Contains("whatif=", page.Url);
        Assert.Contains("%22x0%22", page.Url);
        var told = await page.InnerTextAsync("#outcome");
        Assert.Contains("KL", told);
        var again = await Open(new Uri(page.Url).PathAndQuery);
        await again.WaitForSelectorAsync("#written-changed:has-text('States')");
        await again.WaitForSelectorAsync("#outcome:not([aria-busy])");
        Assert.Equal(told, await again.InnerTextAsync("#outcome"));
        Assert.Equal("off", await again.InnerTextAsync("#whatif .knobs output"));
        await again.ClickAsync("#whatif-reset");
        await again.WaitForSelectorAsync("#outcome", new() { State = WaitForSelectorState.Hidden });
        Assert.DoesNotContain("whatif=", again.Url);
    }

    [Fact]
    public async Task with_all_fixed_the_model_does_what_the_edges_say()
    {
        var (graph, feature, _) = await Graph();
        var page = await Open($"{graph}?pinnedIds={feature}");
        await page.WaitForSelectorAsync("#whatif .knobs tr");
        await page.SelectOptionAsync("#whatif select[aria-label=mode]", "constrained");
        await page.SelectOptionAsync("#whatif select[aria-label=tokens]", "0");
        await page.EvaluateAsync(
            "() => { const slider = document.querySelector('#whatif [type=range]'); slider.value = slider.max; slider.dispatchEvent(new Event('input', { bubbles: true })) }"
        );
        await page.WaitForSelectorAsync("#outcome .shifts tbody tr");
        await page.WaitForSelectorAsync("#outcome:not([aria-busy])");
        var row = await page.Locator("#outcome table:has-text('measured') tbody tr").First.Locator("td").AllInnerTextsAsync();
        // Its edges and the model, to the digits that are shown.
        Assert.Equal(row[1], row[3]);
        Assert.Equal(0, await page.Locator("#written-changed").CountAsync());
    }

    [Fact]
    public async Task what_the_server_refuses_is_said_beside_the_controls()
    {
        var (graph, feature, _) = await Graph();
        var page = await Open($"{graph}?pinnedIds={feature}");
        await page.WaitForSelectorAsync("#whatif .knobs tr");
        await page.RouteAsync(
            "**/api/circuits/intervene",
            route =>
                route.FulfillAsync(
                    new()
                    {
                        Status = 429,
                        ContentType = "application/json",
                        Body = """{"detail": "too many wait"}""",
                    }
                )
        );
        await page.Locator("#whatif .knobs button", new() { HasTextString = "×2" }).ClickAsync();
        await page.WaitForSelectorAsync("#whatif-problem:has-text('too many wait')");
    }

    [Fact]
    public async Task attention_is_looked_at_from_the_node_that_is_chosen_and_taken_apart()
    {
        var (graph, feature, layer) = await Graph();
        var page = await Open($"{graph}?clickedId={feature}");
        await page.ClickAsync("#attention summary");
        await page.WaitForSelectorAsync("#head .heads tr");
        Assert.Contains($"attention={layer}.0.5", page.Url);
        await page.SelectOptionAsync("#head select[aria-label=layer]", "4");
        await page.SelectOptionAsync("#head select[aria-label=to]", "2");
        await page.WaitForSelectorAsync("#head .pairs tr");
        Assert.Contains("attention=4.0.5.2", page.Url);
        var told = await page.InnerTextAsync("#head .pairs");
        // A head of the list is chosen with the position that it looks at most.
        await page.Locator("#head .heads button").Nth(3).ClickAsync();
        await page.WaitForFunctionAsync("() => /attention=4\\.3\\.5\\.\\d/.test(location.search)");
        var again = await Open($"{new Uri(page.Url).AbsolutePath}?attention=4.0.5.2");
        await again.WaitForSelectorAsync("#head .pairs tr");
        Assert.Equal(told, await again.InnerTextAsync("#head .pairs"));
    }

    [Fact]
    public async Task an_edge_tells_which_heads_carried_it_and_where_they_look()
    {
        var (graph, feature, _) = await Graph();
        var page = await Open($"{graph}?clickedId={feature}");
        await page.Locator("#about .flow td.n button").First.ClickAsync();
        await page.WaitForSelectorAsync("#about .carried:has-text('through no head')");
        Assert.Contains("together", await page.InnerTextAsync("#about .carried"));
        if (await page.Locator("#about .carried button").CountAsync() > 0)
        {
            await page.Locator("#about .carried button").First.ClickAsync();
            await page.WaitForSelectorAsync("#head .pairs tr");
            Assert.Contains("attention=", page.Url);
        }
        await page.Locator("#about .flow td.n button").First.ClickAsync();
        Assert.Equal(0, await page.Locator("#about .carried").CountAsync());
    }

    [Fact]
    public async Task a_pinned_node_is_renamed_where_it_stands()
    {
        var (graph, feature, _) = await Graph();
        var page = await Open($"{graph}?pinnedIds={feature}");
        await page.Locator("#picture .box").First.FocusAsync();
        await page.Keyboard.PressAsync("F2");
        await page.FillAsync(".rename", "united");
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForSelectorAsync("#picture .box:has-text('united')");
        Assert.Contains("clerps=", page.Url);
        await page.Keyboard.PressAsync("F2");
        await page.FillAsync(".rename", "other");
        await page.Keyboard.PressAsync("Escape");
        Assert.Contains("united", await page.TextContentAsync("#picture"));
        Assert.Equal(0, await page.Locator(".rename").CountAsync());
        Assert.Contains("united", await page.InnerTextAsync("#whatif"));
    }

    [Fact]
    public async Task a_graph_of_another_model_is_shown_and_cannot_be_tried()
    {
        var page = await Open("/circuits");
        await page.SetInputFilesAsync("#open-graph", Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json"));
        await page.Locator("#nodes .node.feature").First.ClickAsync();
        await page.Locator("#about >> text=pin").First.ClickAsync();
        await page.WaitForSelectorAsync("#whatif-note:has-text('another model'), #whatif-note:has-text('this server has demo-pt')");
        Assert.False(await page.Locator("#attention").IsVisibleAsync());
    }

    [Fact]
    public async Task features_that_fire_often_are_hidden_by_the_density_and_what_is_shown_is_scored()
    {
        var graph = JsonNode.Parse(File.ReadAllText(Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json")))!;
        foreach (var (i, node) in graph["nodes"]!.AsArray().Index())
            node!["density"] = i % 2 == 0 ? 0.5 : 0.001;
        var page = await Open("/circuits");
        await page.SetInputFilesAsync(
            "#open-graph",
            new FilePayload
            {
                Name = "dense.json",
                MimeType = "application/json",
                Buffer = System.Text.Encoding.UTF8.GetBytes(graph.ToJsonString()),
            }
        );
        await page.WaitForSelectorAsync("#nodes .node.feature");
        var (all, scores) = (await page.Locator("#nodes .node.feature").CountAsync(), await page.InnerTextAsync("#scores"));
        await page.EvaluateAsync(
            "() => { const slider = document.getElementById('density'); slider.value = -1; slider.dispatchEvent(new Event('input', { bubbles: true })) }"
        );
        Assert.InRange(await page.Locator("#nodes .node.feature").CountAsync(), 1, all - 1);
        Assert.Contains("densityThreshold=0.1", page.Url);
        Assert.NotEqual(scores, await page.InnerTextAsync("#scores"));
    }
}
