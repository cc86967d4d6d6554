using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using GemmaScope.Safety;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Shield;
using GemmaScope.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace GemmaScope.Tests.Server;

public class ServerHostTests(DemoGuard guard) : IClassFixture<DemoGuard>
{
    private const string Question = """{"prompt":"How do I repot a cactus?","policies":["HATE"]}""",
        Token = "0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task simultaneous_requests_are_judged_together_and_each_gets_its_own_verdict()
    {
        var gate = new Gate();
        await using var server = await ShieldServer.Start(guard, map: gate.Map);
        var closed = gate.Close();
        string[] texts = [.. Enumerable.Range(0, 12).Select(i => $"Text number {i}.")];
        var answers = texts.Select(text => server.Ask("/v1/shield", new { prompt = text })).ToArray();
        await gate.Until(12);
        gate.Open();
        await closed;
        foreach (var (text, answer) in texts.Zip(answers))
        {
            var expected = guard.Shield.Score(text, options: new() { Hardened = true });
            Assert.Equal(expected.Probability, (await answer).GetProperty("results")[0].GetProperty("probability").GetSingle(), 1e-5f);
        }
        var metrics = await server.Client.GetStringAsync("/metrics");
        // The gate, and batches of up to 4096 tokens, of which 12 texts fill few.
        var runs = int.Parse(
            metrics.Split('\n').Single(line => line.StartsWith("gemmascope_model_batch_count ", StringComparison.Ordinal)).Split(' ')[1]
        );
        Assert.InRange(runs, 2, 6);
        Assert.Contains("gemmascope_model_batch_sum 13", metrics);
        Assert.Contains("gemmascope_requests_total{route=\"/v1/shield\",status=\"200\"} 12", metrics);
    }

    [Fact]
    public async Task a_full_queue_is_answered_429_with_retry_after()
    {
        var gate = new Gate();
        await using var server = await ShieldServer.Start(guard, new ServerOptions { QueueLength = 2 }, map: gate.Map);
        var closed = gate.Close();
        Task<HttpResponseMessage>[] waiting = [server.Post("/v1/shield", Question), server.Post("/v1/shield", Question)];
        await gate.Until(2);
        using (var refused = await server.Post("/v1/shield", Question))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        }
        gate.Open();
        await closed;
        foreach (var answer in await Task.WhenAll(waiting))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task a_client_that_goes_away_leaves_the_queue()
    {
        var gate = new Gate();
        await using var server = await ShieldServer.Start(guard, map: gate.Map);
        var closed = gate.Close();
        using var client = new CancellationTokenSource();
        var waiting = server.Post("/v1/shield", Question, client.Token);
        await gate.Until(1);
        client.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await gate.Until(0);
        gate.Open();
        await closed;
    }

    [Fact]
    public async Task a_request_whose_time_is_over_is_answered_503()
    {
        var gate = new Gate();
        await using var server = await ShieldServer.Start(
            guard,
            new ServerOptions { TimeLimit = TimeSpan.FromMilliseconds(300) },
            map: gate.Map
        );
        var closed = gate.Close(stubborn: true);
        using var late = await server.Post("/v1/shield", Question);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, late.StatusCode);
        Assert.Contains("0.3 s", await late.Content.ReadAsStringAsync());
        gate.Open();
        await Assert.ThrowsAnyAsync<Exception>(() => closed);
    }

    [Fact]
    public async Task a_server_that_stops_finishes_what_is_in_flight_and_turns_new_requests_away()
    {
        var gate = new Gate();
        await using var server = await ShieldServer.Start(guard, map: gate.Map);
        var closed = gate.Close();
        Task<HttpResponseMessage>[] inFlight = [.. Enumerable.Range(0, 3).Select(_ => server.Post("/v1/shield", Question))];
        await gate.Until(3);
        var stopping = server.Stop();
        using (var refused = await server.Post("/v1/shield", Question))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        using (var ready = await server.Client.GetAsync("/healthz/ready"))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        using (var live = await server.Client.GetAsync("/healthz"))
            Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        Assert.False(stopping.IsCompleted);
        gate.Open();
        foreach (var answer in await Task.WhenAll(inFlight))
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await closed;
        await stopping;
        await Assert.ThrowsAsync<HttpRequestException>(() => server.Client.GetAsync("/healthz"));
    }

    [Fact]
    public async Task what_is_in_flight_beyond_the_limit_of_shutdown_is_ended()
    {
        var gate = new Gate();
        await using var server = await ShieldServer.Start(
            guard,
            new ServerOptions { ShutdownLimit = TimeSpan.FromMilliseconds(200) },
            map: gate.Map
        );
        var closed = gate.Close();
        var inFlight = server.Post("/v1/shield", Question);
        await gate.Until(1);
        await server.Stop();
        // Answered with 503 or cut off, but not kept waiting.
        if (await Record.ExceptionAsync(() => inFlight) is null)
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await inFlight).StatusCode);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => closed);
    }

    [Fact]
    public async Task a_reading_of_the_database_that_would_never_end_ends_with_the_server()
    {
        using var folder = new TemporaryFolder();
        using var dialect = new SqliteDialect(folder.File("f.db"));
        using var begun = new ManualResetEventSlim();
        await using var server = await ShieldServer.Start(
            guard,
            new ServerOptions { ShutdownLimit = TimeSpan.FromMilliseconds(100) },
            map: app =>
                app.MapGet(
                    "/endless",
                    () =>
                    {
                        using var statements = new SqlStatements(dialect.Open()).Asking();
                        begun.Set();
                        return ReadBounds.Current!.Run(
                            "f.db",
                            statements.Interrupt,
                            () =>
                                statements.Number("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n")
                        );
                    }
                )
        );
        var endless = server.Client.GetAsync("/endless");
        begun.Wait();
        await server.Stop();
        if (await Record.ExceptionAsync(() => endless) is null)
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await endless).StatusCode);
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer " + Token, HttpStatusCode.OK)]
    [InlineData("bearer " + Token, HttpStatusCode.OK)]
    [InlineData("Bearer " + Token + "x", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer", HttpStatusCode.Unauthorized)]
    [InlineData(Token, HttpStatusCode.Unauthorized)]
    [InlineData("Basic dXNlcjowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==", HttpStatusCode.OK)]
    [InlineData("Basic dXNlcjowMTIz", HttpStatusCode.Unauthorized)]
    [InlineData("Basic ???", HttpStatusCode.Unauthorized)]
    public async Task with_a_token_only_who_shows_it_comes_in(string? authorization, HttpStatusCode status)
    {
        await using var server = await ShieldServer.Start(guard, new ServerOptions { Token = Token, Bind = IPAddress.Any });
        var port = server.Client.BaseAddress!.Port;
        foreach (
            var (path, expected) in ((string, HttpStatusCode)[])
                [
                    ("/v1/shield/policies", status),
                    ("/metrics", status),
                    ("/nothing", status == HttpStatusCode.OK ? HttpStatusCode.NotFound : status),
                    ("/healthz", HttpStatusCode.OK),
                ]
        )
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}{path}");
            if (authorization is not null)
                request.Headers.TryAddWithoutValidation("Authorization", authorization);
            using var answer = await server.Client.SendAsync(request);
            Assert.Equal(expected, answer.StatusCode);
            Assert.Equal(expected == HttpStatusCode.Unauthorized, answer.Headers.WwwAuthenticate.Count > 0);
        }
    }

    [Fact]
    public async Task an_address_that_others_reach_needs_a_token_and_a_token_needs_some_length()
    {
        foreach (var address in (IPAddress[])[IPAddress.Any, IPAddress.IPv6Any, IPAddress.Parse("192.0.2.1")])
            Assert.Contains(
                "token",
                (
                    await Assert.ThrowsAsync<ArgumentProblemException>(() =>
                        ShieldServer.Start(guard, new ServerOptions { Bind = address })
                    )
                ).Message
            );
        Assert.Contains(
            "16",
            (
                await Assert.ThrowsAsync<ArgumentProblemException>(() => ShieldServer.Start(guard, new ServerOptions { Token = "short" }))
            ).Message
        );
    }

    [Fact]
    public async Task a_local_server_answers_to_local_names_alone()
    {
        await using var server = await ShieldServer.Start(guard);
        foreach (
            var (host, status) in ((string, HttpStatusCode)[])
                [
                    ("localhost", HttpStatusCode.OK),
                    ("127.0.0.1:80", HttpStatusCode.OK),
                    ("[::1]", HttpStatusCode.OK),
                    ("rebound.example", HttpStatusCode.MisdirectedRequest),
                ]
        )
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/healthz") { Headers = { Host = host } };
            using var answer = await server.Client.SendAsync(request);
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task every_answer_has_the_headers_that_protect_browsers()
    {
        await using var server = await ShieldServer.Start(guard);
        foreach (var path in (string[])["/healthz", "/nothing"])
        {
            using var answer = await server.Client.GetAsync(path);
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Contains("default-src 'self'", answer.Headers.GetValues("Content-Security-Policy").Single());
            Assert.Equal("same-origin", answer.Headers.GetValues("Referrer-Policy").Single());
            Assert.False(answer.Headers.Contains("Server"));
        }
    }

    [Fact]
    public async Task a_port_that_is_taken_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var problem = await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            ServerHost.StartAsync(new ServerModel(guard.Microscope), new ServerOptions { Port = port })
        );
        Assert.Contains($"{port}", problem.Message);
    }

    [Fact]
    public async Task a_program_serves_a_model_and_adds_addresses_of_its_own()
    {
        using var stop = new CancellationTokenSource();
        await using (
            var host = await ServerHost.StartAsync(
                new ServerModel(guard.Microscope),
                new ServerOptions { Port = 0, Endpoints = routes => routes.MapGet("/own", () => "mine") }
            )
        )
        {
            using var client = new HttpClient { Timeout = Patience.Limit, BaseAddress = host.Address };
            Assert.Equal("mine", await client.GetStringAsync("/own"));
            // A model without dictionaries and features has one page.
            Assert.Contains("Does a text violate a policy?", await client.GetStringAsync("/"));
            var waiting = host.WaitAsync(stop.Token);
            Assert.False(waiting.IsCompleted);
            await stop.CancelAsync();
            await waiting;
        }
    }

    [Fact]
    public async Task a_program_of_ones_own_answers_for_the_guard_as_the_server_does()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        using var queue = new ModelQueue(8, Patience.Limit);
        app.MapShield(new ShieldService(guard.Shield, queue, [ShieldPolicy.Find("HATE")]), "demo-it");
        await app.StartAsync();
        using var client = new HttpClient { Timeout = Patience.Limit, BaseAddress = new Uri(app.Urls.First()) };

        using var judged = await client.PostAsJsonAsync("/v1/shield", new { prompt = "How do I repot a cactus?" });
        var answer = await judged.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal("demo-it", answer.GetProperty("model").GetString());
        Assert.Equal("HATE", answer.GetProperty("results")[0].GetProperty("policies")[0].GetProperty("policy").GetString());

        using var refused = await client.PostAsJsonAsync("/v1/shield", new { prompt = "" });
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        Assert.Equal("prompt", (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("field").GetString());
    }

    [Fact]
    public async Task what_fails_inside_is_answered_500_and_logged_without_its_message()
    {
        await using var server = await ShieldServer.Start(
            guard,
            map: app => app.MapGet("/fails", string () => throw new InvalidOperationException("private"))
        );
        using (var answer = await server.Client.GetAsync("/fails"))
        {
            Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
            Assert.DoesNotContain("private", await answer.Content.ReadAsStringAsync());
        }
        await server.Stop();
        Assert.Contains("InvalidOperationException", server.Log);
        Assert.DoesNotContain("private", server.Log);
    }

    /// <summary>Work that keeps the model busy until it is told to end, so that what comes after waits.</summary>
    private sealed class Gate
    {
        private readonly TaskCompletionSource _open = new();
        private ModelQueue _queue = null!;

        public void Map(WebApplication app) => _queue = app.Services.GetRequiredService<ModelQueue>();

        /// <param name="stubborn">Whether it goes on when its own time is over.</param>
        public Task<int> Close(bool stubborn = false)
        {
            while (true)
            {
                using var begun = new ManualResetEventSlim();
                var closed = _queue.RunAsync(
                    "gate",
                    cancellationToken =>
                    {
                        begun.Set();
                        _open.Task.Wait(stubborn ? CancellationToken.None : cancellationToken);
                        return 0;
                    },
                    default
                );
                Patience.Until(() => begun.IsSet || closed.IsCompleted, "the gate's turn");
                // On a busy machine its own time may be over before it has begun.
                if (begun.IsSet)
                    return closed;
            }
        }

        public void Open() => _open.SetResult();

        public Task Until(int waiting) => Patience.UntilAsync(() => _queue.Length == waiting, $"{waiting} that wait");
    }
}
