using System.Net;
using GemmaScope.Safety;
using GemmaScope.Server.Circuits;
using GemmaScope.Server.Pages;
using GemmaScope.Server.Shield;
using GemmaScope.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.OpenApi;

namespace GemmaScope.Server.Hosting;

/// <summary>
/// The server: one model, one queue to it, and what is asked through HTTP. It listens once it is started; <see cref="DisposeAsync"/>
/// finishes the requests in flight, turns new ones away and stops.
/// </summary>
public sealed class ServerHost : IAsyncDisposable
{
    /// <summary>How long those whose requests were ended have to read that.</summary>
    private static readonly TimeSpan LastAnswers = TimeSpan.FromSeconds(2);

    private readonly WebApplication _app;
    private readonly ServerOptions _options;
    private readonly Traffic _traffic;
    private readonly ModelQueue _queue;
    private readonly Telemetry? _telemetry;
    private readonly Lazy<Task> _end;

    private ServerHost(WebApplication app, ServerOptions options, Traffic traffic, ModelQueue queue) =>
        (_app, _options, _traffic, _queue, _telemetry, _end) = (
            app,
            options,
            traffic,
            queue,
            options.Telemetry is { } variables ? new Telemetry(variables) : null,
            new Lazy<Task>(EndAsync)
        );

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Starts a server of a model: the guard, the microscope where it has dictionaries, and the features where it has a
    /// database.</summary>
    /// <param name="model">The model, which the caller disposes after the server.</param>
    /// <param name="options">Where it listens, whom it answers, how much it takes on; null for the defaults.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    /// <exception cref="ArgumentProblemException">The options cannot be, the address is taken, or the model cannot be asked by the
    /// guard.</exception>
    public static async Task<ServerHost> StartAsync(
        ServerModel model,
        ServerOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new();
        return await StartAsync(model, options, app => Map(app, model, options), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same with routes that the caller chooses.</summary>
    /// <param name="model">The model, which the caller disposes after the server.</param>
    /// <param name="options">Where it listens, whom it answers, how much it takes on.</param>
    /// <param name="map">Adds what the server answers: routes with the services of <see cref="ServerModel"/>, <see cref="ServerOptions"/>,
    /// <see cref="ModelQueue"/> and <see cref="ServerMetrics"/>.</param>
    /// <param name="cancellationToken">Gives up the start.</param>
    internal static async Task<ServerHost> StartAsync(
        ServerModel model,
        ServerOptions options,
        Action<WebApplication> map,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        foreach (var direction in options.Directions)
            direction.Check(model.Model.Config);
        // Nothing is read from the environment or from files of the folder it happens to be started in.
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory, EnvironmentName = Environments.Production }
        );
        builder.WebHost.UseKestrel(kestrel => Limit(kestrel, options));
        builder.Logging.AddProvider(new LineLogger(options.Log));
        builder.Services.AddRouting().AddCors();
        builder.Services.ConfigureHttpJsonOptions(json => ServerJson.Make(json.SerializerOptions));
        builder.Services.AddOpenApi(Describe);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownLimit);
        builder
            .Services.AddSingleton(options)
            .AddSingleton(model)
            .AddSingleton<ServerMetrics>()
            .AddSingleton<MetricsText>()
            .AddSingleton<PageSections>()
            .AddSingleton<TitleBook>()
            .AddSingleton<CircuitModel>();
        builder.Services.AddSingleton(_ => new ReadGate(options.QueueLength, options.TimeLimit, Math.Max(2, Environment.ProcessorCount)));
        builder.Services.AddSingleton(services => new ModelQueue(
            options.QueueLength,
            options.TimeLimit,
            services.GetRequiredService<ServerMetrics>(),
            model.RequireWhole
        ));

        var app = builder.Build();
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(ServerMetrics.Name);
        var traffic = new Traffic(app.Services.GetRequiredService<ServerMetrics>(), log);
        app.Use(next => context => traffic.PassAsync(context, next));
        app.Use(next => new Problems(next, log).InvokeAsync);
        app.Use(next => context => RequestRules.ApplyAsync(context, next));
        if (options.TrustedProxies.Count > 0)
            app.UseForwardedHeaders(Forwarded(options));
        app.Use(next => context => PathPrefix.TakeAsync(context, options.PathBase, next));
        // A browser asks without the token whether it may ask.
        if (options.AllowedOrigins.Count > 0)
            app.UseCors(cors =>
                cors.WithOrigins([.. options.AllowedOrigins]).AllowAnyHeader().AllowAnyMethod().WithExposedHeaders("Retry-After")
            );
        app.Use(next => new Admission(next, options).InvokeAsync);
        app.Use(
            async (context, next) =>
            {
                using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, traffic.Ended);
                FeatureDatabase.BoundReads(options.TimeLimit, gone.Token);
                await next(context).ConfigureAwait(false);
            }
        );
        app.UseRouting();
        var text = app.Services.GetRequiredService<MetricsText>();
        app.MapGet(HealthPaths.Live, () => "live\n").WithSummary("Whether the server lives");
        app.MapGet(HealthPaths.Ready, () => Ready(traffic, model, log)).WithSummary("Whether it takes requests");
        app.MapGet("/metrics", () => Results.Text(text.Write(), "text/plain; version=0.0.4"))
            .WithSummary("Counts and times in Prometheus' text format");
        app.MapOpenApi("/openapi.json");
        map(app);
        options.Endpoints?.Invoke(app);
        var host = new ServerHost(app, options, traffic, app.Services.GetRequiredService<ModelQueue>());
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
            return host;
        }
        catch (IOException problem)
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw new ArgumentProblemException(
                $"the server cannot listen there: {problem.Message}",
                $"{options.Bind}:{options.Port}",
                problem,
                new Remedy($"give another one with {new Setting(nameof(options.Port))}, or 0 for a free one")
            );
        }
    }

    /// <summary>Waits until it is cancelled, which is no error here, or the server ends. Only disposing ends it.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _app.Lifetime.ApplicationStopping);
        await Task.Delay(Timeout.Infinite, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Finishes what is in flight, for as long as the options allow, answers new requests 503 meanwhile, and stops.</summary>
    public ValueTask DisposeAsync() => new(_end.Value);

    private async Task EndAsync()
    {
        await Task.WhenAny(_traffic.DrainAsync(), Task.Delay(_options.ShutdownLimit)).ConfigureAwait(false);
        // What is left now has had its time.
        _traffic.End();
        _queue.Dispose();
        using var closing = new CancellationTokenSource(LastAnswers);
        await _app.StopAsync(closing.Token).ConfigureAwait(false);
        // What is still to be sent is sent before the instruments end, for some seconds at most.
        _telemetry?.Dispose();
        await _app.DisposeAsync().ConfigureAwait(false);
        _traffic.Dispose();
    }

    private static void Map(WebApplication app, ServerModel model, ServerOptions options)
    {
        if (options.Guard is { } guard)
        {
            // It holds nothing of its own: the caller disposes the model.
            ShieldRoutes.Map(app, new ShieldGemma(model.Model), guard.Policies, guard.Asked);
            if (model.Dictionaries.Count == 0 && model.Features is null)
                app.MapGet("/", () => Results.Redirect("~/shield")).ExcludeFromDescription();
        }
        MicroscopeRoutes.Map(app);
    }

    private static IResult Ready(Traffic traffic, ServerModel model, ILogger log)
    {
        static IResult Not(string why) => Results.Text($"{why}\n", statusCode: StatusCodes.Status503ServiceUnavailable);
        if (traffic.Draining)
            return Not("stopping");
        try
        {
            model.Features?.Dictionaries();
            model.RequireWhole();
            return Results.Text("ready\n");
        }
        catch (GemmaScopeException problem)
        {
            // Who asks has shown no token, and the reason names files.
            ServerLog.NotReady(log, problem.Message);
            return Not("a file of the server cannot be used; its log says which");
        }
    }

    private static ForwardedHeadersOptions Forwarded(ServerOptions options)
    {
        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.All, ForwardLimit = null };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var network in options.TrustedProxies)
            forwarded.KnownIPNetworks.Add(network);
        return forwarded;
    }

    private static void Describe(OpenApiOptions description) =>
        description
            .AddDocumentTransformer(
                (document, _, _) =>
                {
                    document.Info = new() { Title = "GemmaScope", Version = typeof(ServerHost).Assembly.GetName().Version!.ToString(3) };
                    return Task.CompletedTask;
                }
            )
            .AddSchemaTransformer(
                (schema, context, _) =>
                {
                    // Of a type with a converter of its own nobody else knows that it is written as a number.
                    var type = context.JsonTypeInfo.Type;
                    if ((Nullable.GetUnderlyingType(type) ?? type) is var number && (number == typeof(double) || number == typeof(float)))
                        schema.Type = number == type ? JsonSchemaType.Number : JsonSchemaType.Number | JsonSchemaType.Null;
                    return Task.CompletedTask;
                }
            );

    private static void Limit(KestrelServerOptions kestrel, ServerOptions options)
    {
        kestrel.Listen(new IPEndPoint(options.Bind, options.Port));
        kestrel.AddServerHeader = false;
        // A link to the microscope holds its text.
        kestrel.Limits.MaxRequestLineSize = 1 << 16;
        kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        kestrel.Limits.MaxConcurrentConnections = 4096;
    }

    /// <summary>The server is part of a program, which alone decides when it ends.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
