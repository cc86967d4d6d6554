using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace GemmaScope.Server.Hosting;

/// <summary>Counts, times and logs requests, and knows which are in flight, so that a server that stops can finish them and turn new ones
/// away.</summary>
internal sealed class Traffic(ServerMetrics metrics, ILogger log) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ended = new();
    private int _inFlight;

    /// <summary>Cancelled when what is still in flight has had its time.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Whether new requests are turned away.</summary>
    public bool Draining { get; private set; }

    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        var (begun, method) = (Stopwatch.GetTimestamp(), KnownMethod.Of(context.Request.Method));
        var entered = Enter();
        try
        {
            Harden(context.Response.Headers);
            if (entered || HealthPaths.Are(context.Request.Path))
            {
                await next(context).ConfigureAwait(false);
                return;
            }
            context.Response.Headers.Connection = "close";
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await Problems.WriteAsync(context, Problems.OfStatus(StatusCodes.Status503ServiceUnavailable)).ConfigureAwait(false);
        }
        finally
        {
            if (entered)
                Leave();
            var (route, status, elapsed) = (
                (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "other",
                context.Response.StatusCode,
                Stopwatch.GetElapsedTime(begun)
            );
            metrics.Answered(route, status, elapsed);
            Telemetry.Describe(context, method, route);
            // The route and not the path or query, which may hold what a user wrote.
            ServerLog.Answered(log, method, route, status, elapsed.TotalMilliseconds);
        }
    }

    /// <summary>Turns new requests away from now on; done when those in flight are.</summary>
    public Task DrainAsync()
    {
        lock (_lock)
        {
            Draining = true;
            if (_inFlight == 0)
                _idle.TrySetResult();
        }
        return _idle.Task;
    }

    /// <summary>Ends what is still in flight.</summary>
    public void End() => _ended.Cancel();

    public void Dispose() => _ended.Dispose();

    private bool Enter()
    {
        lock (_lock)
        {
            if (Draining)
                return false;
            _inFlight++;
            return true;
        }
    }

    private void Leave()
    {
        lock (_lock)
            if (--_inFlight == 0 && Draining)
                _idle.TrySetResult();
    }

    /// <summary>What every answer says to browsers; a page that needs more sets its own.</summary>
    private static void Harden(IHeaderDictionary headers)
    {
        headers.XContentTypeOptions = "nosniff";
        // A link holds the text that someone looks at: no other site is told of it. Without any, browsers would not say either that a form
        // is ours.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.ContentSecurityPolicy =
            "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        headers.CacheControl = "no-store";
    }
}
