using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What a person sees of a model that thinks.</summary>
[Collection(nameof(BrowserTests))]
public class ChatThinkingBrowserTests(ThinkingServer server, Browser browser) : IClassFixture<ThinkingServer>, IClassFixture<Browser>
{
    private const string Thoughts = ".turn:last-child [data-thoughts=normal_thinking]";

    private async Task<IPage> Open(string address = "/chat")
    {
        var page = await browser.Open();
        page.PageError += (_, problem) => Assert.Fail(problem);
        await page.GotoAsync(new Uri(server.Client.BaseAddress!, address).ToString());
        return page;
    }

    private static async Task Say(IPage page)
    {
        await page.EvaluateAsync("document.querySelector('[name=temperature]').value = 0");
        await page.FillAsync("#message", ThinkingServer.Question);
        await page.PressAsync("#message", "Enter");
        await page.Locator(".turn [data-read=normal] svg.line").First.WaitForAsync();
        await page.WaitForSelectorAsync("#send:not(:disabled)");
        Assert.False(await page.IsVisibleAsync("#chat-problem"), await page.InnerTextAsync("#chat-problem"));
    }

    [Fact]
    public async Task thoughts_stand_folded_up_above_the_answer_with_their_features()
    {
        var page = await Open();
        await page.CheckAsync("[name=thinking]");
        await Say(page);
        Assert.Equal(ThinkingServer.Answer.Trim(), (await page.InnerTextAsync("[data-said=normal]")).Trim());
        Assert.True(await page.IsVisibleAsync(Thoughts));
        Assert.False(await page.IsVisibleAsync($"{Thoughts} .bubble"));
        Assert.False(await page.IsVisibleAsync(".turn [data-thoughts=steered_thinking]"));
        await page.ClickAsync($"{Thoughts} > summary");
        Assert.Equal(ThinkingServer.Thoughts.Trim(), (await page.InnerTextAsync("[data-said=normal_thinking]")).Trim());
        Assert.Contains("11 words", await page.InnerTextAsync($"{Thoughts} > summary"));
        Assert.Equal(1, await page.Locator($"{Thoughts} .strongest li").CountAsync());
        Assert.Equal(0, await page.Locator("[data-read=normal] .strongest li").CountAsync());
        await page.ClickAsync($"{Thoughts} .along > summary");
        Assert.Equal(1, await page.Locator($"{Thoughts} .shaded .s20").CountAsync());
    }

    [Fact]
    public async Task a_link_brings_the_thoughts_back_and_a_file_holds_them()
    {
        var page = await Open();
        await page.CheckAsync("[name=thinking]");
        await Say(page);
        var download = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync("#save"));
        var saved = JsonNode.Parse(await File.ReadAllTextAsync(await download.PathAsync()))!;
        Assert.Equal(ThinkingServer.Thoughts, (string?)saved["turns"]![0]!["normal_thinking"]);
        Assert.True((bool?)saved["thinking"]);
        await page.ClickAsync("#share");
        await page.WaitForFunctionAsync("() => location.hash.startsWith('#talk=')");
        var again = await Open("/chat" + new Uri(page.Url).Fragment);
        await again.Locator($"{Thoughts} .strongest li").WaitForAsync(new() { State = WaitForSelectorState.Attached });
        Assert.True(await again.IsCheckedAsync("[name=thinking]"));
        await again.ClickAsync($"{Thoughts} > summary");
        Assert.Equal(ThinkingServer.Thoughts.Trim(), (await again.InnerTextAsync("[data-said=normal_thinking]")).Trim());
    }
}
