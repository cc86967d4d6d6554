using System.Net;
using System.Text.Json;
using GemmaScope.Lenses;
using GemmaScope.Numerics;
using GemmaScope.Server.Hosting;
using GemmaScope.Workbench;
using Microsoft.Playwright;
using Xunit;

[assembly: AssemblyFixture(typeof(GemmaScope.Tests.Server.LensServer))]

namespace GemmaScope.Tests.Server;

/// <summary>A server of the demo model with a lens of a file beside the logit lens; started when the first asks.</summary>
public sealed class LensServer : IAsyncDisposable
{
    private readonly Lazy<Task<(ServerHost Host, Microscope Microscope, Lens Lens)>> _running = new(Start);

    public async Task<Uri> Address() => (await _running.Value).Host.Address;

    public async ValueTask DisposeAsync()
    {
        if (!_running.IsValueCreated)
            return;
        var (host, microscope, lens) = await _running.Value;
        await host.DisposeAsync();
        lens.Dispose();
        microscope.Dispose();
    }

    private static async Task<(ServerHost, Microscope, Lens)> Start()
    {
        var microscope = await Microscope.OpenAsync(new() { Use = DictionaryUse.None });
        // As a logit lens, but for one layer.
        var width = microscope.Model.Config.Width;
        var map = Tensor.Zeros(width, width);
        for (var i = 0; i < width; i++)
            map.Row(i)[i] = 1;
        var lens = new JacobianLens([KeyValuePair.Create(3, map)], new() { Prompts = 7, File = "own.safetensors" });
        var host = await ServerHost.StartAsync(
            new ServerModel(microscope) { Lenses = [lens] },
            new ServerOptions { Port = 0, Log = TextWriter.Null },
            TestContext.Current.CancellationToken
        );
        return (host, microscope, lens);
    }
}

public class LensPageTests(LensServer server)
{
    private const string Text = "The people of the United";

    private static readonly HttpClient Client = new() { Timeout = Patience.Limit };

    private async Task<(HttpStatusCode Status, string Page, string Policy)> Get(string query)
    {
        var answer = await Client.GetAsync(new Uri(await server.Address(), $"/lens{query}"));
        return (
            answer.StatusCode,
            WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()),
            string.Join(' ', answer.Headers.GetValues("Content-Security-Policy"))
        );
    }

    [Fact]
    public async Task the_picture_stands_in_the_page_and_every_cell_is_a_button_of_the_form()
    {
        var (status, page, policy) = await Get($"?text={Uri.EscapeDataString(Text)}&lens=logit");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("5 · the model", page);
        Assert.Contains("name=\"cell\" value=\"3.5\"", page);
        Assert.Contains("jacobian lens of 7 prompts (own.safetensors)", page);
        Assert.DoesNotContain("style=", page);
        Assert.Contains("default-src 'none'", policy);
    }

    [Fact]
    public async Task the_lens_of_a_file_comes_first_and_shows_its_layers_alone()
    {
        var (_, page, _) = await Get($"?text={Uri.EscapeDataString(Text)}");
        Assert.Contains("value=\"3.5\"", page);
        Assert.DoesNotContain("value=\"2.5\"", page);
    }

    [Fact]
    public async Task a_cell_opens_its_words_and_a_change_shows_both_texts()
    {
        var (_, page, _) = await Get($"?text={Uri.EscapeDataString(Text)}&lens=logit&cell=3.5");
        Assert.Contains("After layer 3", page);
        Assert.Contains("KL(model ‖ lens)", page);
        (var status, page, _) = await Get(
            $"?text={Uri.EscapeDataString(Text)}&lens=logit&change=yes&mode=swap&token=States&to=world&layers=3-5"
        );
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("aria-label=\"changed\"", page);
        Assert.Contains("random words", page);
    }

    [Theory]
    [InlineData("?text=Hi&lens=9", "there is no lens")]
    [InlineData("?text=Hi&lens=logit&change=yes&mode=steer&token=Antananarivo", "tokens")]
    [InlineData("?text=Hi&lens=logit&change=yes&mode=fly&token=the", "must be one of")]
    [InlineData("?text=Hi&lens=logit&change=yes&mode=steer&token=the&strength=x", "must be a number")]
    [InlineData("?text=Hi&lens=logit&change=yes&mode=steer&token=the&layers=77", "there is no layer 77")]
    public async Task what_cannot_be_is_said_on_the_page(string query, string says)
    {
        var (status, page, _) = await Get(query);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(says, page);
        Assert.Contains("role=\"alert\"", page);
    }

    [Fact]
    public async Task what_a_stranger_types_is_text()
    {
        var (_, page, _) = await Get(
            $"?text={Uri.EscapeDataString(MicroscopeServer.Attack)}&lens=logit&token={Uri.EscapeDataString(MicroscopeServer.Attack)}"
        );
        var raw = await Client.GetStringAsync(
            new Uri(await server.Address(), $"/lens?text={Uri.EscapeDataString(MicroscopeServer.Attack)}&lens=logit")
        );
        Assert.DoesNotContain("<script>attacked", raw);
        Assert.Contains("attacked", page);
    }

    [Fact]
    public async Task programs_get_json()
    {
        using var json = JsonDocument.Parse(
            await Client.GetStringAsync(new Uri(await server.Address(), $"/lens.json?text={Uri.EscapeDataString(Text)}&lens=logit"))
        );
        Assert.Equal("▁States", json.RootElement.GetProperty("tokens")[5].GetProperty("answer").GetProperty("piece").GetString());
    }
}

/// <summary>The lens's page in a browser.</summary>
[Collection(nameof(BrowserTests))]
public class LensBrowserTests(LensServer server, Browser browser) : IClassFixture<Browser>
{
    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task the_picture_follows_while_one_types_and_a_cell_opens_in_place(int width)
    {
        var page = await browser.Open();
        await page.SetViewportSizeAsync(width, 800);
        await page.GotoAsync(new Uri(await server.Address(), "/lens").ToString());
        await page.EvaluateAsync("window.stays = 1");
        await page.SelectOptionAsync("select[name=lens]", "1");
        await page.FillAsync("#text", "The people of the United");
        await page.WaitForSelectorAsync("button[value='3.5']");
        await page.ClickAsync("button[value='3.5']");
        await page.WaitForSelectorAsync("#cell");
        Assert.Contains("cell=3.5", page.Url);
        Assert.Equal(1, await page.EvaluateAsync<int>("window.stays"));
        // The picture scrolls, the page does not.
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        // Cells of a row stand side by side.
        Assert.Equal(
            1,
            await page.EvaluateAsync<int>(
                "new Set([...document.querySelectorAll('.lens tr.own td')].map(cell => cell.getBoundingClientRect().top)).size"
            )
        );
    }
}
