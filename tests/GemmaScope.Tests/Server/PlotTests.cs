using GemmaScope.Features.Exchange;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Plots: one set of numbers, drawn by the server and, where scripts run, once more so that the drawing answers.</summary>
[Collection(nameof(BrowserTests))]
public class PlotTests(MicroscopeServer server, Browser browser) : IClassFixture<Browser>
{
    // Not the ring around the one that is pointed at.
    private const string Dots = "circle[r='2.5']";

    /// <summary>
    /// Collects what moves. Left out are cells that move to the side alone: on a busy machine a page is painted while it still arrives, and
    /// a
    /// row that comes later may have a wider number, which widens its column. A drawing that takes another's place moves what is below it
    /// up or down.
    /// </summary>
    // A form that the browser paints before all of it has arrived settles by itself, with plots or without.
    private const string Watch = """
        window.shifts = []
        const settles = ({ node }) => (node?.closest ? node : node?.parentElement)?.closest('form')
        const sideways = ({ node, previousRect, currentRect }) =>
          (node?.closest ? node : node?.parentElement)?.closest('table') && previousRect.top === currentRect.top
        new PerformanceObserver(list => {
          for (const one of list.getEntries())
            for (const source of one.sources)
              if (!sideways(source) && !settles(source)) shifts.push(`${one.value} ${source.node?.outerHTML ?? source.node?.textContent}`)
        }).observe({ type: 'layout-shift', buffered: true })
        """;

    private const string Dictionary = $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}";

    private async Task<IPage> Open(string path, bool script = true)
    {
        var page = await browser.Open(script);
        await page.GotoAsync(new Uri(await server.Address(), path).ToString());
        return page;
    }

    /// <summary>A plot, once it is drawn by the script.</summary>
    private static async Task<ILocator> Drawn(IPage page, int index = 0)
    {
        var plot = page.Locator("figure.plot").Nth(index);
        await plot.ScrollIntoViewIfNeededAsync();
        await plot.Locator("svg.plotted").WaitForAsync();
        return plot;
    }

    /// <summary>Where the marks and the words of a drawing stand, in pixels of the page.</summary>
    private static Task<double[][]> Places(ILocator plot, string what) =>
        plot.Locator(what)
            .EvaluateAllAsync<double[][]>(
                "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.top, box.width, box.height])"
            );

    [Fact]
    public async Task both_drawings_have_the_same_bars_points_and_ticks_at_the_same_places_and_nothing_moves()
    {
        foreach (
            var (path, index, marks) in ((string, int, string)[])
                [
                    ($"{Dictionary}/{await server.Labelled()}", 0, "rect[height]"),
                    ($"{Dictionary}/{await server.Labelled()}", 1, "rect[height]"),
                    (Dictionary, 0, "rect[height]"),
                    (Dictionary, 1, "circle"),
                ]
        )
        {
            var before = (await Open(path, script: false)).Locator("figure.plot").Nth(index);
            await before.ScrollIntoViewIfNeededAsync();
            var page = await Open(path);
            await page.EvaluateAsync(Watch);
            var after = await Drawn(page, index);
            double[][] Visible(double[][] places) => [.. places.Where(place => place[3] > 0)];
            var (server, script) = (
                Visible(await Places(before, marks)),
                Visible(await Places(after, marks + ":not(.overlay, .selection, .handle)"))
            );
            Assert.True(server.Length > 5);
            Assert.Equal(server.Length, script.Length);
            // Points that nearly lie on each other come in any order.
            Assert.All(
                server,
                one => Assert.Contains(script, other => one.Zip(other).All(pair => Math.Abs(pair.First - pair.Second) <= 1.5))
            );
            Assert.Equal(
                (await before.Locator("text").AllTextContentsAsync()).Order(),
                (await after.Locator("text").AllTextContentsAsync()).Where(text => text.Length > 0).Order()
            );
            Assert.Empty(await page.EvaluateAsync<string[]>("shifts"));
        }
    }

    [Fact]
    public async Task the_libraries_are_fetched_for_plots_alone_and_compressed_and_the_policy_has_nothing_to_forbid()
    {
        foreach (
            var (path, wanted) in ((string, int)[])
                [
                    ("/", 0),
                    ("/search", 0),
                    ($"{Dictionary}/{await server.Labelled()}?embed=true&embedplots=false", 0),
                    ($"{Dictionary}/{await server.Labelled()}", 2),
                    (Dictionary, 2),
                ]
        )
        {
            List<IResponse> libraries = [];
            List<string> wrong = [];
            var page = await browser.Open();
            page.Response += (_, answer) =>
            {
                if (answer.Url.Contains(".min.js"))
                    libraries.Add(answer);
            };
            page.Console += (_, message) =>
            {
                if (message.Type is "error" or "warning")
                    wrong.Add(message.Text);
            };
            await page.GotoAsync(new Uri(await server.Address(), path).ToString());
            if (wanted > 0)
                await Drawn(page);
            else
                await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
            Assert.Equal(wanted, libraries.Count);
            foreach (var library in libraries)
            {
                var headers = await library.AllHeadersAsync();
                Assert.Equal("public, max-age=31536000, immutable", headers["cache-control"]);
                Assert.Contains(headers["content-encoding"], (string[])["br", "gzip"]);
            }
            Assert.Empty(wrong);
        }
    }

    [Fact]
    public async Task pointing_at_a_bar_tells_its_count_and_range_and_the_table_has_the_same_numbers()
    {
        var feature = (await server.Database()).Page(await server.Stored(), await server.Labelled())!.Feature.Dashboard;
        var page = await Open($"{Dictionary}/{feature.Feature}");
        var plot = await Drawn(page);
        var bin = feature.Histogram.Index().First(bin => bin.Item > 0).Index;
        var box = (await plot.Locator("svg").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(
            (float)(box.X + (62 + 384 * (bin + 0.5) / feature.Histogram.Count) / 460 * box.Width),
            box.Y + box.Height / 2
        );
        await plot.Locator($"text=/{feature.Histogram[bin]} tokens/").WaitForAsync();

        await plot.Locator("summary").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        // The table is made when it is opened.
        await plot.Locator("table td:nth-child(3)").First.WaitForAsync();
        var counts = await plot.Locator("table td:nth-child(3)").AllInnerTextsAsync();
        Assert.Equal(feature.Histogram.Select(count => $"{count}"), counts);
    }

    [Fact]
    public async Task a_part_of_the_points_is_seen_larger_and_a_click_opens_the_feature()
    {
        var page = await Open(Dictionary);
        var plot = await Drawn(page, 1);
        var all = await plot.Locator(Dots).CountAsync();
        var box = (await plot.Locator("svg").BoundingBoxAsync())!;
        async Task Drag(float fromX, float fromY, float toX, float toY)
        {
            await page.Mouse.MoveAsync(box.X + fromX * box.Width, box.Y + fromY * box.Height);
            await page.Mouse.DownAsync();
            await page.Mouse.MoveAsync(box.X + toX * box.Width, box.Y + toY * box.Height, new() { Steps = 4 });
            await page.Mouse.UpAsync();
        }

        await Drag(0.5f, 0.12f, 0.95f, 0.8f);
        await plot.Locator("button:has-text('show all')").WaitForAsync();
        Assert.InRange(await plot.Locator(Dots).CountAsync(), 1, all - 1);
        await plot.Locator("button").ClickAsync();
        Assert.Equal(all, await plot.Locator(Dots).CountAsync());
        // A click that trembles is no zoom.
        await Drag(0.5f, 0.5f, 0.503f, 0.503f);
        Assert.Equal(all, await plot.Locator(Dots).CountAsync());

        var dot = (await plot.Locator("circle").First.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(dot.X + dot.Width / 2, dot.Y + dot.Height / 2);
        var tip = await plot.Locator("text=/fires on/").Locator("xpath=..").TextContentAsync();
        var feature = System.Text.RegularExpressions.Regex.Match(tip!, @"#(\d+)").Groups[1].Value;
        await page.Mouse.DownAsync();
        await page.Mouse.UpAsync();
        await page.WaitForFunctionAsync("end => location.href.endsWith(end)", $"/{feature}");
    }

    [Fact]
    public async Task a_finger_taps_once_to_read_of_a_point_and_twice_to_open_it()
    {
        var page = await browser.Open(touch: true);
        await page.GotoAsync(new Uri(await server.Address(), Dictionary).ToString());
        var plot = await Drawn(page, 1);
        var dot = (await plot.Locator(Dots).First.BoundingBoxAsync())!;
        var (x, y) = (dot.X + dot.Width / 2, dot.Y + dot.Height / 2);
        await page.Touchscreen.TapAsync(x, y);
        await plot.Locator("text=/fires on/").WaitForAsync();
        Assert.EndsWith(Dictionary, page.Url);
        await page.Touchscreen.TapAsync(x, y);
        await page.WaitForSelectorAsync("h1.feature:has-text('#')");
    }

    [Fact]
    public async Task without_script_the_points_are_links_and_the_numbers_have_an_address()
    {
        var page = await Open(Dictionary, script: false);
        var first = page.Locator("figure.plot").Nth(1).Locator("a").First;
        Assert.StartsWith("#", await first.Locator("title").TextContentAsync());
        await page.Locator(".numbers summary").First.ClickAsync();
        Assert.Equal(Dictionary + ".json", await page.Locator(".numbers a").First.GetAttributeAsync("href"));
        await first.ClickAsync(new() { Force = true });
        Assert.Equal(1, await page.Locator("h1.feature").CountAsync());
        Assert.True(await page.Locator("figure.plot svg:not(.plotted) rect").CountAsync() > 5);
    }

    [Fact]
    public async Task a_view_that_changes_in_place_gets_its_plots_too_and_colours_say_the_score()
    {
        var (database, stored) = (await server.Database(), await server.Stored());
        Assert.Equal(0.71, database.Rows(stored, [await server.Labelled()])[0].Score);
        var page = await Open(Dictionary);
        await Drawn(page, 1);
        Assert.Equal("var(--q3)", await page.Locator("figure.plot >> nth=1 >> circle[fill^='var(--q']").First.GetAttributeAsync("fill"));
        await page.EvaluateAsync("window.stays = 1");
        await page.FillAsync("#label", "attacked");
        await page.ClickAsync("button:has-text('Filter')");
        await page.WaitForFunctionAsync("() => location.search.includes('attacked')");
        await Drawn(page, 1);
        Assert.Equal(1, await page.EvaluateAsync<int>("window.stays"));
        Assert.Equal("0.71", await page.InnerTextAsync(".features tr:last-child td:last-child"));
    }
}
