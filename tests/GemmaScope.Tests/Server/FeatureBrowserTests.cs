using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>The page of a feature and the table of a dictionary as a person sees them.</summary>
[Collection(nameof(BrowserTests))]
public class FeatureBrowserTests(MicroscopeServer server, Browser browser) : IClassFixture<Browser>
{
    private const string Dictionary = $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}";

    private async Task<IPage> Open(string path, int width = 1280, int height = 800, bool script = true)
    {
        var page = await browser.Open(script);
        await page.SetViewportSizeAsync(width, height);
        await page.GotoAsync(new Uri(await server.Address(), path).ToString());
        return page;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task name_figures_words_test_and_steering_stand_in_the_first_screen(bool script)
    {
        var page = await Open($"{Dictionary}/{await server.Labelled()}", script: script);
        foreach (
            var part in (string[])
                [
                    "h1.feature",
                    ".key",
                    ".words.up",
                    ".words.down",
                    "#test",
                    "#steer",
                    "#steering button >> text=Steer",
                    "#normal",
                    "#steered",
                ]
        )
        {
            var box = (await page.Locator(part).BoundingBoxAsync())!;
            Assert.True(box.Y >= 0 && box.Y + box.Height <= 900, $"{part} ends at {box.Y + box.Height}");
        }
        // On both sides of one axis.
        var (up, down) = ((await page.Locator(".words.up").BoundingBoxAsync())!, (await page.Locator(".words.down").BoundingBoxAsync())!);
        Assert.Equal(up.X, down.X + down.Width, 1.5);
    }

    [Fact]
    public async Task another_tab_leaves_alone_what_was_typed_and_steered_and_stands_in_the_address()
    {
        var page = await Open($"{Dictionary}/{await server.Labelled()}");
        await page.FillAsync("#test", "The cat sat");
        await page.WaitForSelectorAsync("#tested .bubble");
        await page.FillAsync("#steer", "The cat");
        await page.EvaluateAsync("document.getElementById('normal').textContent = 'stays'");
        var tab = page.Locator(".tabs a").Nth(1);
        var name = await tab.InnerTextAsync();
        await tab.ClickAsync();
        await page.WaitForSelectorAsync($".tabs a[aria-current]:has-text('{name}')");
        Assert.Contains("examples=", page.Url);
        await Kept();
        await page.GoBackAsync();
        await page.WaitForSelectorAsync(".tabs a[aria-current]:has-text('Strongest')");
        Assert.DoesNotContain("examples=", page.Url);
        await Kept();
        await page.GoForwardAsync();
        await page.WaitForSelectorAsync($".tabs a[aria-current]:has-text('{name}')");
        await Kept();

        async Task Kept()
        {
            Assert.Equal("The cat sat", await page.InputValueAsync("#test"));
            Assert.Equal("The cat", await page.InputValueAsync("#steer"));
            Assert.Equal("stays", await page.InnerTextAsync("#normal"));
            Assert.Equal(1, await page.Locator("#tested .bubble").CountAsync());
        }
    }

    [Fact]
    public async Task tabs_are_links_where_no_script_runs()
    {
        var page = await Open($"{Dictionary}/{await server.Labelled()}", script: false);
        await page.Locator(".tabs a").Nth(1).ClickAsync();
        Assert.Contains("examples=", page.Url);
        Assert.EndsWith("%", await page.InnerTextAsync(".tabs a[aria-current]"));
    }

    [Fact]
    public async Task what_steering_does_is_said_as_the_server_says_it()
    {
        var path = $"{Dictionary}/{await server.Labelled()}";
        var page = await Open(path);
        await page.FillAsync("#steer", "The cat");
        await page.FillAsync("#strength", "60");
        await page.ClickAsync("section[aria-label=steering] summary");
        await page.FillAsync("[name=max_tokens]", "12");
        await page.FillAsync("[name=temperature]", "0");
        await page.ClickAsync("#steering button:has-text('Steer')");
        await page.WaitForSelectorAsync("#effect:not(:empty)");
        var form = await Open($"{path}?steer=The+cat&strength=60&max_tokens=12&temperature=0", script: false);
        foreach (var part in (string[])["#normal", "#steered", "#normal-next", "#steered-next", "#effect"])
            Assert.Equal(await form.Locator(part).TextContentAsync(), await page.Locator(part).TextContentAsync());
        Assert.Equal(5, await page.Locator("#steered-next tr").CountAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/FEATURE")]
    [InlineData("/FEATURE?layers=true")]
    [InlineData("/FEATURE?steer=The+cat&max_tokens=4&test=The+cat")]
    public async Task on_a_phone_nothing_is_cut_off_and_bars_can_be_compared(string path)
    {
        var page = await Open(Dictionary + path.Replace("FEATURE", $"{await server.Labelled()}"), 390, 844);
        Assert.Equal(390, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        var widths = await page.Locator("svg.share:visible, svg.mini:visible")
            .EvaluateAllAsync<double[]>("all => all.map(one => one.getBoundingClientRect().width)");
        Assert.NotEmpty(widths);
        Assert.All(widths, width => Assert.True(width >= 40, $"{width}"));
        // What sticks out of the screen to the right is in a part that can be scrolled, or a word that is said in full when pointed at.
        Assert.Empty(
            await page.EvaluateAsync<string[]>(
                "[...document.querySelectorAll('main *')].filter(one => one.checkVisibility() && one.getBoundingClientRect().right > 391 && !one.closest('.scroll, .sr, svg, [title]')).map(one => one.outerHTML.slice(0, 120))"
            )
        );
    }

    [Fact]
    public async Task the_table_is_filtered_and_ordered_in_place_and_the_field_keeps_the_focus()
    {
        var page = await Open(Dictionary);
        await page.EvaluateAsync("window.stays = document.querySelector('#plots-of')");
        await page.ClickAsync("th a:has-text('max')");
        await page.WaitForSelectorAsync("th a[aria-current]:has-text('max')");
        await page.FillAsync("#label", "attacked");
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForFunctionAsync("() => location.search.includes('label=attacked')");
        await page.WaitForFunctionAsync("() => document.querySelectorAll('.features tr').length === 2");
        Assert.Contains("sort=max", page.Url);
        Assert.Equal("label", await page.EvaluateAsync<string>("document.activeElement.id"));
        Assert.True(await page.EvaluateAsync<bool>("stays === document.querySelector('#plots-of')"));
    }
}
