using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>A feature in a frame on a page of another site, as in a notebook.</summary>
[Collection(nameof(BrowserTests))]
public class EmbedTests(MicroscopeServer server, Browser browser) : IClassFixture<Browser>
{
    // As in the tutorial of Gemma Scope.
    private const string Tutorial = "embed=true&embedexplanation=true&embedplots=true&embedtest=true&height=300";

    private static readonly string[] Blocks = [".label, h1 .soft", ".key", ".words", "figure.plot", "#test", ".examples", "h1 a"];

    /// <summary>A page of another site that shows an address in a frame 300 pixels high, and what its browser asks for.</summary>
    private async Task<(IPage Page, IFrame Frame, List<string> Asked)> Framed(string address)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var notebook = builder.Build();
        notebook.Run(context =>
        {
            context.Response.ContentType = "text/html";
            return context.Response.WriteAsync(
                $"<!doctype html><title>notebook</title><iframe src=\"{WebUtility.HtmlEncode(address)}\" width=\"600\" height=\"300\" "
                    + "frameborder=\"0\"></iframe>"
            );
        });
        await notebook.StartAsync();
        var port = new Uri(notebook.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
        var page = await browser.Open();
        List<string> asked = [];
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("data:", StringComparison.Ordinal))
                asked.Add(new Uri(request.Url).Authority);
        };
        // localhost and 127.0.0.1 are two sites.
        await page.GotoAsync($"http://localhost:{port}/");
        return (page, page.Frames[1], asked);
    }

    private async Task<string> Feature(string query) =>
        new Uri(
            await server.Address(),
            $"/{MicroscopeServer.Model}/{MicroscopeServer.Dictionary}/{await server.Labelled()}?{query}"
        ).ToString();

    [Fact]
    public async Task the_frame_of_the_tutorial_displays_answers_and_asks_nobody_else()
    {
        var (page, frame, asked) = await Framed(await Feature(Tutorial));
        Assert.Equal("127.0.0.1", new Uri(frame.Url).Host);
        foreach (var block in Blocks)
            Assert.True(await frame.Locator(block).First.IsVisibleAsync(), block);
        Assert.Equal(300, await frame.EvaluateAsync<int>("document.body.clientHeight"));
        Assert.True(await frame.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        await frame.FillAsync("#test", "The cat sat in Paris");
        await frame.WaitForSelectorAsync("#tested .bubble");
        await frame.Locator("figure.plot").First.ScrollIntoViewIfNeededAsync();
        await frame.WaitForSelectorAsync("figure.plot svg.plotted");
        Assert.Empty(await page.Context.CookiesAsync());
        Assert.Equal([new Uri(page.Url).Authority, (await server.Address()).Authority], asked.Distinct().Where(one => one.Length > 0));

        // Other pages open beside the notebook.
        var opened = page.Context.WaitForPageAsync();
        await frame.ClickAsync("h1 a");
        Assert.EndsWith($"/{await server.Labelled()}", (await opened).Url);
    }

    [Theory]
    [InlineData("embed=true", 7, "")]
    [InlineData("embed=true&embedexplanation=false", 6, ".label, h1 .soft")]
    [InlineData("embed=true&embedplots=false", 4, ".key")]
    [InlineData("embed=true&embedtest=false", 6, "#test")]
    [InlineData("embed=true&embedactivations=false", 6, ".examples")]
    [InlineData("embed=true&embedlink=false", 6, "h1 a")]
    [InlineData("embed=true&embedtestfield=false&defaulttesttext=The cat", 6, "#test")]
    // Only "false" switches a part off.
    [InlineData("embed=true&embedplots=0&embedtest=no&embedexplanation=&height=tall", 7, "")]
    public async Task each_part_is_switched_by_its_parameter_as_on_neuronpedia(string query, int parts, string without)
    {
        var (_, frame, _) = await Framed(await Feature(query));
        var there = new List<string>();
        foreach (var block in Blocks)
            if (await frame.Locator(block).CountAsync() > 0)
                there.Add(block);
        Assert.Equal(parts, there.Count);
        Assert.DoesNotContain(without, there);
        Assert.Equal(query.Contains("defaulttesttext"), await frame.Locator("#tested .bubble").CountAsync() == 1);
    }

    [Fact]
    public async Task what_is_done_in_the_frame_keeps_its_parameters()
    {
        var (_, frame, _) = await Framed(await Feature("embed=true&embedplots=false&height=300"));
        await frame.ClickAsync("text=whole passages");
        await frame.WaitForSelectorAsync("text=excerpts");
        Assert.Contains("embedplots=false", frame.Url);
        Assert.Equal(0, await frame.Locator(".key").CountAsync());
        await frame.FillAsync("#test", "The cat");
        await frame.ClickAsync("button:has-text('Test')");
        await frame.WaitForFunctionAsync("() => location.search.includes('test=The')");
        Assert.Contains("embedplots=false", frame.Url);
    }

    [Theory]
    [InlineData("")]
    [InlineData("embed=1")]
    [InlineData("embed=false&height=300")]
    public async Task the_whole_page_lets_no_other_site_frame_it(string query)
    {
        var (_, frame, _) = await Framed(await Feature(query));
        await Patience.UntilAsync(() => frame.Url.Length > 0, "an answer in the frame");
        Assert.StartsWith("chrome-error:", frame.Url);
    }
}
