using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Pages and data where there are dictionaries of several layers.</summary>
public class LayersTests(LayersServer server)
{
    private const string Text = "The cat saw 7 dogs and a city";

    private static readonly HttpClient Client = new(new HttpClientHandler { AllowAutoRedirect = false }) { Timeout = Patience.Limit };

    private static async Task<(HttpStatusCode Status, string Text, Uri? Location)> Get(Uri server, string path)
    {
        var answer = await Client.GetAsync(new Uri(server, path));
        return (answer.StatusCode, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()), answer.Headers.Location);
    }

    private async Task<string> Page(string path)
    {
        var (status, text, _) = await Get(await server.Address(), path);
        Assert.True(status == HttpStatusCode.OK, text);
        return text;
    }

    private async Task<JsonElement> Json(string path)
    {
        using var json = JsonDocument.Parse(await Client.GetStringAsync(new Uri(await server.Address(), path)));
        return json.RootElement.Clone();
    }

    private static string LongText(string seed) => string.Concat(Enumerable.Range(0, 60).Select(i => $"{seed} {i} cats sat. "));

    [Fact]
    public async Task all_dictionaries_read_a_text_in_the_order_of_the_layers_and_each_says_what_it_says_alone()
    {
        var lines = (await Page($"/analysis.jsonl?q={Text}"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToArray();
        Assert.Equal([1, 1, 2, 2, 3, 4, 4], lines.Select(line => line.GetProperty("layer").GetInt32()));
        foreach (var line in lines)
        {
            var alone = await Json($"/analysis.json?q={Text}&dict={line.GetProperty("dictionary").GetString()}");
            Assert.Equal(alone.GetProperty("mean_l0").GetDouble(), line.GetProperty("mean_l0").GetDouble());
            Assert.Equal(1 - alone.GetProperty("fvu").GetDouble(), line.GetProperty("explained").GetDouble());
            Assert.NotEmpty(alone.GetProperty("next_tokens").EnumerateArray());
        }
    }

    [Fact]
    public async Task a_line_is_sent_before_later_layers_are_read_and_whoever_leaves_ends_the_run()
    {
        // All layers take some fifty milliseconds together, in which a busy machine may not come round to the reader; so the reader tries a
        // few texts.
        // A server that sent all at the end, or went on for nobody, would have read the last layer each time.
        const string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        var (slow, page) = (await server.Slow(), "");
        for (var i = 0; i < letters.Length && !Regex.IsMatch(page, "<tr id=\"d5\".*?<td class=\"n\">…"); i++)
        {
            var text = Uri.EscapeDataString(LongText($"{letters[i]}"));
            // The page's own first answer does not wait, and has the tokens and a place for each dictionary.
            (_, page, _) = await Get(slow, $"/?q={text}&wait=false");
            Assert.Contains("data-reading=\"/reading?q=", page);
            Assert.Contains("id=\"t60\"", page);
            for (var d = 0; d < 6; d++)
                Assert.Matches($"<tr id=\"d{d}\".*?<td class=\"n\">…</td>", page);

            using (var answer = await Client.GetAsync(new Uri(slow, $"/analysis.jsonl?q={text}"), HttpCompletionOption.ResponseHeadersRead))
            using (var lines = new StreamReader(await answer.Content.ReadAsStreamAsync()))
                Assert.Contains("\"layer\":0", await lines.ReadLineAsync());
            // The queue is free again.
            await Client.GetStringAsync(new Uri(slow, "/analysis.json?q=Hi"));
            (_, page, _) = await Get(slow, $"/?q={text}&wait=false");
            Assert.Matches("<tr id=\"d0\".*?<td class=\"n\">\\d", page);
        }
        Assert.Matches("<tr id=\"d5\".*?<td class=\"n\">…", page);
    }

    [Fact]
    public async Task what_is_read_once_is_shown_at_once()
    {
        await Page($"/analysis.jsonl?q={Text} now");
        var page = await Page($"/?q={Text} now&wait=false");
        Assert.DoesNotContain("data-reading", page);
        Assert.DoesNotContain("…</td>", page);
        Assert.Matches("next: <code", page);
    }

    [Fact]
    public async Task the_slider_leads_to_the_nearest_layer_of_the_site_and_keeps_text_and_token()
    {
        var names = (await server.Dictionaries()).ToLookup(one => one.InputSite.Layer, FeatureLinks.PageName);
        async Task<string> From(string dictionary, int layer) =>
            (await Get(await server.Address(), $"/?q={Text}&dict={dictionary}&token=3&layer={layer}")).Location!.ToString();

        var address = await From(LayersServer.Demo, 4);
        Assert.Contains("token=3", address);
        Assert.Contains(Uri.EscapeDataString(Text), address);
        Assert.Contains(names[4], name => address.Contains($"dict={name}&"));
        Assert.Contains(
            names[2],
            name =>
                From(LayersServer.Demo, 0).Result.Contains($"dict={name}&") || From(LayersServer.Demo, 2).Result.Contains($"dict={name}&")
        );
        // To the right of layer 2 comes 3, also when 3.4 were nearer to 4.
        Assert.Contains($"dict={LayersServer.Demo}", await From(names[2].First(), 3));
        // Beyond the last one stays.
        Assert.Contains($"dict={names[4].First()}", await From(names[4].First(), 9));
        var page = await Page($"/?q={Text}&dict={LayersServer.Demo}");
        Assert.Contains("<input type=\"range\" id=\"layer\" name=\"layer\" min=\"1\" max=\"4\" value=\"3\"", page);
    }

    [Fact]
    public async Task a_suite_of_the_sweep_is_on_the_map_with_its_numbers()
    {
        var (page, entries) = (await Page("/demo-pt"), (await Json("/demo-pt.json")).EnumerateArray().ToArray());
        Assert.Equal(7, entries.Length);
        foreach (var entry in entries)
        {
            var (name, evaluations) = (
                entry.GetProperty("name").GetString(),
                entry.GetProperty("evaluations").EnumerateArray().ToDictionary(one => one.GetProperty("made_by").GetString()!)
            );
            var build = evaluations[StoredEvaluation.Build];
            // The dashboards' densities and the sums of the same pass are counted apart.
            Assert.Equal(entry.GetProperty("mean_l0").GetDouble(), build.GetProperty("l0").GetDouble(), 1e-4);
            Assert.Equal(entry.GetProperty("explained").GetDouble(), 1 - build.GetProperty("fvu").GetDouble(), 1e-12);
            Assert.Contains(
                $"href=\"/demo-pt/{name}\" title=\"{name}: L0 {entry.GetProperty("mean_l0").GetDouble():0.0}, explained "
                    + $"{100 * entry.GetProperty("explained").GetDouble():0} %",
                page
            );
            if (name == LayersServer.Demo)
                continue;
            var training = evaluations[StoredEvaluation.Training];
            var own = await Page($"/demo-pt/{name}");
            Assert.Contains(
                FormattableString.Invariant($"<td class=\"n\">{training.GetProperty("delta_loss").GetDouble():0.0000}</td>"),
                own
            );
            Assert.Contains($"on {PageNumbers.Count(training.GetProperty("tokens").GetInt64())} tokens of", own);
        }
    }

    [Fact]
    public async Task the_same_direction_in_other_layers_is_that_of_the_library()
    {
        var (model, dictionaries) = (await server.Model(), await server.Dictionaries());
        var own = dictionaries.Index().Single(one => FeatureLinks.PageName(one.Item) == LayersServer.Demo).Index;
        var search = new NearestDirections(model, dictionaries);
        var layers = (await Json($"/demo-pt/{LayersServer.Demo}/7/layers.json")).EnumerateArray().ToArray();
        Assert.Equal([1, 1, 2, 2, 4, 4], layers.Select(layer => layer.GetProperty("layer").GetInt32()));
        var page = await Page($"/demo-pt/{LayersServer.Demo}/7?layers=true");
        foreach (var layer in layers)
        {
            var (other, name) = (
                dictionaries.Index().Single(one => FeatureLinks.PageName(one.Item) == layer.GetProperty("dictionary").GetString()).Index,
                layer.GetProperty("dictionary").GetString()
            );
            var want = search.Find(own, 7, other, 3);
            Assert.Equal(
                want.Select(near => near.Feature),
                layer.GetProperty("nearest").EnumerateArray().Select(near => near.GetProperty("feature").GetInt32())
            );
            Assert.Contains($"href=\"/demo-pt/{name}/{want[0].Feature}\"", page);
            Assert.Contains(FormattableString.Invariant($"<td class=\"n\">{want[0].Cosine:0.00}</td>"), page);
        }
        // It costs a reading of all decoders, so a page has it only when it is asked for.
        Assert.Contains("?layers=true", await Page($"/demo-pt/{LayersServer.Demo}/7"));
    }

    [Fact]
    public async Task a_search_finds_features_of_several_dictionaries_and_of_one()
    {
        var database = await server.Database();
        var stored = database.Dictionaries().Where(one => one.Width == 32).Take(2).ToArray();
        foreach (var one in stored)
            database.AddLabels(one, [(1, new FeatureLabel("quokkas of the south", "me"))]);
        Assert.Equal(2, (await Json("/search.json?q=quokka")).GetArrayLength());
        var only = (await Json($"/search.json?q=quokka&model=demo-pt&dict={stored[1].Name}")).EnumerateArray().Single();
        Assert.Equal(stored[1].Name, only.GetProperty("dictionary").GetString());
        Assert.Contains($"dict={stored[0].Name}", await Page("/search?q=quokka"));
        Assert.Contains("in all dictionaries", await Page($"/search?q=quokka&model=demo-pt&dict={stored[0].Name}"));
        Assert.Contains($"href=\"/demo-pt/{stored[0].Name}/1\"", await Page($"/search?q=south&model=demo-pt&dict={stored[0].Name}"));
    }

    [Theory]
    [InlineData("/reading?q=", HttpStatusCode.BadRequest, "empty")]
    [InlineData("/reading?q=a&token=99", HttpStatusCode.BadRequest, "99 is no position")]
    [InlineData("/reading?q=a&dict=other", HttpStatusCode.NotFound, "There is no dictionary other here")]
    [InlineData("/analysis.jsonl?q=", HttpStatusCode.BadRequest, "empty")]
    [InlineData("/demo-pt/other/7/layers.json", HttpStatusCode.NotFound, "There is no dictionary other")]
    [InlineData("/demo-pt/" + LayersServer.Demo + "/99999/layers.json", HttpStatusCode.NotFound, "There is no feature 99999")]
    [InlineData("/search.json?q=a&model=demo-pt&dict=other", HttpStatusCode.NotFound, "There is no dictionary other")]
    [InlineData("/nothing.json", HttpStatusCode.NotFound, "There are no features of nothing")]
    public async Task what_cannot_be_asked_is_a_problem_in_json(string path, HttpStatusCode status, string says)
    {
        var (got, text, _) = await Get(await server.Address(), path);
        Assert.Equal(status, got);
        Assert.Contains(says, JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task parts_that_are_streamed_hold_attacks_as_text()
    {
        var database = await server.Database();
        var attack = Uri.EscapeDataString(MicroscopeServer.Attack);
        foreach (var one in database.Dictionaries().Where(one => one.Width == 32))
            database.AddLabels(
                one,
                Enumerable.Range(0, 32).Select(i => (i, new FeatureLabel(MicroscopeServer.Attack, MicroscopeServer.Attack)))
            );
        foreach (
            var line in (await Client.GetStringAsync(new Uri(await server.Address(), $"/reading?q={attack}"))).Split(
                '\n',
                StringSplitOptions.RemoveEmptyEntries
            )
        )
        {
            var html = JsonDocument.Parse(line).RootElement.GetProperty("html").GetString()!;
            Assert.DoesNotMatch("<(script|img)", html);
            Assert.DoesNotContain("\"'>", html);
        }
        foreach (
            var path in (string[])
                [
                    $"/?q={attack}&layer=2",
                    $"/?q={attack}&wait=false",
                    $"/demo-pt/{LayersServer.Demo}/7?layers=true",
                    $"/search?q={attack}&model={attack}&dict={attack}",
                ]
        )
            Assert.DoesNotMatch(
                "<(script>|img)",
                await (await Client.GetAsync(new Uri(await server.Address(), path))).Content.ReadAsStringAsync()
            );
    }

    [Fact]
    public async Task the_description_names_what_there_is()
    {
        var paths = (await Json("/openapi.json")).GetProperty("paths").EnumerateObject().Select(path => path.Name).ToArray();
        foreach (
            var path in (string[])
                [
                    "/analysis.jsonl",
                    "/analysis.json",
                    "/{model}.json",
                    "/{model}/{dictionary}/{feature}/layers.json",
                    "/search.json",
                    "/api/test",
                    "/api/steer",
                ]
        )
            Assert.Contains(path, paths);
        Assert.DoesNotContain("/reading", paths);
    }
}
