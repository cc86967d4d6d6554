using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Shield;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Builder;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>The demo model, loaded once for all tests of a class.</summary>
public sealed class DemoGuard : IDisposable
{
    public GemmaModel Model { get; } = GemmaModel.Load(Fixtures.Model("demo-it"));

    public Microscope Microscope => field ??= Microscope.Of("demo-it", Model);

    public ShieldGemma Shield => field ??= new ShieldGemma(Model);

    public SparseDictionary Dictionary =>
        field ??= SparseDictionary.Load(
            Directory.EnumerateFiles(Fixtures.Model("demo-sae"), "params.npz", SearchOption.AllDirectories).First()
        );

    public void Dispose() => Model.Dispose();
}

/// <summary>A real server on a free port, with a log that is kept.</summary>
internal sealed class ShieldServer(ServerHost host, StringWriter log) : IAsyncDisposable
{
    public HttpClient Client { get; } = new() { BaseAddress = host.Address, Timeout = Patience.Limit };

    public string Log => log.ToString();

    public static async Task<ShieldServer> Start(
        DemoGuard guard,
        ServerOptions? options = null,
        IReadOnlyList<ShieldPolicy>? policies = null,
        bool explains = false,
        Action<WebApplication>? map = null
    )
    {
        var log = new StringWriter();
        var asked = options ?? new ServerOptions();
        var model = new ServerModel(explains ? Microscope.Of("demo-it", guard.Model, guard.Dictionary) : guard.Microscope);
        return new(
            await ServerHost.StartAsync(
                model,
                asked with
                {
                    Port = 0,
                    Log = log,
                    // The usual limits are for people who wait, and not for busy machines.
                    TimeLimit = asked.TimeLimit == new ServerOptions().TimeLimit ? Patience.Limit : asked.TimeLimit,
                    ShutdownLimit = asked.ShutdownLimit == new ServerOptions().ShutdownLimit ? Patience.Limit : asked.ShutdownLimit,
                },
                app =>
                {
                    ShieldRoutes.Map(app, guard.Shield, policies ?? ShieldPolicy.Official, new ShieldOptions { Hardened = true });
                    map?.Invoke(app);
                }
            ),
            log
        );
    }

    public Task<HttpResponseMessage> Post(string address, string json, CancellationToken cancellationToken = default) =>
        Client.PostAsync(address, new StringContent(json, Encoding.UTF8, "application/json"), cancellationToken);

    /// <summary>What is answered, with a status of success.</summary>
    public async Task<JsonElement> Ask(string address, object body)
    {
        using var answer = await Client.PostAsJsonAsync(address, body);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>The request is refused, with a problem that names a field and a cure.</summary>
    public async Task Refuses(string address, string json, int status, string? field, string says)
    {
        using var answer = await Post(address, json);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(status == (int)answer.StatusCode, $"{answer.StatusCode}: {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonSerializer.Deserialize<JsonElement>(text);
        Assert.Equal(field, problem.TryGetProperty("field", out var named) ? named.GetString() : null);
        Assert.Contains(says, problem.GetProperty("detail").GetString() + " | " + problem.GetProperty("cure").GetString());
    }

    public Task Stop() => host.DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await host.DisposeAsync();
    }
}
