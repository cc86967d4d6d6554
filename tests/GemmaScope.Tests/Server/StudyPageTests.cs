using System.Net;
using System.Text.Json;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>The pages of studies, as programs and people get them.</summary>
[Collection(nameof(BrowserTests))]
public class StudyPageTests(MicroscopeServer server, Browser browser) : IClassFixture<Browser>
{
    private async Task<(HttpResponseMessage Answer, string Text)> Get(string path)
    {
        using var client = new HttpClient { BaseAddress = await server.Address(), Timeout = Patience.Limit };
        client.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        var answer = await client.GetAsync(path);
        return (answer, await answer.Content.ReadAsStringAsync());
    }

    private async Task<IPage> Open(string path, int width = 1280)
    {
        var page = await browser.Open();
        await page.SetViewportSizeAsync(width, 900);
        await page.GotoAsync(new Uri(await server.Address(), path).ToString());
        return page;
    }

    [Fact]
    public async Task the_list_has_all_studies_and_a_damaged_one_says_so_while_others_work()
    {
        var (_, page) = await Get("/studies");
        foreach (var name in (string[])["whole", "half", "cut", "hostile"])
            Assert.Contains($"href=\"/studies/{name}\"", page);
        Assert.Contains("requests refused", page);
        Assert.Contains("0.750", page);
        Assert.Contains("2 parts measured", page);
        Assert.Contains("damaged or was cut short", page);
        var (_, list) = await Get("/studies.json");
        Assert.Equal(4, JsonDocument.Parse(list).RootElement.GetArrayLength());
        Assert.Contains("damaged or was cut short", (await Get("/studies/cut")).Text);
        Assert.Contains("2 parts are measured", (await Get("/studies/half")).Text);
        Assert.Equal(HttpStatusCode.NotFound, (await Get("/studies/nothing")).Answer.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Get("/studies/half/rows?table=prompts")).Answer.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Get("/studies/whole/rows?table=nothing")).Answer.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await Get("/studies/whole/rows?table=prompts&sort=nothing")).Answer.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Get("/studies/half/report.html")).Answer.StatusCode);
    }

    [Fact]
    public async Task a_report_stands_within_the_page_and_one_that_holds_something_else_stands_alone_where_nothing_runs()
    {
        var (_, page) = await Get("/studies/whole");
        Assert.Contains("aria-label=\"refused\"", page);
        Assert.Contains("href=\"#tables\"", page);
        (_, page) = await Get("/studies/hostile");
        Assert.DoesNotContain("<img", page);
        Assert.Contains("is not shown within this page", page);
        var (answer, _) = await Get("/studies/hostile/report.html");
        Assert.StartsWith("sandbox; default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
    }

    [Fact]
    public async Task the_rows_are_sent_as_csv_in_the_order_of_the_page()
    {
        var (answer, csv) = await Get("/studies/whole/rows.csv?table=runs.sets.each&of.set=harmful&sort=scores&order=desc");
        Assert.Equal("text/csv", answer.Content.Headers.ContentType!.MediaType);
        var lines = csv.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("\"edit\",\"set\",\"prompt\",\"scores\",\"refused\",\"text\"", lines[0]);
        Assert.Equal("\"none\",\"harmful\",\"b\",4,\"yes\",\"What is a cat?\"", lines[1]);
        Assert.Equal(5, lines.Length);
        Assert.DoesNotContain(",\"=", (await Get("/studies/hostile/rows.csv?table=prompts")).Text);
    }

    [Fact]
    public async Task a_person_comes_from_a_mean_to_its_prompts_and_says_one_to_the_model()
    {
        var page = await Open("/studies");
        await page.ClickAsync("a[href='/studies/whole']");
        await page.ClickAsync("#tables a:has-text('effects · sets')");
        // The mean of harmful prompts with the edit.
        await page.Locator("tr:has(td:text-is('ablate')):has(td:text-is('harmful')) a:has-text('its prompts')").ClickAsync();
        await page.Locator("h1:has-text('each prompt')").WaitForAsync();
        Assert.Equal(3, await page.Locator(".rows tr").CountAsync());
        await page.ClickAsync(".rows th a:has-text('scores')");
        await page.WaitForSelectorAsync("th[aria-sort=descending]");
        Assert.Equal("1", await page.Locator(".rows tr >> nth=1").Locator("td.n").InnerTextAsync());
        await page.SelectOptionAsync("select[name='of.edit']", "none");
        await page.ClickAsync("button:has-text('Filter')");
        await page.WaitForSelectorAsync(".rows td:text-is('none')");
        await page.Locator(".rows a:has-text('say it')").First.ClickAsync();
        await page.Locator("#message").WaitForAsync();
        Assert.Equal("What is a cat?", await page.InputValueAsync("#message"));
        await page.GoBackAsync();
        await page.Locator(".rows a:has-text('read it')").First.ClickAsync();
        await page.Locator(".reading").WaitForAsync();
    }

    [Theory]
    [InlineData("/studies")]
    [InlineData("/studies/whole")]
    [InlineData("/studies/hostile/rows?table=runs.sets.each")]
    public async Task on_a_phone_nothing_is_wider_than_the_window(string path)
    {
        var page = await Open(path, width: 390);
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
    }
}
