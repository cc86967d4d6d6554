using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Features.Exchange;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Pages;
using GemmaScope.Tests.Dictionaries;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>The maps of models, in the states that a server can be in, and pages for what is not there.</summary>
public partial class MapTests(DemoGuard guard) : IClassFixture<DemoGuard>
{
    private static readonly HttpClient Client = new(new HttpClientHandler { AllowAutoRedirect = false }) { Timeout = Patience.Limit };

    private static async Task<(HttpResponseMessage Answer, string Text)> Get(Uri server, string path, string? accept = "text/html")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server, path));
        if (accept is not null)
            request.Headers.Accept.ParseAdd(accept);
        var answer = await Client.SendAsync(request);
        return (answer, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task without_a_database_the_map_shows_what_texts_can_be_read_with()
    {
        using var folder = new TemporaryFolder();
        using var samples = new SampleLayers(folder.Path, guard.Model.Config.SiteWidth(Site.ResidPost(0)), [1, 4]);
        var model = new ServerModel(Microscope.Of(WholeServer.Model, guard.Model, samples.Dictionaries));
        await using var host = await ServerHost.StartAsync(model, new ServerOptions { Port = 0, Guard = null });
        var (answer, page) = await Get(host.Address, "/map");
        Assert.Equal($"/{WholeServer.Model}", $"{answer.Headers.Location}");
        (_, page) = await Get(host.Address, $"/{WholeServer.Model}");
        Assert.Contains("2 dictionaries, none with dashboards yet", page);
        Assert.Equal(["1", "4"], Rows().Matches(page).Select(row => row.Groups[1].Value));
        Assert.Equal(2, Regex.Count(page, "class=\"cell unbuilt\" href=\"/\\?dict="));
        Assert.Equal(["layer", "residual"], Columns().Matches(page).Select(column => column.Groups[1].Value));
        // There is nothing to search and no list.
        Assert.DoesNotContain("action=\"/search\"", page);
        Assert.DoesNotContain("href=\"/lists\"", page);
    }

    [Fact]
    public async Task of_several_models_one_is_chosen()
    {
        await using var server = await WholeServer.Start(guard);
        var source = server.Features.Source(server.Features.Dictionaries().Single());
        var other = server.Features.Begin(
            source with
            {
                Model = "other",
                Layer = 7,
                Hook = "blocks.7.hook_mlp_out",
            },
            "one",
            16384,
            "by hand"
        );
        server.Features.Complete(other);
        var (answer, page) = await Get(server.Address, "/map");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("href=\"/other\"", page);
        Assert.Contains($"href=\"/{WholeServer.Model}\"", page);
        (_, page) = await Get(server.Address, "/other");
        Assert.Equal(["layer", "MLP"], Columns().Matches(page).Select(column => column.Groups[1].Value));
        Assert.Contains("<b>16k</b>", page);
        var (_, json) = await Get(server.Address, "/other.json");
        Assert.Equal("layer 7 · MLP · 16k", JsonDocument.Parse(json).RootElement[0].GetProperty("title").GetString());
    }

    [Theory]
    [InlineData("/nothing/at/all/here", 404, "There is nothing at this address")]
    [InlineData("/demo-it/other", 404, "There is no dictionary other of demo-it here")]
    [InlineData("/lists/99", 404, "There is no list 99 here")]
    public async Task what_is_not_there_is_a_page_for_people_and_json_for_programs(string path, int status, string says)
    {
        await using var server = await WholeServer.Start(guard);
        var (answer, page) = await Get(server.Address, path);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal("text/html", answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains($"<h1>{says}</h1>", page);
        Assert.Contains("<nav class=\"sections\"", page);
        Assert.StartsWith("default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
        if (path.StartsWith("/nothing", StringComparison.Ordinal))
            foreach (var accept in (string?[])[null, "*/*", "application/json"])
                Assert.Equal(
                    "application/problem+json",
                    (await Get(server.Address, path, accept)).Answer.Content.Headers.ContentType!.MediaType
                );
        // An address of data is one for programs, whoever asks.
        Assert.Equal(
            "application/problem+json",
            (await Get(server.Address, "/nothing/at/all/here.json")).Answer.Content.Headers.ContentType!.MediaType
        );
    }

    [Fact]
    public async Task lists_name_their_features_and_dictionaries()
    {
        await using var server = await WholeServer.Start(guard);
        var stored = server.Features.Dictionaries().Single();
        var list = server.Features.SaveList("mine & yours", "about cats");
        foreach (var feature in (int[])[2, 0, 1])
            server.Features.AddToList(list, stored, feature, $"because {feature}");
        server.Features.AddLabels(stored, [(2, new FeatureLabel("two cats", "me", Score: 1))]);
        var (_, all) = await Get(server.Address, "/lists");
        var (_, one) = await Get(server.Address, $"/lists/{list}");
        foreach (var page in (string[])[all, one])
        {
            Assert.Contains("mine & yours", page);
            Assert.Contains("about cats", page);
            Assert.Equal(
                ["#2</b> two cats", "#0</b> cats 0", "#1</b> cats 1"],
                Regex.Matches(page, "#\\d</b> [^<]+").Select(match => match.Value)
            );
        }
        Assert.Contains("layer 3 · residual · 2k</a>", one);
        Assert.Contains("because 2", one);
    }

    [GeneratedRegex("<th scope=\"row\">([^<]*)</th>")]
    private static partial Regex Rows();

    [GeneratedRegex("<th scope=\"col\">([^<]*)</th>")]
    private static partial Regex Columns();
}
