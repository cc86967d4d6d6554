using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace GemmaScope.Server.Hosting;

/// <summary>
/// Sends metrics and spans to a collector by OTLP: the server's own instruments and those of ASP.NET Core, Kestrel and the runtime, and one
/// span for each request. A span has
/// the route and never the path or the query, which may hold what a user wrote. A collector that is away is no error: what cannot be sent
/// is dropped.
/// </summary>
internal sealed class Telemetry : IDisposable
{
    private const string ServiceName = "OTEL_SERVICE_NAME";

    private readonly MeterProvider _metrics;
    private readonly TracerProvider _spans;

    /// <param name="variables">The variables of OpenTelemetry; those of the process are not read.</param>
    public Telemetry(IReadOnlyDictionary<string, string> variables)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(variables.Select(one => KeyValuePair.Create(one.Key, (string?)one.Value)))
            .Build();
        void Configure(IServiceCollection services) => services.AddSingleton<IConfiguration>(configuration);
        void Name(ResourceBuilder resource)
        {
            if (!variables.ContainsKey(ServiceName))
                resource.AddService("gemmascope", serviceVersion: typeof(Telemetry).Assembly.GetName().Version!.ToString(3));
        }
        _metrics = Sdk.CreateMeterProviderBuilder()
            .ConfigureServices(Configure)
            .ConfigureResource(Name)
            .AddMeter(ServerMetrics.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
            .AddOtlpExporter()
            .Build();
        _spans = Sdk.CreateTracerProviderBuilder()
            .ConfigureServices(Configure)
            .ConfigureResource(Name)
            .AddSource("Microsoft.AspNetCore")
            .AddOtlpExporter()
            .Build();
    }

    /// <summary>Names the span of a request, if there is one.</summary>
    public static void Describe(HttpContext context, string method, string route)
    {
        if (Activity.Current is not { IsAllDataRequested: true } span)
            return;
        span.DisplayName = $"{method} {route}";
        // Whatever else the framework says of addresses.
        foreach (
            var (name, _) in span
                .TagObjects.Where(tag =>
                    tag.Key.StartsWith("url.", StringComparison.Ordinal) || tag.Key.StartsWith("http.", StringComparison.Ordinal)
                )
                .ToArray()
        )
            span.SetTag(name, null);
        span.SetTag("http.request.method", method);
        span.SetTag("http.route", route);
        span.SetTag("http.response.status_code", context.Response.StatusCode);
        if (context.Response.StatusCode >= StatusCodes.Status500InternalServerError)
            span.SetStatus(ActivityStatusCode.Error);
    }

    /// <summary>Sends what is left, for some seconds at most.</summary>
    public void Dispose()
    {
        _spans.Dispose();
        _metrics.Dispose();
    }
}
