using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>A browser for the tests; where no Chromium is installed they are skipped.</summary>
public sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Programs = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>A window in a session of its own.</summary>
    public async Task<IPage> Open(bool script = true, ColorScheme scheme = ColorScheme.Light, bool touch = false)
    {
        var program = Programs.FirstOrDefault(File.Exists);
        Assert.SkipWhen(program is null, $"no browser is installed ({string.Join(", ", Programs)})");
        _playwright ??= await Playwright.CreateAsync();
        _browser ??= await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = program, Args = ["--no-sandbox", "--disable-gpu"] });
        var page = await (
            await _browser.NewContextAsync(
                new()
                {
                    JavaScriptEnabled = script,
                    ColorScheme = scheme,
                    HasTouch = touch,
                }
            )
        ).NewPageAsync();
        page.SetDefaultTimeout((float)Patience.Limit.TotalMilliseconds);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}

/// <summary>
/// Runs alone: the server shares its threads with all tests of the process, and beside those that compute on every core it answers
/// later than a page waits.
/// </summary>
[CollectionDefinition(nameof(BrowserTests), DisableParallelization = true)]
public class BrowserTestsRunAlone;

/// <summary>What a person sees and does.</summary>
[Collection(nameof(BrowserTests))]
public class BrowserTests(MicroscopeServer server, Browser browser) : IClassFixture<Browser>
{
    private const string Text = "The cat sat in Paris";

    private async Task<string> Address(string path) => new Uri(await server.Address(), path).ToString();

    /// <summary>Presses a key once the page is loaded and painted.</summary>
    private static async Task Press(IPage page, string key)
    {
        await page.WaitForLoadStateAsync();
        await page.EvaluateAsync("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))");
        await page.Keyboard.PressAsync(key);
    }

    /// <summary>Waits until the page at an address is loaded. It asks the page again and again: waiting for the event misses one that came
    /// before the wait began.</summary>
    private static Task<IJSHandle> IsAt(IPage page, string end) =>
        page.WaitForFunctionAsync("end => location.href.endsWith(end) && document.readyState === 'complete'", end);

    private static async Task<int> TokensShaded(IPage page) => await page.Locator(".reading > a:not(.s0)").CountAsync();

    [Fact]
    public async Task a_text_is_typed_a_token_and_a_feature_are_clicked_and_the_link_shows_the_same_again()
    {
        var page = await browser.Open();
        await page.GotoAsync(await Address("/"));
        await page.EvaluateAsync("window.stays = 1");
        await page.FillAsync("#text", Text);
        await page.ClickAsync("text=Look");
        await page.WaitForSelectorAsync("#t5");
        await page.WaitForFunctionAsync("() => document.querySelectorAll('.reading > a:not(.s0)').length >= 4");
        await page.ClickAsync("#t5");
        await page.WaitForSelectorAsync("h2:has-text('position 5')");
        await page.ClickAsync(".found tr:first-child a[data-shades]");
        await page.WaitForSelectorAsync("#beside.chosen");
        Assert.Contains("token=5", page.Url);
        Assert.Contains("feature=", page.Url);
        // All of it happened on one page.
        Assert.Equal(1, await page.EvaluateAsync<int>("window.stays"));

        await page.HoverAsync(".headed h2");
        var shown = await page.InnerHTMLAsync(".reading");
        var second = await browser.Open();
        await second.GotoAsync(page.Url);
        Assert.Equal(shown, await second.InnerHTMLAsync(".reading"));

        await page.GoBackAsync();
        await page.WaitForSelectorAsync("main:not([aria-busy]) .found:not(:has(.chosen))");
        Assert.DoesNotContain("feature=", page.Url);
    }

    [Fact]
    public async Task pointing_at_a_feature_shades_the_text_by_it_and_leaving_it_undoes_that()
    {
        var page = await browser.Open();
        await page.GotoAsync(await Address($"/?q={Text}"));
        var before = await page.InnerHTMLAsync(".reading");
        var link = page.Locator("a[data-shades]").Last;
        var wanted = (await link.GetAttributeAsync("data-shades"))!.Split(',').Count(shade => shade != "0");
        await link.HoverAsync();
        Assert.Equal(wanted, await TokensShaded(page));
        await page.HoverAsync("h2");
        Assert.Equal(System.Text.RegularExpressions.Regex.Count(before, "class=\"s[1-9]"), await TokensShaded(page));
    }

    [Fact]
    public async Task a_card_comes_up_where_a_feature_is_pointed_at_or_has_the_focus_and_goes_by_escape()
    {
        var page = await browser.Open();
        await page.GotoAsync(await Address($"/?q={Uri.EscapeDataString(Text)}"));
        var feature = page.Locator(".found a[data-card]").First;
        await feature.HoverAsync();
        await page.WaitForSelectorAsync("#card .feature-card h3");
        await page.Keyboard.PressAsync("Escape");
        await page.WaitForSelectorAsync("#card", new() { State = WaitForSelectorState.Hidden });
        await page.Mouse.MoveAsync(0, 0);
        await page.Locator(".found .pin").First.FocusAsync();
        await page.Keyboard.PressAsync("Tab");
        await page.WaitForSelectorAsync("#card .feature-card h3");
        Assert.Equal("card", await feature.GetAttributeAsync("aria-describedby"));
        // Inside the window, whatever is pointed at.
        var box = (await page.Locator("#card").BoundingBoxAsync())!;
        var window = page.ViewportSize!;
        Assert.True(box.X >= 0 && box.Y >= 0 && box.X + box.Width <= window.Width && box.Y + box.Height <= window.Height, $"{box}");
    }

    [Fact]
    public async Task without_script_links_and_the_form_do_the_same()
    {
        var page = await browser.Open(script: false);
        await page.GotoAsync(await Address("/"));
        await page.FillAsync("#text", Text);
        await page.ClickAsync("text=Look");
        await page.ClickAsync("#t5");
        await page.ClickAsync(".found tr:first-child a[data-shades]");
        Assert.Equal(1, await page.Locator("tr.chosen").CountAsync());
        await page.ClickAsync("#beside.chosen >> text=whole page");
        Assert.Equal(1, await page.Locator("h1.feature").CountAsync());
        Assert.True(await page.Locator(".bubble").CountAsync() > 0);
    }

    [Fact]
    public async Task keys_go_to_the_next_feature_to_the_search_and_along_the_tokens()
    {
        var page = await browser.Open();
        await page.GotoAsync(await Address($"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/5"));
        await Press(page, "ArrowRight");
        await IsAt(page, "/6");
        await Press(page, "ArrowLeft");
        await IsAt(page, "/5");
        await Press(page, "/");
        Assert.Equal("q", await page.EvaluateAsync<string>("document.activeElement.name"));

        await page.GotoAsync(await Address($"/?q={Text}"));
        await page.FocusAsync("#t2");
        await page.Keyboard.PressAsync("ArrowRight");
        Assert.Equal("t3", await page.EvaluateAsync<string>("document.activeElement.id"));
    }

    [Fact]
    public async Task attacks_in_text_labels_tokens_and_parameters_run_nothing_and_nothing_is_asked_of_others()
    {
        var page = await browser.Open();
        var home = await server.Address();
        List<string> wrong = [];
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.Contains("404") && !message.Text.Contains("400"))
                wrong.Add(message.Text);
        };
        page.PageError += (_, error) => wrong.Add(error);
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url) is { Scheme: not "data" } address && address.Authority != home.Authority)
                wrong.Add(request.Url);
        };
        var attack = Uri.EscapeDataString(MicroscopeServer.Attack);
        foreach (
            var path in (string[])
                [
                    $"/?q={attack}",
                    $"/?q={attack}&token=2&feature={await server.Labelled()}",
                    $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/{await server.Labelled()}",
                    $"/{MicroscopeServer.Model}/{MicroscopeServer.Hostile}/0",
                    $"/{MicroscopeServer.Model}/{MicroscopeServer.Hostile}/0?embed=true&height=300",
                    $"/search?q={attack}",
                    $"/{attack}/{attack}",
                ]
        )
        {
            await page.GotoAsync(await Address(path));
            Assert.Equal("undefined", await page.EvaluateAsync<string>("typeof attacked"));
        }
        // The same through the script that shows a view in place.
        await page.GotoAsync(await Address("/"));
        await page.FillAsync("#text", MicroscopeServer.Attack);
        await page.ClickAsync("text=Look");
        await page.WaitForSelectorAsync("#t1");
        Assert.Equal("undefined", await page.EvaluateAsync<string>("typeof attacked"));
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task the_test_answers_while_one_types_and_both_texts_are_written_side_by_side()
    {
        var page = await browser.Open();
        await page.GotoAsync(await Address($"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/{await server.Labelled()}"));
        await page.FillAsync("#test", Text);
        await page.WaitForSelectorAsync("#tested .s0.special");
        Assert.Equal(Text, (await page.InnerTextAsync("#tested .bubble")).Replace("‹bos›", ""));
        await page.FillAsync("#steer", "The cat");
        await page.ClickAsync(".stops button:has-text('2×') >> nth=1");
        await page.ClickAsync("#steering button:has-text('Steer')");
        foreach (var there in (string[])["#normal:not(:empty)", "#steered:not(:empty)", "#steering:not(:has(button:disabled))"])
            await page.WaitForSelectorAsync(there);
        Assert.NotEqual(await page.InnerTextAsync("#normal"), await page.InnerTextAsync("#steered"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_note_and_a_list_are_saved_by_the_forms_of_a_page(bool script)
    {
        var page = await browser.Open(script);
        var path = $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/{(script ? 11 : 12)}";
        await page.GotoAsync(await Address(path));
        await page.ClickAsync("summary:has-text('note and lists')");
        await page.FillAsync("#note", "fires on names");
        await page.ClickAsync("text=Save note");
        await page.Locator("details.own[open]").WaitForAsync();
        Assert.Equal("fires on names", await page.InputValueAsync("#note"));
        await page.FillAsync("input[name=list]", $"to look at {script}");
        await page.FillAsync("input[name=why]", "names");
        await page.ClickAsync("text=Add to list");
        await page.Locator($".entries a[href='{path}']").WaitForAsync();
        Assert.Contains("/lists/", page.Url);
        await page.ClickAsync("text=delete this list");
        await page.Locator("h1:has-text('Lists')").WaitForAsync();
    }

    [Fact]
    public async Task the_steering_panel_has_modes_a_slider_and_a_stop()
    {
        var page = await browser.Open();
        await page.GotoAsync(await Address($"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/{await server.Labelled()}"));
        Task<string> Strength() => page.InputValueAsync("#strength");
        Assert.Equal("10", await Strength());

        await page.ClickAsync("section[aria-label=steering] summary");

        // Slider, buttons and field show one strength.
        await page.FillAsync("#strength", "3");
        await page.Locator(".stops:visible .slider").FocusAsync();
        await page.Keyboard.PressAsync("End");
        var largest = await Strength();
        Assert.Equal(await page.GetAttributeAsync(".stops:visible .slider", "max"), largest);
        await page.ClickAsync(".stops:visible button:has-text('0×')");
        Assert.Equal("0", await Strength());

        // A mode has a scale of its own, or none, and says what it does.
        await page.SelectOptionAsync("#mode", "orthogonal");
        Assert.Equal("0", await Strength());
        await page.ClickAsync("button:has-text('doubled')");
        Assert.Equal("2", await Strength());
        await page.SelectOptionAsync("#mode", "ablate");
        Assert.True(await page.IsDisabledAsync("#strength"));
        Assert.Equal(0, await page.Locator(".stops:visible").CountAsync());
        Assert.Contains("the feature is off", await page.InnerTextAsync("section[aria-label=steering] .note"));
        await page.SelectOptionAsync("#mode", "clamp");
        Assert.Equal("10", await Strength());

        // What cannot be is said, and the next try is not hindered by it.
        await page.FillAsync("#steer", "The cat");
        await page.FillAsync("#with", "99999");
        await page.ClickAsync("#steering button:has-text('Steer')");
        await page.WaitForSelectorAsync("#steer-problem:has-text('99999 is no feature')");
        await page.FillAsync("#with", "12:5, 40");
        await page.ClickAsync("#steering button:has-text('Steer')");
        // Pressed from within the page, as soon as there is something to stop: a quick machine has written all of it in a second.
        await page.WaitForFunctionAsync(
            "() => { const [normal, steered, stop] = ['normal', 'steered', 'stop'].map(id => document.getElementById(id)); if "
                + "(!normal.textContent || !steered.textContent || stop.hidden) return false; stop.click(); return true }"
        );
        Assert.False(await page.IsVisibleAsync("#steer-problem"));

        await page.WaitForSelectorAsync("#steering:not(:has(button:disabled))");
        var (text, stopped) = (await page.InnerTextAsync("#steered"), await page.IsVisibleAsync("#stop"));
        Assert.False(stopped);
        // Whatever was still under way is there before the answer to a later question.
        await page.EvaluateAsync("() => fetch('/healthz').then(answer => answer.text())");
        Assert.Equal(text, await page.InnerTextAsync("#steered"));
    }

    [Fact]
    public async Task steering_without_script_is_a_form()
    {
        var page = await browser.Open(script: false);
        await page.GotoAsync(await Address($"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/{await server.Labelled()}"));
        await page.FillAsync("#steer", "The cat");
        await page.ClickAsync("section[aria-label=steering] summary");
        await page.SelectOptionAsync("#mode", "norm-matched");
        await page.FillAsync("[name=max_tokens]", "5");
        await page.ClickAsync("#steering button:has-text('Steer')");
        await page.WaitForSelectorAsync("#steered:not(:empty)");
        Assert.Equal("norm-matched", await page.InputValueAsync("#mode"));
        Assert.Contains("length is kept", await page.InnerTextAsync("section[aria-label=steering] .note"));
    }

    [Fact]
    public async Task an_embedded_page_fits_a_frame_of_another_site()
    {
        var page = await browser.Open();
        await page.SetViewportSizeAsync(500, 300);
        await page.GotoAsync(
            await Address($"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/{await server.Labelled()}?embed=true&height=300")
        );
        Assert.Equal(300, await page.EvaluateAsync<int>("document.body.clientHeight"));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= 500"));
        Assert.Equal(0, await page.Locator("header").CountAsync());
    }
}
