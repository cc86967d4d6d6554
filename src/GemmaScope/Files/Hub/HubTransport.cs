using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace GemmaScope.Files;

/// <summary>A request to the hub.</summary>
/// <param name="Method">GET or HEAD.</param>
/// <param name="Uri">Address.</param>
/// <param name="From">First byte that is asked for.</param>
internal readonly record struct HubRequest(HttpMethod Method, Uri Uri, long From = 0);

/// <summary>Sends requests: the token to the hub alone, redirects by hand, again after what may pass.</summary>
internal sealed class HubTransport : IDisposable
{
    private const int MaxRedirects = 10;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(5);

    private readonly HubOptions _options;
    private readonly HttpClient _http;
    private readonly string _agent = $"gemmascope/{typeof(HubTransport).Assembly.GetName().Version?.ToString(3)}";

    public HubTransport(HubOptions options)
    {
        if (options.Token?.Any(c => c is <= ' ' or > '~') == true)
            throw new ArgumentProblemException("holds a blank or a special character; copy the token again", "HF_TOKEN or token file");
        _options = options;
        var handler =
            options.Handler
            ?? new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                ConnectTimeout = options.Silence,
                MaxConnectionsPerServer = 2 * options.Parallel,
            };
        _http = new(handler, disposeHandler: options.Handler is null) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>
    /// Sends until an answer has been read. Dropped connections, silence, 408, 429 and 5xx are tried again after a
    /// pause; the last such answer is handed to <paramref name="read"/> like any other.
    /// </summary>
    /// <param name="next">The request; asked for anew at each attempt, as a resumed download starts further on.</param>
    /// <param name="read">Reads the answer; may be called several times.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="HubException">There was no answer.</exception>
    public async Task<T> RunAsync<T>(
        Func<HubRequest> next,
        Func<HttpResponseMessage, Deadline, Task<T>> read,
        CancellationToken cancellationToken
    )
    {
        var (failures, reached) = (0, 0L);
        while (true)
        {
            var request = next();
            if (request.From > reached)
                (failures, reached) = (0, request.From);
            TimeSpan? asked = null;
            try
            {
                using var deadline = new Deadline(_options.Silence, cancellationToken);
                using var response = await FollowAsync(request, deadline).ConfigureAwait(false);
                asked = RetryAfter(response);
                if (!IsPassing(response.StatusCode) || ++failures >= _options.Attempts || asked > LongestRetryAfter)
                    return await read(response, deadline).ConfigureAwait(false);
            }
            catch (Exception e) when (IsDropped(e) && !cancellationToken.IsCancellationRequested)
            {
                if (++failures >= _options.Attempts)
                    throw Unreachable(request.Uri, e);
            }
            await Task.Delay(asked ?? Pause(failures), _options.Clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<HttpResponseMessage> FollowAsync(HubRequest request, Deadline deadline)
    {
        var (uri, trusted) = (request.Uri, true);
        for (var hop = 0; hop <= MaxRedirects; hop++)
        {
            using var message = Message(request, uri, trusted);
            deadline.Restart();
            var response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, deadline.Token).ConfigureAwait(false);
            if ((int)response.StatusCode / 100 != 3 || response.Headers.Location is not { } location)
                return response;
            var target = new Uri(uri, location);
            // What a file is stands in the hub's own answer; the store that it points to knows less.
            if (request.Method == HttpMethod.Head && (!SameOrigin(uri, target) || HubMetadata.IsIn(response)))
                return response;
            response.Dispose();
            if (target.Scheme != Uri.UriSchemeHttps && target.Scheme != uri.Scheme)
                throw new HubException(
                    $"redirects to the unprotected address {target.GetLeftPart(UriPartial.Path)}, which is refused",
                    uri.Host
                );
            // A signed address of another host must not learn the token, nor may that host send us back with it.
            (uri, trusted) = (target, trusted && SameOrigin(uri, target));
        }
        throw new HubException($"redirects more than {MaxRedirects} times", request.Uri.GetLeftPart(UriPartial.Path));
    }

    private HttpRequestMessage Message(HubRequest request, Uri uri, bool trusted)
    {
        var message = new HttpRequestMessage(request.Method, uri);
        message.Headers.UserAgent.ParseAdd(_agent);
        message.Headers.AcceptEncoding.ParseAdd("identity"); // Sizes and ranges are those of the file itself.
        if (request.From > 0)
            message.Headers.Range = new RangeHeaderValue(request.From, null);
        if (trusted && _options.Token is not null && SameOrigin(uri, _options.Endpoint))
            message.Headers.Authorization = new("Bearer", _options.Token);
        return message;
    }

    private static bool SameOrigin(Uri a, Uri b) => a.Scheme == b.Scheme && a.Host == b.Host && a.Port == b.Port;

    private static bool IsPassing(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500;

    // An IOException without a socket behind it comes from the disk and will not pass.
    private static bool IsDropped(Exception e) =>
        e is HttpRequestException or HttpIOException or OperationCanceledException or IOException { InnerException: SocketException };

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        if (response.Headers.RetryAfter is not { } header)
            return null;
        var wait = header.Delta ?? header.Date - _options.Clock.GetUtcNow() ?? TimeSpan.Zero;
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    // 1, 2, 4 … seconds, with jitter so that many clients do not come back at once.
    private static TimeSpan Pause(int failures)
    {
        var full = Math.Min(LongestPause.TotalSeconds, Math.Pow(2, failures - 1));
        return TimeSpan.FromSeconds(full * (0.5 + Random.Shared.NextDouble() / 2));
    }

    private HubException Unreachable(Uri uri, Exception cause) =>
        new(
            "cannot be reached "
                + $"({(cause is OperationCanceledException ? $"no answer within {_options.Silence.TotalSeconds:0.#} s" : cause.Message)}); "
                + "check the network, the proxy and HF_ENDPOINT; what has been downloaded is kept and continued",
            uri.GetLeftPart(UriPartial.Authority),
            cause
        );
}

/// <summary>Cancels a request that makes no headway.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly TimeSpan _silence;

    public Deadline(TimeSpan silence, CancellationToken cancellationToken)
    {
        (_silence, _source) = (silence, CancellationTokenSource.CreateLinkedTokenSource(cancellationToken));
        Restart();
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Something has arrived: begins to count anew.</summary>
    public void Restart() => _source.CancelAfter(_silence);

    public void Dispose() => _source.Dispose();
}
