using GemmaScope.Features;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What a person sees where there are dictionaries of several layers.</summary>
[Collection(nameof(BrowserTests))]
public class LayersBrowserTests(LayersServer server, Browser browser) : IClassFixture<Browser>
{
    private const string Text = "The cat saw 7 dogs and a city";

    /// <summary>Shifts of the layout that no input caused, summed from when it is set to 0.</summary>
    private const string WatchShifts =
        "window.shifts = 0; new PerformanceObserver(list => { for (const one of list.getEntries()) if (!one.hadRecentInput) shifts += "
        + "one.value }).observe({ type: 'layout-shift', buffered: true })";

    private async Task<string> Address(string path) => new Uri(await server.Address(), path).ToString();

    private static Task<IJSHandle> IsAt(IPage page, string part) =>
        page.WaitForFunctionAsync("part => location.href.includes(part) && !document.querySelector('[aria-busy]')", part);

    [Theory]
    [InlineData(1280, 900)]
    [InlineData(390, 800)]
    public async Task layers_are_filled_in_one_after_another_and_nothing_moves(int width, int height)
    {
        var page = await browser.Open();
        await page.SetViewportSizeAsync(width, height);
        await page.AddInitScriptAsync(WatchShifts);
        await page.GotoAsync((await server.Slow()).ToString());
        await page.FillAsync("#text", string.Concat(Enumerable.Range(0, 40).Select(i => $"{width} and {i} cats sat. ")));
        await page.ClickAsync("text=Look");
        await page.WaitForSelectorAsync("#d5");
        // The tokens and a place for every line are there before the first is read.
        Assert.True(await page.Locator(".reading > a").CountAsync() > 100);
        await page.EvaluateAsync(
            """
            window.order = []
            new MutationObserver(() => { for (const line of document.querySelectorAll('.passing tr[id]')) if (!line.cells[2].textContent.includes('…') && !order.includes(line.id)) order.push(line.id) })
              .observe(document.body, { childList: true, subtree: true })
            """
        );
        Assert.Contains("…", await page.InnerTextAsync("#d5"));
        // A browser does not count what moves within half a second of a click.
        await page.EvaluateAsync("() => { window.looked = performance.now() }");
        await page.WaitForFunctionAsync("() => performance.now() > looked + 600");
        await page.EvaluateAsync("shifts = 0");
        await page.WaitForFunctionAsync(
            "() => !document.querySelector('[data-reading]')",
            null,
            new() { Timeout = (float)Patience.Limit.TotalMilliseconds }
        );
        var order = await page.EvaluateAsync<string[]>("order");
        Assert.Equal(order.Order(), order);
        Assert.Equal("d5", order[^1]);
        Assert.InRange(await page.EvaluateAsync<double>("shifts"), 0, 0.02);
        foreach (var part in (string[])["#text", "select[name=dict]", "#layer", ".passing", ".found"])
            Assert.True(await page.Locator(part).EvaluateAsync<double>("part => part.getBoundingClientRect().right") <= width, part);
        Assert.DoesNotContain("…", await page.InnerTextAsync(".passing"));
        Assert.True(await page.Locator(".reading > a:not(.s0)").CountAsync() > 100);
        Assert.NotEqual("", (await page.InnerTextAsync("#summary .one-line")).Replace("next:", "").Trim());
    }

    [Fact]
    public async Task another_text_ends_the_reading_of_the_first()
    {
        var page = await browser.Open();
        await page.GotoAsync((await server.Slow()).ToString());
        var first = string.Concat(Enumerable.Range(0, 60).Select(i => $"left {i} cats. "));
        await page.FillAsync("#text", first);
        await page.ClickAsync("text=Look");
        await page.WaitForSelectorAsync("#d5");
        await page.FillAsync("#text", "Hi");
        await page.ClickAsync("text=Look");
        await page.WaitForFunctionAsync(
            "() => document.querySelectorAll('.reading > a').length < 10 && !document.querySelector('[data-reading]')"
        );
        Assert.Equal(0, await page.Locator(".problem").CountAsync());
        using var client = new HttpClient { Timeout = Patience.Limit };
        Assert.Contains(
            "data-reading",
            await client.GetStringAsync(new Uri(await server.Slow(), $"/?q={Uri.EscapeDataString(first)}&wait=false"))
        );
    }

    [Fact]
    public async Task the_slider_moves_between_layers_and_keeps_text_and_token_and_the_way_back()
    {
        var names = (await server.Dictionaries()).ToLookup(one => one.InputSite.Layer, FeatureLinks.PageName);
        var page = await browser.Open();
        await page.GotoAsync(await Address($"/?q={Text}&dict={LayersServer.Demo}&token=3"));
        await page.EvaluateAsync("window.stays = 1");
        await page.FocusAsync("#layer");
        await page.Keyboard.PressAsync("ArrowRight");
        await page.WaitForFunctionAsync(
            "() => document.querySelector('.layers output').value === '4' && !document.querySelector('[aria-busy]') && "
                + "location.href.includes('layer_4')"
        );
        Assert.Contains(names[4], name => page.Url.Contains($"dict={name}"));
        Assert.Contains("token=3", page.Url);
        Assert.DoesNotContain("wait", page.Url);
        Assert.Equal(Text, await page.InputValueAsync("#text"));
        Assert.Equal("layer", await page.EvaluateAsync<string>("document.activeElement.id"));
        await page.Keyboard.PressAsync("ArrowLeft");
        await IsAt(page, $"dict={LayersServer.Demo}");
        await page.GoBackAsync();
        await IsAt(page, "layer_4");
        Assert.Equal("4", await page.InputValueAsync("#layer"));
        Assert.Equal(1, await page.EvaluateAsync<int>("window.stays"));
    }

    [Fact]
    public async Task a_line_and_the_choice_of_a_dictionary_lead_to_it()
    {
        var names = (await server.Dictionaries()).ToLookup(one => one.InputSite.Layer, FeatureLinks.PageName);
        var page = await browser.Open();
        await page.GotoAsync(await Address($"/?q={Text}&dict={LayersServer.Demo}"));
        await page.WaitForFunctionAsync("() => !document.querySelector('[data-reading]')");
        await page.ClickAsync($".passing a[title='{names[1].First()}']");
        await IsAt(page, $"dict={names[1].First()}");
        await page.SelectOptionAsync("select[name=dict]", LayersServer.Demo);
        await page.ClickAsync("text=Look");
        await IsAt(page, $"dict={LayersServer.Demo}");
        Assert.Equal("residual · 2k", await page.InnerTextAsync(".passing .chosen .name"));
        Assert.Equal(LayersServer.Demo, await page.GetAttributeAsync(".passing .chosen .name a", "title"));
    }

    [Fact]
    public async Task without_script_the_slider_has_a_button_and_a_page_is_complete()
    {
        var page = await browser.Open(script: false);
        await page.GotoAsync(await Address($"/?q={Text} unread&dict={LayersServer.Demo}"));
        Assert.True(await page.Locator(".found tr").CountAsync() > 5);
        Assert.Equal(1, await page.Locator("noscript p").CountAsync());
        await page.FocusAsync("#layer");
        await page.Keyboard.PressAsync("ArrowRight");
        await page.ClickAsync(".layers button");
        Assert.Contains("layer_4", page.Url);
        Assert.True(await page.Locator(".found tr").CountAsync() > 5);
    }

    [Fact]
    public async Task the_map_leads_to_a_dictionary_a_feature_and_the_same_direction_in_other_layers()
    {
        var page = await browser.Open();
        await page.GotoAsync(await Address("/demo-pt"));
        Assert.Equal(7, await page.Locator(".map .cell").CountAsync());
        await page.ClickAsync($".cell[href$='{LayersServer.Demo}']");
        await page.WaitForSelectorAsync(".evaluation caption");
        await page.GotoAsync(await Address($"/demo-pt/{LayersServer.Demo}/7"));
        await page.ClickAsync("#ask-layers");
        await page.WaitForSelectorAsync(".directions tr:nth-child(7)");
        await page.SetViewportSizeAsync(390, 800);
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= 390"));
        await page.ClickAsync(".directions tr:nth-child(2) a");
        await IsAt(page, "/resid_post-layer_1-");
        Assert.Equal(1, await page.Locator("h1.feature").CountAsync());
    }
}
