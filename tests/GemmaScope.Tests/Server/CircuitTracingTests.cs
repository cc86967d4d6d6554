using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Server.Hosting;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>A server with the demo model and its transcoders, and an empty folder for graphs.</summary>
public sealed class CircuitServer : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private GemmaModel? _model;
    private SparseDictionary[] _transcoders = [];
    private ServerHost? _host;

    /// <summary>The folder.</summary>
    public string Folder => _folder.Path;

    /// <summary>A client of the server, which follows nothing.</summary>
    public HttpClient Client { get; } = new(new HttpClientHandler { AllowAutoRedirect = false }) { Timeout = Patience.Limit };

    public async ValueTask InitializeAsync()
    {
        _model = GemmaModel.Load(Fixtures.Model("demo-pt"));
        _transcoders =
        [
            .. Directory.EnumerateDirectories(Fixtures.Model("demo-scope", "transcoder_all")).Select(path => SparseDictionary.Load(path)),
        ];
        _host = await ServerHost.StartAsync(
            new ServerModel(Microscope.Of("demo-pt", _model, _transcoders)),
            new ServerOptions
            {
                Port = 0,
                Circuits = _folder.Path,
                Guard = null,
                TimeLimit = Patience.Limit,
                Log = TextWriter.Null,
            }
        );
        Client.BaseAddress = _host.Address;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_host is not null)
            await _host.DisposeAsync();
        Array.ForEach(_transcoders, one => one.Dispose());
        _model?.Dispose();
        _folder.Dispose();
    }

    /// <summary>Traces a prompt.</summary>
    /// <returns>The address of its page.</returns>
    public async Task<string> Trace(string text) =>
        (await Lines(await Client.PostAsync("/circuits/trace", Form(("text", text)))))[^1].GetProperty("page").GetString()!;

    /// <summary>The strongest feature at the last position of a graph that was traced.</summary>
    /// <param name="page">The address of its page.</param>
    public GraphDocumentNode Strongest(string page)
    {
        var graph = GraphDocument.Read(Path.Combine(Folder, Path.GetFileName(page) + ".json"));
        return graph
            .Nodes.Where(node => node.Kind == GraphNodeKind.Feature && node.Position == graph.Metadata.PromptTokens.Count - 1)
            .MaxBy(node => node.Activation)!;
    }

    /// <summary>The values of an answer in JSON lines.</summary>
    public static async Task<JsonElement[]> Lines(HttpResponseMessage answer) =>
        [
            .. (await answer.Content.ReadAsStringAsync())
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement),
        ];

    /// <summary>A form.</summary>
    public static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
}

/// <summary>Prompts that users of the server have traced, with the transcoder of the demo.</summary>
public sealed class CircuitTracingTests : IAsyncLifetime
{
    private const string Prompt = "The people of the United";

    private readonly CircuitServer _server = new();

    private HttpClient Client => _server.Client;

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task a_prompt_is_traced_with_its_progress_and_the_graph_is_kept()
    {
        var answer = await Client.PostAsync("/circuits/trace", Text(Prompt));
        var lines = await CircuitServer.Lines(answer);
        Assert.Contains(
            lines,
            line => line.TryGetProperty("total", out var total) && line.GetProperty("done").GetInt64() == total.GetInt64()
        );
        var page = lines[^1].GetProperty("page").GetString()!;
        var text = await Client.GetStringAsync(page);
        Assert.Contains(Prompt, text);
        Assert.Contains("rank correlation <b>1.000</b> <span class=\"soft\">all else fixed", text);
        Assert.Matches(@"<td>random features</td><td>\d+</td><td>-?\d+\.\d+</td><td>\d+\.\d+</td>", text);
        var kept = GraphDocument.Read(Assert.Single(Directory.GetFiles(_server.Folder)));
        Assert.Equal(page, $"/circuits/{kept.Metadata.Slug}");
        Assert.Contains(kept.Nodes, node => node.Kind == GraphNodeKind.Feature);
        // Files are shared, and say nothing of where things lie on this machine.
        Assert.Null(GraphOrigin.Of(kept)!.Transcoders);
        Assert.DoesNotContain(Fixtures.Repository, File.ReadAllText(Directory.GetFiles(_server.Folder)[0]));

        // Without script the form leads to the graph; the same prompt once more is another graph.
        var form = await Client.PostAsync("/circuits", Text(Prompt));
        Assert.Equal(HttpStatusCode.Redirect, form.StatusCode);
        Assert.Equal($"{page}-2", form.Headers.Location!.ToString());
    }

    [Fact]
    public async Task what_cannot_be_traced_is_named_and_nothing_is_kept()
    {
        foreach (var text in (string[])["", new('a', 5000), string.Concat(Enumerable.Repeat("word ", 700))])
        {
            var answer = await Client.PostAsync("/circuits/trace", Text(text));
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            Assert.StartsWith("text", problem.RootElement.GetProperty("detail").GetString());
        }
        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/circuits/trace") { Content = Text(Prompt) };
        foreign.Headers.Add("Origin", "https://elsewhere.example");
        Assert.Equal(HttpStatusCode.Forbidden, (await Client.SendAsync(foreign)).StatusCode);
        Assert.Empty(Directory.GetFiles(_server.Folder));
    }

    [Fact]
    public async Task a_graph_that_was_made_here_can_be_renamed_and_deleted_and_others_cannot()
    {
        var page = await _server.Trace(Prompt);
        var renamed = await Client.PostAsync($"{page}/rename", CircuitServer.Form(("name", "../The people!")));
        Assert.Equal("/circuits/The-people", renamed.Headers.Location!.ToString());
        Assert.Equal("The-people", GraphDocument.Read(Assert.Single(Directory.GetFiles(_server.Folder))).Metadata.Slug);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync(page)).StatusCode);
        foreach (var name in (string[])["", "///", new('a', 101)])
            Assert.Equal(
                HttpStatusCode.BadRequest,
                (await Client.PostAsync("/circuits/The-people/rename", CircuitServer.Form(("name", name)))).StatusCode
            );
        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/circuits/The-people/delete") { Content = CircuitServer.Form() };
        foreign.Headers.Add("Origin", "https://elsewhere.example");
        Assert.Equal(HttpStatusCode.Forbidden, (await Client.SendAsync(foreign)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.PostAsync("/circuits/none/delete", CircuitServer.Form())).StatusCode);
        Assert.Equal(HttpStatusCode.Redirect, (await Client.PostAsync("/circuits/The-people/delete", CircuitServer.Form())).StatusCode);
        Assert.Empty(Directory.GetFiles(_server.Folder));
    }

    private static FormUrlEncodedContent Text(string text) => CircuitServer.Form(("text", text));
}
