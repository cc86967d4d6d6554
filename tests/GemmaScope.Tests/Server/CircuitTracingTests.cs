using System.Net;
using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Prompts that users of the server have traced, with the transcoder of the demo.</summary>
public sealed class CircuitTracingTests : IAsyncLifetime
{
    private const string Prompt = "The people of the United";

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _client = new(new HttpClientHandler { AllowAutoRedirect = false }) { Timeout = Patience.Limit };
    private GemmaModel? _model;
    private SparseDictionary? _transcoder;
    private ServerHost? _host;

    public async ValueTask InitializeAsync()
    {
        _model = GemmaModel.Load(Fixtures.Model("demo-pt"));
        _transcoder = SparseDictionary.Load(Directory.EnumerateDirectories(Fixtures.Model("demo-scope", "transcoder")).First());
        _host = await ServerHost.StartAsync(
            new ServerModel(Microscope.Of("demo-pt", _model, _transcoder)),
            new ServerOptions
            {
                Port = 0,
                Circuits = _folder.Path,
                Guard = null,
                TimeLimit = Patience.Limit,
                Log = TextWriter.Null,
            }
        );
        _client.BaseAddress = _host.Address;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (_host is not null)
            await _host.DisposeAsync();
        _transcoder?.Dispose();
        _model?.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task a_prompt_is_traced_with_its_progress_and_the_graph_is_kept()
    {
        var answer = await _client.PostAsync("/circuits/trace", Form(Prompt));
        var lines = (await answer.Content.ReadAsStringAsync())
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToArray();
        Assert.Contains(
            lines,
            line => line.TryGetProperty("total", out var total) && line.GetProperty("done").GetInt64() == total.GetInt64()
        );
        var page = lines[^1].GetProperty("page").GetString()!;
        var text = await _client.GetStringAsync(page);
        Assert.Contains(Prompt, text);
        Assert.Contains("rank correlation <b>1.000</b> <span class=\"soft\">all else fixed", text);
        Assert.Matches(@"<td>random features</td><td>\d+</td><td>-?\d+\.\d+</td><td>\d+\.\d+</td>", text);
        var kept = GraphDocument.Read(Assert.Single(Directory.GetFiles(_folder.Path)));
        Assert.Equal(page, $"/circuits/{kept.Metadata.Slug}");
        Assert.Contains(kept.Nodes, node => node.Kind == GraphNodeKind.Feature);
        // Files are shared, and say nothing of where things lie on this machine.
        Assert.Null(GraphOrigin.Of(kept)!.Transcoders);
        Assert.DoesNotContain(Fixtures.Repository, File.ReadAllText(Directory.GetFiles(_folder.Path)[0]));

        // Without script the form leads to the graph; the same prompt once more is another graph.
        var form = await _client.PostAsync("/circuits", Form(Prompt));
        Assert.Equal(HttpStatusCode.Redirect, form.StatusCode);
        Assert.Equal($"{page}-2", form.Headers.Location!.ToString());
    }

    [Fact]
    public async Task what_cannot_be_traced_is_named_and_nothing_is_kept()
    {
        foreach (var text in (string[])["", new('a', 5000), string.Concat(Enumerable.Repeat("word ", 700))])
        {
            var answer = await _client.PostAsync("/circuits/trace", Form(text));
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            Assert.StartsWith("text", problem.RootElement.GetProperty("detail").GetString());
        }
        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/circuits/trace") { Content = Form(Prompt) };
        foreign.Headers.Add("Origin", "https://elsewhere.example");
        Assert.Equal(HttpStatusCode.Forbidden, (await _client.SendAsync(foreign)).StatusCode);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static FormUrlEncodedContent Form(string text) => new([KeyValuePair.Create("text", text)]);
}
