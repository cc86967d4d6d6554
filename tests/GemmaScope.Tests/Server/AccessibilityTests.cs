using Deque.AxeCore.Commons;
using GemmaScope.Tests.Cli;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Every page in every state by the rules of axe-core for WCAG 2.1 A and AA, light and dark; and by the keyboard alone.</summary>
[Collection(nameof(BrowserTests))]
public class AccessibilityTests(MicroscopeServer server, DemoGuard guard, Browser browser)
    : IClassFixture<DemoGuard>,
        IClassFixture<Browser>
{
    private const string Text = "The cat sat in Paris",
        Words = "#text",
        Dictionary = $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}";

    private static readonly string Axe = new BundledAxeScriptProvider().GetScript();

    public static TheoryData<ColorScheme> Schemes => [ColorScheme.Light, ColorScheme.Dark];

    /// <summary>What breaks a rule: the page, the rule, the element, and what is wrong with it.</summary>
    internal static async Task<string[]> Broken(IPage page, string name)
    {
        await page.EvaluateAsync(Axe);
        var broken = await page.EvaluateAsync<string[]>(
            """
            async () => (await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations'] }))
                .violations.flatMap(rule => rule.nodes.slice(0, 3).map(node => `${rule.id} ${node.target}: ${node.failureSummary}`))
            """
        );
        return [.. broken.Select(one => $"{name}: {one}")];
    }

    /// <summary>Opens all that can be opened, and looks at all plots.</summary>
    private static async Task Open(IPage page)
    {
        await page.EvaluateAsync("document.querySelectorAll('details').forEach(one => { one.open = true })");
        foreach (var plot in await page.Locator("figure.plot").AllAsync())
        {
            await plot.ScrollIntoViewIfNeededAsync();
            await plot.Locator("svg.plotted").WaitForAsync();
        }
        await page.WaitForFunctionAsync("[...document.querySelectorAll('.numbers')].every(one => one.querySelector('table'))");
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task the_pages_of_the_microscope_break_no_rule(ColorScheme scheme)
    {
        var page = await browser.Open(scheme: scheme);
        var (feature, database) = (await server.Labelled(), await server.Database());
        var dead = database.Table(await server.Stored(), new()).First(row => row.Count == 0).Feature;
        var list = database.SaveList("seen by many", "a note");
        database.AddToList(list, await server.Stored(), feature, "why");
        string[] paths =
        [
            "/",
            $"/?q={Text}",
            $"/?q={Text}&token=3&feature={feature}",
            $"/?q={new string('a', 5000)}",
            $"/?q={Text}&token=99",
            $"/{MicroscopeServer.Model}",
            "/nothing",
            "/circuits",
            $"/circuits/{MicroscopeServer.Graph}",
            "/search",
            "/search?q=attacked",
            "/search?q=zzzzzzzz",
            Dictionary,
            $"{Dictionary}?label=nosuchlabel",
            $"{Dictionary}?show=dense&sort=max",
            $"{Dictionary}/{feature}",
            $"{Dictionary}/{feature}?test={Text}",
            $"{Dictionary}/{feature}?whole=true",
            $"{Dictionary}/{dead}",
            $"{Dictionary}/99999",
            $"{Dictionary}/{feature}?embed=true&height=300",
            $"{Dictionary}/{feature}?embed=true&embedplots=false&embedexplanation=false&embedlink=false",
            $"/{MicroscopeServer.Model}/{MicroscopeServer.Hostile}/0",
            "/chat",
            "/studies",
            "/studies/whole",
            "/studies/half",
            "/studies/cut",
            "/studies/whole/rows?table=runs.sets.each&sort=scores",
            "/lists",
            $"/lists/{list}",
            "/lists/99999",
        ];
        List<string> broken = [];
        foreach (var path in paths)
        {
            await page.GotoAsync(new Uri(await server.Address(), path).ToString());
            await Open(page);
            broken.AddRange(await Broken(page, path[..Math.Min(path.Length, 80)]));
            if (path != "/")
                continue;
            await page.ClickAsync("header .ask");
            broken.AddRange(await Broken(page, "help"));
        }
        database.DeleteList(list);
        Assert.True(broken.Count == 0, string.Join("\n\n", broken));
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public async Task the_page_of_the_guard_breaks_no_rule(ColorScheme scheme)
    {
        await using var shield = await ShieldServer.Start(guard, explains: true);
        var page = await browser.Open(scheme: scheme);
        await page.GotoAsync(new Uri(shield.Client.BaseAddress!, "/shield").ToString());
        var broken = await Broken(page, "form");
        await page.FillAsync(Words, "How do I repot a cactus?");
        await page.ClickAsync("button:has-text('Judge')");
        await page.WaitForSelectorAsync("section[aria-label=why]");
        broken = [.. broken, .. await Broken(page, "verdict")];
        Assert.True(broken.Length == 0, string.Join("\n\n", broken));
    }

    [Fact]
    public async Task the_pages_that_commands_write_break_no_rule()
    {
        using var folder = new TemporaryFolder();
        string Page(string name) => folder.File(name + ".html");
        File.WriteAllText(folder.File("lines.txt"), "Stocks fall sharply\nThe team wins the cup\nRain in the north\n");
        Assert.Equal(0, CommandLine.Run("analyze", Text, "--html", Page("analyze")).Code);
        Assert.Equal(0, CommandLine.Run("shield", "why", "How do I repot a cactus?", "--html", Page("why")).Code);
        Assert.Equal(0, CommandLine.Run("headlines", folder.File("lines.txt"), "--html", Page("headlines")).Code);
        Assert.Equal(0, CommandLine.Run("eval", "--text", folder.File("lines.txt"), "--tokens", "20", "--html", Page("eval")).Code);
        File.WriteAllLines(
            folder.File("rows.jsonl"),
            Enumerable
                .Range(0, 12)
                .Select(i =>
                    $$"""{"id": {{i}}, "prompt": "How do I repot cactus {{i}}?", "harmful": {{(i % 3 == 0 ? "true" : "false")}}}"""
                )
        );
        Assert.Equal(0, CommandLine.Run("shield", "eval", folder.File("rows.jsonl"), "--resamples", "20", "--html", Page("guard")).Code);
        List<string> broken = [];
        foreach (var scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
        {
            var page = await browser.Open(scheme: scheme);
            foreach (var file in Directory.GetFiles(folder.Path, "*.html"))
            {
                await page.GotoAsync(new Uri(file).ToString());
                broken.AddRange(await Broken(page, $"{Path.GetFileName(file)} {scheme}"));
            }
        }
        Assert.True(broken.Count == 0, string.Join("\n\n", broken));
    }

    [Fact]
    public async Task the_tabulator_reaches_every_control_in_order_and_each_shows_that_it_has_the_focus()
    {
        var page = await browser.Open();
        foreach (
            var path in (string[])
                [
                    "/",
                    $"/?q={Text}",
                    Dictionary,
                    $"{Dictionary}/{await server.Labelled()}",
                    $"{Dictionary}/{await server.Labelled()}?embed=true",
                ]
        )
        {
            await page.GotoAsync(new Uri(await server.Address(), path).ToString());
            await Open(page);
            await page.EvaluateAsync(
                """
                const seen = one => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.type !== 'hidden' && one.tabIndex >= 0
                window.wanted = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')].filter(seen)
                window.reached = []
                document.activeElement?.blur()
                """
            );
            var count = await page.EvaluateAsync<int>("wanted.length");
            Assert.True(count > 3, path);
            for (var i = 0; i < count; i++)
            {
                await page.Keyboard.PressAsync("Tab");
                await page.EvaluateAsync(
                    """
                    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
                    reached.push(outlineStyle !== 'none' && parseFloat(outlineWidth) > 0 ? document.activeElement : `no outline: ${document.activeElement.outerHTML}`)
                    """
                );
            }
            var wrong = await page.EvaluateAsync<string>(
                "(i => i < 0 ? '' : `${i}: ${wanted[i].outerHTML.slice(0, 200)} and not ${(reached[i].outerHTML ?? reached[i]).slice(0, "
                    + "200)}`)(wanted.findIndex((one, i) => one !== reached[i]))"
            );
            Assert.True(wrong == "", $"{path}: {wrong}");
        }
    }
}
