using System.Net;
using System.Text;
using GemmaScope.Server.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What a server sends to a collector, which is a real one that keeps the bytes.</summary>
public class TelemetryTests(DemoGuard guard) : IClassFixture<DemoGuard>
{
    private const string Secret = "what-only-the-user-knows";

    private static Dictionary<string, string> Variables(Uri collector) =>
        new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.ToString(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
            ["OTEL_SERVICE_NAME"] = "a-guard-of-ours",
        };

    [Fact]
    public async Task a_collector_gets_metrics_and_spans_and_no_word_of_a_user()
    {
        await using var collector = await Collector.Start();
        await using (
            var server = await ShieldServer.Start(
                guard,
                new ServerOptions { Telemetry = Variables(collector.Address) },
                map: app => app.MapGet("/own/{word}", (string word) => word)
            )
        )
        {
            await server.Ask("/v1/shield", new { prompt = Secret });
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/own/{Secret}?q={Secret}");
            request.Headers.Add("User-Agent", Secret);
            Assert.Equal(HttpStatusCode.OK, (await server.Client.SendAsync(request)).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await server.Client.GetAsync($"/{Secret}/there/is/nothing")).StatusCode);
            await collector.Until("/v1/traces", "GET /own/{word}", "POST /v1/shield", "GET other", "http.response.status_code");
            await collector.Until(
                "/v1/metrics",
                "gemmascope.requests",
                "gemmascope.request.duration",
                "gemmascope.shield.texts",
                "gemmascope.model.run",
                "http.server.request.duration",
                "kestrel.active_connections",
                "dotnet.gc.collections"
            );
        }
        var all = collector.Text("/v1/traces") + collector.Text("/v1/metrics");
        Assert.Contains("a-guard-of-ours", all);
        Assert.DoesNotContain(Secret, all);
    }

    [Fact]
    public async Task a_collector_that_is_away_or_never_answers_keeps_nobody_waiting()
    {
        await using var silent = await Collector.Start(silent: true);
        foreach (var address in (Uri[])[new Uri("http://127.0.0.1:1"), silent.Address])
        {
            // Its answers come and it ends although what it sends is never taken: nobody waits for that.
            await using var server = await ShieldServer.Start(guard, new ServerOptions { Telemetry = Variables(address) });
            for (var i = 0; i < 20; i++)
                Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/healthz")).StatusCode);
            if (address == silent.Address)
                await Patience.UntilAsync(() => silent.Text("/v1/traces").Length > 0, "the first spans");
            Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/healthz")).StatusCode);
        }
    }

    [Fact]
    public void a_collector_that_is_no_address_is_refused()
    {
        Assert.Null(new ServerOptions().Telemetry);
        new ServerOptions { Telemetry = Variables(new Uri("http://localhost:4317")) }.Check();
        var wrong = Assert.Throws<ArgumentProblemException>(() =>
            new ServerOptions { Telemetry = new Dictionary<string, string> { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "collector" } }.Check()
        );
        Assert.Contains("http://localhost:4317", wrong.Message);
    }

    /// <summary>A collector of OTLP over HTTP.</summary>
    private sealed class Collector(WebApplication app) : IAsyncDisposable
    {
        private readonly Dictionary<string, StringBuilder> _got = [];
        private readonly CancellationTokenSource _ending = new();

        public Uri Address => new(app.Urls.First());

        public static async Task<Collector> Start(bool silent = false)
        {
            var builder = WebApplication.CreateEmptyBuilder(new());
            builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            var app = builder.Build();
            var collector = new Collector(app);
            app.Run(context => collector.Take(context, silent));
            await app.StartAsync();
            return collector;
        }

        public string Text(string path)
        {
            lock (_got)
                return _got.TryGetValue(path, out var text) ? text.ToString() : "";
        }

        public async Task Until(string path, params string[] words)
        {
            foreach (var word in words)
                await Patience.UntilAsync(() => Text(path).Contains(word), $"{word} at {path}");
        }

        public async ValueTask DisposeAsync()
        {
            await _ending.CancelAsync();
            await app.DisposeAsync();
            _ending.Dispose();
        }

        private Task Ended()
        {
            var ended = new TaskCompletionSource();
            _ending.Token.Register(ended.SetResult);
            return ended.Task;
        }

        private async Task Take(HttpContext context, bool silent)
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            lock (_got)
            {
                if (!_got.TryGetValue(context.Request.Path, out var text))
                    text = _got[context.Request.Path] = new();
                text.Append(Encoding.Latin1.GetString(body.ToArray()));
            }
            if (silent)
                await Ended();
        }
    }
}
