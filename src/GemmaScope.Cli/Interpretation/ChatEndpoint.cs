using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using GemmaScope.Cli.Output;
using GemmaScope.Features.Interpretation;

namespace GemmaScope.Cli.Interpretation;

/// <summary>Where a chat-completions API is and how it is asked.</summary>
internal sealed record ChatEndpointOptions
{
    /// <summary>The address before <c>/chat/completions</c>, e.g. <c>http://localhost:8080/v1</c>.</summary>
    public required Uri Address { get; init; }

    /// <summary>The model's name there.</summary>
    public required string Model { get; init; }

    /// <summary>Sent as bearer token to this address alone; null for none.</summary>
    public string? Token { get; init; }

    /// <summary>The environment variable that holds the token, for messages.</summary>
    public string TokenVariable { get; init; } = "";

    /// <summary>An answer that takes longer is given up and asked for again.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How often a request is sent at most.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>Pause after the first failure; each further one doubles it.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Sent along, for servers that sample.</summary>
    public int Seed { get; init; }
}

/// <summary>
/// A model behind the chat-completions API that most servers of language models speak. Waits out what may pass (429 and 503 with their
/// Retry-After, other 5xx, silence, dropped
/// connections, answers that are no answer of this API), and gives up at once on what will not.
/// </summary>
internal sealed class ChatEndpoint : IChatModel, IDisposable
{
    private const int LargestAnswer = 4 << 20,
        QuotedCharacters = 200;

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30),
        LongestRetryAfter = TimeSpan.FromMinutes(5);

    private readonly ChatEndpointOptions _options;
    private readonly RequestBudget _budget;
    private readonly HttpClient _http;
    private readonly Uri _uri;
    private int _answered,
        _retries,
        _unusable;
    private long _tokens;

    public ChatEndpoint(ChatEndpointOptions options, RequestBudget budget)
    {
        if (options.Address.UserInfo.Length > 0)
            throw new ArgumentProblemException(
                $"holds a name or password, which others can see; put a token into {options.TokenVariable}",
                "--endpoint"
            );
        if (options.Token?.Any(c => c is <= ' ' or > '~') == true)
            throw new ArgumentProblemException("holds a blank or a special character; copy the token again", options.TokenVariable);
        (_options, _budget) = (options, budget);
        var path = options.Address.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _uri = new(path.EndsWith("/chat/completions", StringComparison.Ordinal) ? path : path + "/chat/completions");
        // The token must not follow a redirect to somewhere else.
        _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = options.Timeout })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LargestAnswer,
        };
    }

    public string Name => _options.Model;

    /// <summary>Requests that were sent again.</summary>
    public int Retries => _retries;

    /// <summary>Questions without an answer that can be read.</summary>
    public int Unusable => _unusable;

    /// <summary>Tokens of questions and answers, as the server counts them.</summary>
    public long Tokens => Interlocked.Read(ref _tokens);

    public void Dispose() => _http.Dispose();

    public async Task<string?> Answer(string message, int maxTokens, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            var (answer, problem, wait) = await Try(message, maxTokens, cancellationToken);
            if (problem is null)
            {
                Interlocked.Increment(ref _answered);
                if (answer is null)
                    Interlocked.Increment(ref _unusable);
                return answer;
            }
            if (wait > LongestRetryAfter)
                throw Failed($"asks to wait {RateDisplay.Left(wait.Value.TotalSeconds)}; give the same command again then", null);
            if (failures >= _options.Attempts || (_answered == 0 && problem.IsFinal))
            {
                // A server that has answered rightly before is not another kind of server.
                if (!problem.IsFormat || _answered == 0)
                    throw Failed(problem.Message, problem.Cause);
                Interlocked.Increment(ref _unusable);
                return null;
            }
            Interlocked.Increment(ref _retries);
            await Task.Delay(wait ?? Pause(failures), cancellationToken);
        }
    }

    private sealed record Problem(string Message, Exception? Cause = null, bool IsFormat = false, bool IsFinal = false);

    private async Task<(string? Answer, Problem? Problem, TimeSpan? Wait)> Try(
        string message,
        int maxTokens,
        CancellationToken cancellationToken
    )
    {
        _budget.Take();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_options.Timeout);
        try
        {
            using var request = Request(message, maxTokens);
            using var response = await _http.SendAsync(request, deadline.Token);
            // Whatever the server says of its encoding.
            var body = Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(deadline.Token));
            if (response.IsSuccessStatusCode)
                return Read(body);
            if (!MayPass(response.StatusCode))
                throw Refused(response, body);
            return (
                null,
                new($"answers with {(int)response.StatusCode} ({Quoted(body)}) again and again; see what its log says"),
                RetryAfter(response)
            );
        }
        catch (OperationCanceledException problem) when (!cancellationToken.IsCancellationRequested)
        {
            return (
                null,
                new(
                    $"gives no answer within {_options.Timeout.TotalSeconds:0.#} s; wait longer with --timeout, or ask for less at a time with --per-question and --parallel",
                    problem
                ),
                null
            );
        }
        catch (HttpRequestException problem)
        {
            return (
                null,
                new(
                    $"cannot be reached ({(problem.InnerException ?? problem).Message}); start the server, or correct --endpoint",
                    problem,
                    IsFinal: problem.HttpRequestError == HttpRequestError.ConnectionError
                ),
                null
            );
        }
    }

    private HttpRequestMessage Request(string message, int maxTokens)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                model = _options.Model,
                messages = (object[])[new { role = "user", content = message }],
                temperature = 0,
                max_tokens = maxTokens,
                seed = _options.Seed,
                stream = false,
            }
        );
        // With its length, for not every small server reads chunks.
        var request = new HttpRequestMessage(HttpMethod.Post, _uri) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (_options.Token is { } token)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return request;
    }

    /// <summary>The text of an answer; none where the model said nothing, a problem where this is no answer of the API.</summary>
    private (string?, Problem?, TimeSpan?) Read(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (
                root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("choices", out var choices)
                && choices is { ValueKind: JsonValueKind.Array }
                && choices.GetArrayLength() > 0
                && choices[0].ValueKind == JsonValueKind.Object
                && choices[0].TryGetProperty("message", out var message)
                && message.ValueKind == JsonValueKind.Object
            )
            {
                if (
                    root.TryGetProperty("usage", out var usage)
                    && usage.ValueKind == JsonValueKind.Object
                    && usage.TryGetProperty("total_tokens", out var total)
                    && total.TryGetInt64(out var tokens)
                )
                    Interlocked.Add(ref _tokens, tokens);
                var text =
                    message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String
                        ? content.GetString()
                        : null;
                return (string.IsNullOrWhiteSpace(text) ? null : text, null, null);
            }
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            // The same as another form of JSON.
        }
        return (
            null,
            new(
                $"does not answer as the chat-completions API does ({Quoted(body)}); correct --endpoint, which usually ends with /v1",
                IsFormat: true
            ),
            null
        );
    }

    private GemmaScopeException Refused(HttpResponseMessage response, string body) =>
        Failed(
            (int)response.StatusCode switch
            {
                401 or 403 =>
                    $"refuses access ({(int)response.StatusCode}: {Quoted(body)}); put a token that may use {_options.Model} into {_options.TokenVariable}",
                404 =>
                    $"is not there, or does not know the model {_options.Model} (404: {Quoted(body)}); correct --endpoint, which usually ends with /v1, or --endpoint-model",
                >= 300 and < 400 =>
                    $"points elsewhere ({(int)response.StatusCode} to {response.Headers.Location}); name that address with --endpoint if you trust it",
                var status =>
                    $"refuses the question ({status}: {Quoted(body)}); show fewer examples with --shown and --per-question if it is too long",
            },
            null
        );

    private GemmaScopeException Failed(string message, Exception? cause) => new(message, _uri.ToString(), cause);

    private static bool MayPass(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500;

    private static TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter is not { } header
            ? null
            : header.Delta ?? (header.Date - DateTimeOffset.UtcNow is { } wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero);

    // With jitter, so that parallel questions do not come back at once.
    private TimeSpan Pause(int failures) =>
        TimeSpan.FromSeconds(
            Math.Min(LongestPause.TotalSeconds, _options.FirstPause.TotalSeconds * Math.Pow(2, failures - 1))
                * (0.5 + Random.Shared.NextDouble() / 2)
        );

    /// <summary>The beginning of what a server says, without the token that it may repeat.</summary>
    private string Quoted(string body)
    {
        var text = Format.Visible(
            (_options.Token is { } token ? body.Replace(token, "***", StringComparison.Ordinal) : body).ReplaceLineEndings(" ").Trim()
        );
        return text.Length == 0 ? "no text"
            : text.Length <= QuotedCharacters ? text
            : text[..QuotedCharacters] + "…";
    }
}
