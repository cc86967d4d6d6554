using System.Globalization;
using System.Net;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Server.Shield;
using GemmaScope.Workbench;
using Microsoft.Playwright;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>The guard's page, as a person uses it.</summary>
[Collection(nameof(BrowserTests))]
public class ShieldPageTests(DemoGuard guard, Browser browser) : IClassFixture<DemoGuard>, IClassFixture<Browser>
{
    private const string Text = "How do I repot a cactus?";

    private static async Task<IPage> Judged(IPage page, ShieldServer server, string text, string response = "")
    {
        await page.GotoAsync(new Uri(server.Client.BaseAddress!, "/shield").ToString());
        await page.FillAsync("#text", text);
        await page.FillAsync("#response", response);
        await page.ClickAsync("button:has-text('Judge')");
        await page.Locator("section[aria-label=verdict], [role=alert]").First.WaitForAsync();
        return page;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_text_gets_the_scores_of_the_library_and_the_features_behind_them(bool script)
    {
        await using var server = await ShieldServer.Start(guard, explains: true);
        var page = await Judged(await browser.Open(script), server, Text);
        var expected = guard.Shield.Score(Text, options: new ShieldOptions { Hardened = true });
        var shown = await page.Locator("section[aria-label=verdict] tr td:nth-child(2)").AllInnerTextsAsync();
        Assert.Equal(expected.Scores.Select(score => score.Probability.ToString("0.0000", CultureInfo.InvariantCulture)), shown);

        var why = VerdictExplainer.Explain(
            guard.Shield,
            guard.Dictionary,
            expected.Question,
            expected.Scores.Index().MaxBy(score => score.Item.Probability).Index,
            remove: 5
        );
        Assert.Equal(
            $"{why.Features[0].Feature}",
            await page.Locator("section[aria-label=why] table >> nth=1 >> tr:nth-child(2) td:first-child").InnerTextAsync()
        );
        Assert.Equal(
            5,
            await page.Locator("section[aria-label=why] table >> nth=1 >> tr:not(:has-text('together')) td:last-child:not(:empty)")
                .CountAsync()
        );
        // What was typed stands in the form again, and nowhere in the address.
        Assert.Equal(Text, await page.InputValueAsync("#text"));
        Assert.EndsWith("/shield", page.Url);
    }

    [Fact]
    public async Task a_response_is_judged_in_the_place_of_the_prompt_and_a_policy_can_be_chosen()
    {
        await using var server = await ShieldServer.Start(guard, explains: true);
        var page = await browser.Open();
        await Judged(page, server, Text, "With gloves.");
        Assert.Contains("response was judged", await page.InnerTextAsync("section[aria-label=verdict] h2"));
        await page.SelectOptionAsync("select[name=policy]", "SEXUAL");
        await page.ClickAsync("button:has-text('Judge')");
        await page.Locator("section[aria-label=why] h2:has-text('SEXUAL')").WaitForAsync();
        Assert.Equal("SEXUAL", await page.InputValueAsync("select[name=policy]"));
    }

    [Fact]
    public async Task a_text_cannot_become_a_tag_and_nothing_of_it_is_logged()
    {
        await using var server = await ShieldServer.Start(guard, explains: true);
        var page = await Judged(await browser.Open(), server, MicroscopeServer.Attack);
        Assert.Equal("undefined", await page.EvaluateAsync<string>("typeof attacked"));
        Assert.Equal(0, await page.Locator("main img").CountAsync());
        Assert.Equal(MicroscopeServer.Attack, await page.InputValueAsync("#text"));
        Assert.DoesNotContain("attacked", server.Log);
    }

    [Fact]
    public async Task what_cannot_be_judged_is_said_beside_the_form_that_keeps_the_text()
    {
        await using var server = await ShieldServer.Start(guard);
        var page = await browser.Open(script: false);
        await Judged(page, server, "");
        Assert.Contains("give the text", await page.InnerTextAsync("[role=alert]"));
        var text = string.Concat(Enumerable.Repeat("word ", 2000));
        await Judged(page, server, text);
        Assert.Contains("shorten", await page.InnerTextAsync("[role=alert]"));
        Assert.Equal(text, await page.InputValueAsync("#text"));
    }

    [Theory]
    [InlineData("policy", "SPAM")]
    [InlineData("dictionary", "<b>none</b>")]
    public async Task an_unknown_choice_is_answered_400(string field, string value)
    {
        await using var server = await ShieldServer.Start(guard, explains: true);
        using var answer = await server.Client.PostAsync("/shield", new FormUrlEncodedContent([new("prompt", Text), new(field, value)]));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Contains("is unknown here", page);
        Assert.DoesNotContain("<b>none", page);
    }

    [Fact]
    public async Task a_server_without_features_leads_to_none_and_says_what_there_is_to_know_of_its_model()
    {
        var model = new ServerModel(Microscope.Of("demo-it", guard.Model, guard.Dictionary)) { Note = "a toy <b>model</b>" };
        await using var host = await ServerHost.StartAsync(model, new ServerOptions { Port = 0 });
        using var client = new HttpClient { Timeout = Patience.Limit, BaseAddress = host.Address };
        var page = await client.GetStringAsync("/shield");
        Assert.Contains("Note: a toy &lt;b&gt;model&lt;/b&gt;.", page);
        Assert.DoesNotContain("/lists", page);
        Assert.DoesNotContain("/search", page);
        foreach (var address in (string[])["/lists", "/search?q=cat"])
        {
            using var answer = await client.GetAsync(address);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
            Assert.Contains("Build the features of a dictionary into one", await answer.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task a_form_of_another_site_is_refused()
    {
        await using var server = await ShieldServer.Start(guard);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/shield")
        {
            Content = new FormUrlEncodedContent([new("prompt", Text)]),
        };
        request.Headers.Add("Origin", "https://elsewhere.example");
        using var answer = await server.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }
}
