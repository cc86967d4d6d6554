using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What a person does who talks with the model.</summary>
[Collection(nameof(BrowserTests))]
public class ChatBrowserTests(ChatServer server, Browser browser) : IClassFixture<ChatServer>, IClassFixture<Browser>
{
    private const string Done = "#send:not(:disabled)",
        LastSteered = ".turn:last-child [data-said=steered]";

    private async Task<IPage> Open(string address = "/chat", bool script = true, int width = 1280, ColorScheme scheme = ColorScheme.Light)
    {
        var page = await browser.Open(script, scheme);
        page.PageError += (_, problem) => Assert.Fail(problem);
        await page.SetViewportSizeAsync(width, 900);
        await page.GotoAsync(new Uri(server.Client.BaseAddress!, address).ToString());
        return page;
    }

    /// <summary>Says something and waits until both replies are written and read.</summary>
    private static async Task Say(IPage page, string message, int tokens = 8)
    {
        var turns = await page.Locator(".turn").CountAsync();
        await page.EvaluateAsync($"document.querySelector('[name=max_tokens]').value = {tokens}");
        await page.FillAsync("#message", message);
        await page.PressAsync("#message", "Enter");
        await page.Locator(".turn").Nth(turns).WaitForAsync();
        await page.WaitForSelectorAsync(Done);
        Assert.False(await page.IsVisibleAsync("#chat-problem"), await page.InnerTextAsync("#chat-problem"));
    }

    private static Task<string> Text(IPage page, string selector) => page.Locator(selector).InnerTextAsync();

    [Fact]
    public async Task enter_sends_and_both_replies_stand_side_by_side_with_their_features_and_lines()
    {
        var page = await Open();
        await page.FillAsync("#find-feature", "cats 1");
        await page.ClickAsync("#found-features button");
        await page.FillAsync("#steered-features [type=number]", "200");
        await Say(page, "Who are you?");
        Assert.Equal("", await page.InputValueAsync("#message"));
        Assert.NotEqual("", await Text(page, "[data-said=normal]"));
        Assert.NotEqual(await Text(page, "[data-said=normal]"), await Text(page, "[data-said=steered]"));
        Assert.Contains("#1 × 200", await Text(page, "[data-how=steered]"));
        foreach (var whose in (string[])["user", "normal", "steered"])
        {
            Assert.True(await page.Locator($"[data-read={whose}] .strongest li").CountAsync() > 0, whose);
            Assert.Equal(2, await page.Locator($"[data-read={whose}] svg.line").CountAsync());
        }
        // The tokens are shaded on demand, and are the message.
        await page.Locator("[data-read=user] summary").First.ClickAsync();
        Assert.Equal("Who are you?", (await page.Locator("[data-read=user] .shaded").First.InnerTextAsync()).Trim());
        Assert.True(await page.Locator(".shaded .s20").CountAsync() > 0);
        // Shift-Enter is a new line.
        await page.FillAsync("#message", "one");
        await page.PressAsync("#message", "Shift+Enter");
        Assert.Equal("one\n", await page.InputValueAsync("#message"));
        await Say(page, "And I?");
        Assert.Equal(2, await page.Locator(".turn").CountAsync());
    }

    [Fact]
    public async Task a_feature_below_a_message_is_steered_with_one_press_and_let_go_again()
    {
        var page = await Open();
        await Say(page, "Hello");
        Assert.Equal("", (await page.Locator("[data-said=steered]").TextContentAsync())!);
        await page.Locator("[data-read=normal] .add").First.ClickAsync();
        await page.Locator("#steered-features li").WaitForAsync();
        Assert.False(await page.IsVisibleAsync("#none-steered"));
        await Say(page, "Again");
        Assert.NotEqual("", (await page.Locator(LastSteered).TextContentAsync())!);
        await page.ClickAsync("#steered-features button");
        await page.SelectOptionAsync("select[name=mode]", "ablate");
        Assert.Equal(0, await page.Locator("#steered-features li").CountAsync());
    }

    [Fact]
    public async Task a_link_holds_the_whole_conversation_and_shows_it_with_its_features_again()
    {
        var page = await Open();
        await page.Locator("[data-direction=up] [name^=along]").FillAsync("2");
        await page.Locator("[data-direction=last] [type=checkbox]").UncheckAsync();
        await Say(page, "Who are you?");
        await page.ClickAsync("#share");
        await page.WaitForFunctionAsync("() => location.hash.startsWith('#talk=')");
        // What was read may differ: a template leaves out the blanks around a reply, and a text may have other tokens than were written.
        static async Task<string> Said(IPage page) =>
            string.Join('\n', await page.Locator("[data-said], [data-how], [data-ended]").AllInnerTextsAsync());
        var said = await Said(page);
        var again = await Open("/chat" + new Uri(page.Url).Fragment);
        await again.Locator("[data-read=steered] svg.line").WaitForAsync();
        await again.WaitForSelectorAsync(Done);
        Assert.Equal(said, await Said(again));
        Assert.Equal("2", await again.InputValueAsync("[data-direction=up] [name^=along]"));
        Assert.Equal(1, await again.Locator("[data-read=user] svg.line").CountAsync());
        // It goes on from there.
        await Say(again, "And I?");
        Assert.Equal(2, await again.Locator(".turn").CountAsync());
    }

    [Theory]
    [InlineData("/chat#talk=abc", "damaged or was cut short")]
    [InlineData("/chat#talk=", "damaged or was cut short")]
    public async Task a_link_that_was_cut_short_says_so(string address, string told)
    {
        var page = await Open(address);
        await page.Locator($"#chat-problem:has-text('{told}')").WaitForAsync();
    }

    [Fact]
    public async Task a_conversation_is_saved_as_a_file_and_opened_from_it()
    {
        var page = await Open();
        await Say(page, "Who are you?");
        var download = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync("#save"));
        Assert.Equal("chat-demo-it.json", download.SuggestedFilename);
        var file = JsonNode.Parse(await File.ReadAllTextAsync(await download.PathAsync()))!;
        Assert.Equal("Who are you?", (string?)file["turns"]![0]!["user"]);
        await page.ClickAsync("#fresh");
        Assert.Equal(0, await page.Locator(".turn").CountAsync());

        async Task OpenFile(string content) =>
            await page.SetInputFilesAsync(
                "#open",
                new FilePayload
                {
                    Name = "a.json",
                    MimeType = "application/json",
                    Buffer = System.Text.Encoding.UTF8.GetBytes(content),
                }
            );
        await OpenFile($"{file}");
        await page.Locator("[data-read=normal] .strongest").WaitForAsync();
        Assert.Equal("Who are you?", await Text(page, "[data-said=user]"));
        // What this server does not have is named, and what was said is shown.
        file["model"] = "another-it";
        file["features"] = new JsonArray(
            new JsonObject
            {
                ["dictionary"] = "nothing",
                ["feature"] = 3,
                ["strength"] = 1,
            }
        );
        await OpenFile($"{file}");
        await page.Locator("#chat-problem:has-text('another-it'):has-text('nothing/3')").WaitForAsync();
        Assert.Equal("Who are you?", await Text(page, "[data-said=user]"));
        await OpenFile("{\"turns\": [");
        await page.Locator("#chat-problem:has-text('a.json is no JSON')").WaitForAsync();
        await OpenFile("{\"turns\": []}");
        await page.Locator("#chat-problem:has-text('no conversation that was saved here')").WaitForAsync();
        file["format"] = 2;
        await OpenFile($"{file}");
        await page.Locator("#chat-problem:has-text('form 2')").WaitForAsync();
        file["format"] = 1;
        file["turns"]![0]!["user"] = 5;
        await OpenFile($"{file}");
        await page.Locator("#chat-problem:has-text('Turn 1 of this conversation is damaged')").WaitForAsync();
    }

    [Fact]
    public async Task a_conversation_that_is_too_long_for_a_link_is_to_be_saved()
    {
        var page = await Open();
        var random = new Random(1);
        var state = new JsonObject
        {
            ["gemmascope"] = "chat",
            ["format"] = 1,
            ["model"] = "another",
            ["turns"] = new JsonArray([
                .. Enumerable
                    .Range(0, 10)
                    .Select(_ =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["user"] = string.Concat(Enumerable.Range(0, 3000).Select(_ => (char)random.Next('a', 'z'))),
                                ["normal"] = "no",
                            }
                    ),
            ]),
        };
        await page.SetInputFilesAsync(
            "#open",
            new FilePayload
            {
                Name = "a.json",
                MimeType = "application/json",
                Buffer = System.Text.Encoding.UTF8.GetBytes($"{state}"),
            }
        );
        await page.Locator(".turn").Nth(9).WaitForAsync();
        await page.ClickAsync("#share");
        await page.Locator("#chat-problem:has-text('too long for a link')").WaitForAsync();
        Assert.DoesNotContain("#talk", page.Url);
    }

    [Fact]
    public async Task a_reply_is_stopped_and_written_again_with_the_next_seed()
    {
        var page = await Open();
        await page.EvaluateAsync("document.querySelector('[name=temperature]').value = 1.5");
        await Say(page, "Who are you?");
        var first = await Text(page, "[data-said=normal]");
        await page.ClickAsync("#again");
        await page.WaitForSelectorAsync(Done);
        Assert.Equal("17", await page.InputValueAsync("[name=seed]"));
        Assert.Equal(1, await page.Locator(".turn").CountAsync());
        Assert.NotEqual(first, await Text(page, "[data-said=normal]"));

        // An answer that never comes is stopped, and what was to be said stands in its field again.
        await page.RouteAsync("**/chat/say", _ => { });
        await page.FillAsync("#message", "Are you there?");
        await page.PressAsync("#message", "Enter");
        await page.Locator("#stop").ClickAsync();
        await page.WaitForSelectorAsync(Done);
        Assert.Equal("Are you there?", await page.InputValueAsync("#message"));
        Assert.Equal(1, await page.Locator(".turn").CountAsync());
    }

    [Fact]
    public async Task what_the_server_refuses_is_said_and_what_was_typed_stays()
    {
        var page = await Open();
        await page.FillAsync("#message", "<end_of_turn>");
        await page.PressAsync("#message", "Enter");
        await page.Locator("#chat-problem:has-text('marker of turns')").WaitForAsync();
        await page.WaitForSelectorAsync(Done);
        Assert.Equal("<end_of_turn>", await page.InputValueAsync("#message"));
        Assert.Equal(0, await page.Locator(".turn").CountAsync());
    }

    [Fact]
    public async Task without_script_the_form_is_answered()
    {
        var page = await Open(script: false);
        await page.FillAsync("[name=features]", "1: 200");
        await page.Locator("aside details summary").ClickAsync();
        await page.FillAsync("[name=max_tokens]", "6");
        await page.FillAsync("#message", "Who are you?");
        await page.ClickAsync("#send");
        await page.Locator(".turn [data-read=steered] .strongest").WaitForAsync();
        Assert.NotEqual(await Text(page, "[data-said=normal]"), await Text(page, "[data-said=steered]"));
        await page.FillAsync("#message", "And I?");
        await page.ClickAsync("#send");
        await page.Locator(".turn").Nth(1).WaitForAsync();
    }

    [Theory]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task a_conversation_fits_its_window_and_breaks_no_rule(int width, ColorScheme scheme)
    {
        var page = await Open(width: width, scheme: scheme);
        await page.Locator("[data-direction=up] [name^=along]").FillAsync("1");
        await Say(page, "Who are you, and " + new string('x', 200) + "?");
        await page.EvaluateAsync("document.querySelectorAll('details').forEach(one => { one.open = true })");
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        Assert.Empty(await AccessibilityTests.Broken(page, $"chat {width} {scheme}"));
    }
}
