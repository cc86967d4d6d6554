using System.Collections;
using System.Net;
using GemmaScope.Safety;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Server.Hosting;

/// <summary>Where a server listens, whom it answers and how much it takes on.</summary>
public sealed record ServerOptions
{
    /// <summary>The address it listens on; one that other machines reach demands a <see cref="Token"/>.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 for a free one.</summary>
    public int Port { get; init; } = 5000;

    /// <summary>The secret that requests have to show; null for none.</summary>
    public string? Token { get; init; }

    /// <summary>The shortest token: shorter ones can be guessed.</summary>
    public const int ShortestToken = 16;

    /// <summary>
    /// Names it may be asked by beside the local ones; <c>*.example.com</c> stands for all below it, <c>*</c> for any. Without a token only
    /// these and local names are answered; with one any name is, unless some are given.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>
    /// The proxies whose word is taken for who asks, by which name and under which path (<c>X-Forwarded-For</c>, <c>-Proto</c>,
    /// <c>-Host</c>, <c>-Prefix</c>); none: these headers mean nothing.
    /// </summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>The path under which a proxy shows the server, such as <c>/guard</c>; empty for the root.</summary>
    public string PathBase { get; init; } = "";

    /// <summary>Origins whose pages may ask from a browser (CORS), such as <c>https://app.example.com</c>; <c>*</c> for any; none: only the
    /// server's own pages.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>Bytes of a request's body at most.</summary>
    public long MaxBodyBytes { get; init; } = 1 << 20;

    /// <summary>Requests that wait for the model at most; more are answered 429.</summary>
    public int QueueLength { get; init; } = 256;

    /// <summary>How long a request may wait and be worked on together; then it is answered 503.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest time limit.</summary>
    public static TimeSpan LongestTimeLimit { get; } = TimeSpan.FromHours(1);

    /// <summary>How long requests in flight are waited for when the server stops.</summary>
    public TimeSpan ShutdownLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A folder of attribution graphs to show (JSON files in the public form), in which those are kept that users make; null for
    /// none.</summary>
    public string? Circuits { get; init; }

    /// <summary>Further folders of graphs, which are only shown.</summary>
    public IReadOnlyList<string> MoreCircuits { get; init; } = [];

    /// <summary>Folders of studies to show: run folders, or folders that hold some.</summary>
    public IReadOnlyList<string> Studies { get; init; } = [];

    /// <summary>Directions of the residual stream that conversations are watched along, and steered with.</summary>
    public IReadOnlyList<ServedDirection> Directions { get; init; } = [];

    /// <summary>The guard; null for a server without one.</summary>
    public GuardOptions? Guard { get; init; } = new();

    /// <summary>Adds addresses of the program's own.</summary>
    public Action<IEndpointRouteBuilder>? Endpoints { get; init; }

    /// <summary>Whether texts and verdicts are written to the log.</summary>
    public bool LogText { get; init; }

    /// <summary>Where the log goes, a line an event; null for nowhere.</summary>
    public TextWriter? Log { get; init; }

    /// <summary>
    /// Where metrics and spans are sent by OTLP, as the variables of OpenTelemetry say it (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and others);
    /// null for nowhere.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Telemetry { get; init; }

    /// <summary>Finds what cannot be.</summary>
    /// <exception cref="ArgumentProblemException">A number out of range, or an address that others reach without a token.</exception>
    public void Check()
    {
        if (Port is < 0 or > ushort.MaxValue)
            throw new ArgumentProblemException(
                $"{Port} is no port; it must be from 0 (any that is free) to {ushort.MaxValue}",
                new Setting(nameof(Port))
            );
        if (MaxBodyBytes < 1)
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(MaxBodyBytes)));
        if (QueueLength < 1)
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(QueueLength)));
        if (TimeLimit <= TimeSpan.Zero || TimeLimit > LongestTimeLimit)
            throw new ArgumentProblemException(
                $"must be more than 0 and {LongestTimeLimit.TotalSeconds} s at most",
                new Setting(nameof(TimeLimit))
            );
        if (Circuits is { } folder && !Directory.Exists(folder))
            throw new ArgumentProblemException($"there is no folder {folder}", new Setting(nameof(Circuits)));
        if (Studies.FirstOrDefault(path => !Directory.Exists(path)) is { } missing)
            throw new ArgumentProblemException($"there is no folder {missing}", new Setting(nameof(Studies)));
        if (AllowedHosts.FirstOrDefault(name => !HostNames.IsName(name)) is { } host)
            throw new ArgumentProblemException(
                $"'{host}' is no host name; write it without scheme, port and path: guard.example.com, or *.example.com",
                new Setting(nameof(AllowedHosts))
            );
        if (PathBase.Length > 0 && !PathPrefix.IsSafe(PathBase))
            throw new ArgumentProblemException(
                $"'{PathBase}' is no path such as /guard: it begins with / and ends without, and has letters, digits and . _ ~ - alone",
                new Setting(nameof(PathBase))
            );
        if (AllowedOrigins.FirstOrDefault(origin => !IsOrigin(origin)) is { } other)
            throw new ArgumentProblemException(
                $"'{other}' is no origin; write scheme and host alone, such as https://app.example.com",
                new Setting(nameof(AllowedOrigins))
            );
        foreach (var (name, value) in Telemetry ?? new Dictionary<string, string>())
            if (
                name.EndsWith("_ENDPOINT", StringComparison.Ordinal)
                && !(Uri.TryCreate(value, UriKind.Absolute, out var collector) && collector.Scheme is "http" or "https")
            )
                throw new ArgumentProblemException($"'{value}' is no address of a collector; write http://localhost:4317", name);
        if (Token is { Length: < ShortestToken })
            throw new ArgumentProblemException(
                $"has {Token.Length} characters; it needs {ShortestToken} or more, for instance from: openssl rand -hex 32",
                new Setting(nameof(Token))
            );
        if (Token is null && !IPAddress.IsLoopback(Bind))
            throw new ArgumentProblemException(
                $"{Bind} is reached by other machines, and there is no access token",
                new Setting(nameof(Bind)),
                new Remedy($"give one with {new Setting(nameof(Token))}, or listen on 127.0.0.1")
            );
    }

    private static bool IsOrigin(string text) =>
        text == "*"
        || Uri.TryCreate(text, UriKind.Absolute, out var origin)
            && origin.Scheme is "http" or "https"
            && origin.GetLeftPart(UriPartial.Authority).Equals(text, StringComparison.OrdinalIgnoreCase);

    /// <summary>The variables of OpenTelemetry in the environment of the process, if they name a collector; else null.</summary>
    public static IReadOnlyDictionary<string, string>? TelemetryOfProcess()
    {
        var variables = Environment
            .GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Where(entry => ((string)entry.Key).StartsWith("OTEL_", StringComparison.Ordinal))
            .Select(entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value ?? ""))
            .Where(entry => entry.Value.Length > 0)
            .ToDictionary();
        var disabled =
            variables.TryGetValue("OTEL_SDK_DISABLED", out var value) && value.Equals("true", StringComparison.OrdinalIgnoreCase);
        return
            !disabled
            && variables.Keys.Any(name =>
                name.StartsWith("OTEL_EXPORTER_OTLP_", StringComparison.Ordinal) && name.EndsWith("ENDPOINT", StringComparison.Ordinal)
            )
            ? variables
            : null;
    }
}

/// <summary>How the server's guard judges.</summary>
public sealed record GuardOptions
{
    /// <summary>The policies that can be asked about.</summary>
    public IReadOnlyList<ShieldPolicy> Policies { get; init; } = ShieldPolicy.Official;

    /// <summary>How they are asked where a request does not say.</summary>
    public ShieldOptions Asked { get; init; } = new() { Hardened = true };
}
