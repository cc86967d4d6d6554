using System.Net;
using System.Text.RegularExpressions;
using GemmaScope.Server.Pages;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What stands around every page: the header, the way to the page, and the help.</summary>
[Collection(nameof(BrowserTests))]
public partial class HeaderTests(DemoGuard guard, Browser browser) : IClassFixture<DemoGuard>, IClassFixture<Browser>
{
    private static readonly HttpClient Client = new() { Timeout = Patience.Limit };

    private static async Task<string> Page(Uri server, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server, path));
        request.Headers.Accept.ParseAdd("text/html");
        using var answer = await Client.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }

    [Fact]
    public async Task every_page_has_the_same_header_which_marks_its_section()
    {
        await using var server = await WholeServer.Start(guard);
        var list = server.Features.SaveList("mine", "");
        var dictionary = $"/{WholeServer.Model}/{server.Dictionary}";
        var seen = new HashSet<string>();
        foreach (
            var (path, section) in ((string, string?)[])
                [
                    ("/", "Microscope"),
                    ("/?q=The+cat", "Microscope"),
                    ("/?q=The+cat&token=99", "Microscope"),
                    ("/map", "Map"),
                    ($"/{WholeServer.Model}", "Map"),
                    (dictionary, "Map"),
                    (dictionary + "/1", "Map"),
                    (dictionary + "/999999", null),
                    ("/nothing", null),
                    ("/search", null),
                    ("/search?q=cats", null),
                    ("/circuits", "Circuits"),
                    ("/circuits/nothing", null),
                    ("/lens", "Lens"),
                    ("/lens?text=The+cat&cell=1.1", "Lens"),
                    ("/chat", "Chat"),
                    ("/lists", "Lists"),
                    ($"/lists/{list}", "Lists"),
                    ("/shield", "Guard"),
                ]
        )
        {
            var header = Header().Match(await Page(server.Address, path)).Value;
            var marked = Marked().Matches(header);
            Assert.Equal(section is null ? [] : [section], marked.Select(one => one.Groups[1].Value));
            seen.Add(header.Replace(" aria-current=\"true\"", "", StringComparison.Ordinal));
        }
        var only = Assert.Single(seen);
        Assert.Equal(
            ["Microscope", "Map", "Circuits", "Lens", "Chat", "Lists", "Guard"],
            Section().Matches(only).Select(one => one.Groups[2].Value)
        );
        Assert.Contains("action=\"/search\"", only);
        // Each leads somewhere.
        foreach (Match one in Section().Matches(only))
            Assert.Equal(HttpStatusCode.OK, (await Client.GetAsync(new Uri(server.Address, one.Groups[1].Value))).StatusCode);
    }

    [Fact]
    public async Task a_server_names_only_what_it_has()
    {
        await using var server = await WholeServer.Start(guard, bare: true);
        var header = Header().Match(await Page(server.Address, "/shield")).Value;
        Assert.Equal(["Lens", "Chat", "Guard"], Section().Matches(header).Select(one => one.Groups[2].Value));
        Assert.DoesNotContain("/search", header);
    }

    [Fact]
    public void a_section_that_is_added_later_stands_in_its_place()
    {
        var sections = new PageSections();
        foreach (var one in (PageSection[])[PageSection.Guard, PageSection.Microscope, PageSection.Lists, PageSection.Map])
            sections.Add(one);
        sections.Add(new(30, "Circuits", "/circuits"));
        Assert.Equal(
            ["Microscope", "Map", "Circuits", "Lists", "Guard"],
            Section().Matches(sections.Header(null).ToString()).Select(one => one.Groups[2].Value)
        );
    }

    [Fact]
    public async Task a_page_says_where_it_is_and_leads_to_what_is_above_it()
    {
        await using var server = await WholeServer.Start(guard);
        var (model, dictionary) = ($"/{WholeServer.Model}", $"/{WholeServer.Model}/{server.Dictionary}");
        Assert.Equal([(model, WholeServer.Model), (dictionary, null), (null, "#1")], Way(await Page(server.Address, dictionary + "/1")));
        Assert.Equal([(model, WholeServer.Model), (null, null)], Way(await Page(server.Address, dictionary)));
        // Above it there is only the section.
        Assert.Empty(Way(await Page(server.Address, model)));
        Assert.Equal([(model, WholeServer.Model), (dictionary, null)], Way(await Page(server.Address, "/?q=The+cat")));
        Assert.DoesNotContain("class=\"way\"", await Page(server.Address, dictionary + "/1?embed=true"));

        // The names of dictionaries are the matter of other tests.
        static (string? Address, string? Name)[] Way(string page) =>
            [
                .. WayStep()
                    .Matches(page)
                    .Select(step =>
                        (
                            step.Groups[1].Success ? step.Groups[1].Value : null,
                            step.Groups[2].Value is var name && (name == WholeServer.Model || name.StartsWith('#')) ? name : null
                        )
                    ),
            ];
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task help_opens_over_the_page_and_escape_leads_back(bool script)
    {
        await using var server = await WholeServer.Start(guard);
        var page = await browser.Open(script);
        await page.GotoAsync(new Uri(server.Address, $"/{WholeServer.Model}/{server.Dictionary}/1").ToString());
        var help = page.Locator("#help");
        Assert.False(await help.IsVisibleAsync());
        await page.ClickAsync("header .ask");
        await help.WaitForAsync();
        Assert.Contains("random feature", await help.InnerTextAsync());
        await page.Keyboard.PressAsync("Escape");
        await help.WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        Assert.EndsWith("/1", page.Url);
        if (!script)
            return;
        await page.WaitForLoadStateAsync();
        await page.EvaluateAsync("document.activeElement?.blur()");
        await page.Keyboard.PressAsync("?");
        await help.WaitForAsync();
        await page.Keyboard.PressAsync("?");
        await help.WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        // In a field it is a letter.
        await page.FocusAsync("header [name=q]");
        await page.Keyboard.PressAsync("?");
        Assert.Equal("?", await page.InputValueAsync("header [name=q]"));
        Assert.False(await help.IsVisibleAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task on_a_phone_the_header_has_two_lines_and_the_search_takes_one_of_them_when_it_is_touched(bool script)
    {
        await using var server = await WholeServer.Start(guard);
        var page = await browser.Open(script, touch: true);
        await page.SetViewportSizeAsync(390, 800);
        await page.GotoAsync(new Uri(server.Address, "/").ToString());
        Assert.True(await page.Locator("header").BoundingBoxAsync() is { Height: < 96, Width: <= 390 });
        var field = page.Locator("header [name=q]");
        Assert.True((await field.BoundingBoxAsync())!.Width < 60);
        await field.TapAsync();
        Assert.True((await field.BoundingBoxAsync())!.Width > 340);
        await field.FillAsync("cats");
        await field.PressAsync("Enter");
        await page.Locator("h1:has-text('cats')").WaitForAsync();
    }

    [GeneratedRegex("<header.*?</header>", RegexOptions.Singleline)]
    private static partial Regex Header();

    [GeneratedRegex("<a [^>]*aria-current=\"true\"[^>]*>([^<]*)</a>")]
    private static partial Regex Marked();

    [GeneratedRegex("(?<=<nav class=\"sections\".*)<a href=\"([^\"]*)\"[^>]*>([^<]*)</a>")]
    private static partial Regex Section();

    [GeneratedRegex("(?<=<nav class=\"way\".*)<li><(?:a href=\"([^\"]*)\"|span)[^>]*>([^<]*)<")]
    private static partial Regex WayStep();
}
