using System.Net.Http.Headers;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using GemmaScope.Workbench.Html;
using Microsoft.Extensions.AI;

namespace GemmaScope.Workbench;

/// <summary>
/// A model behind the chat-completions API that most servers of language models speak. Waits out what may pass (429 and 503 with their
/// Retry-After, other 5xx, silence, dropped connections, answers that are no answer of this API), and gives up at once on what will not.
/// </summary>
public sealed class ChatEndpoint : IChatClient
{
    private const int LargestAnswer = 4 << 20,
        QuotedCharacters = 200;

    private static readonly Setting TimeoutSetting = new(nameof(ChatEndpointOptions.Timeout)),
        ShownSetting = new(nameof(ChatInterpreterOptions.Shown)),
        PerQuestionSetting = new(nameof(ChatInterpreterOptions.PerQuestion)),
        ParallelSetting = new(nameof(ChatInterpreterOptions.Parallel));

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30),
        LongestRetryAfter = TimeSpan.FromMinutes(5);

    private readonly ChatEndpointOptions _options;
    private readonly RequestBudget _budget;
    private readonly HttpClient _http;
    private readonly Uri _uri;
    private readonly ChatClientMetadata _metadata;
    private int _answered,
        _retries,
        _unusable;
    private long _tokens;

    /// <summary>Makes a client; it connects when it is asked.</summary>
    /// <param name="options">Where the model is.</param>
    /// <param name="budget">Counts the requests; null where they are not limited.</param>
    /// <exception cref="ArgumentProblemException">Address or token cannot be sent safely.</exception>
    public ChatEndpoint(ChatEndpointOptions options, RequestBudget? budget = null)
    {
        (_options, _budget) = (options, budget ?? new(null));
        if (options.Endpoint.UserInfo.Length > 0)
            throw new ArgumentProblemException(
                $"holds a name or password, which others can see; put a token into {options.TokenVariable}",
                EndpointSetting
            );
        if (options.Token?.Any(c => c is <= ' ' or > '~') == true)
            throw new ArgumentProblemException("holds a blank or a special character; copy the token again", options.TokenVariable);
        var path = options.Endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _uri = new(path.EndsWith("/chat/completions", StringComparison.Ordinal) ? path : path + "/chat/completions");
        _metadata = new("chat-completions", _uri, options.EndpointModel);
        // The token must not follow a redirect to somewhere else.
        _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = options.Timeout })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = LargestAnswer,
        };
    }

    private Setting EndpointSetting => new(_options.Role + nameof(ChatEndpointOptions.Endpoint));

    private Setting ModelSetting => new(_options.Role + nameof(ChatEndpointOptions.EndpointModel));

    /// <summary>Requests that were sent again.</summary>
    public int Retries => _retries;

    /// <summary>Questions without an answer that can be read.</summary>
    public int Unusable => _unusable;

    /// <summary>Tokens of questions and answers, as the server counts them.</summary>
    public long Tokens => Interlocked.Read(ref _tokens);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => ChatClients.Service(this, _metadata, serviceType, serviceKey);

    /// <summary>Asks. An answer without text stands for one that cannot be read.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="options">Sampling and the length of the answer; what they leave open is left to the server.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="BudgetUsedUpException">No more requests may be sent.</exception>
    /// <exception cref="GemmaScopeException">It cannot be asked.</exception>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var question = ChatCompletions.Request(messages, options, _options.EndpointModel, _options.Seed);
        for (var failures = 1; ; failures++)
        {
            var (answer, problem, wait) = await TryAsync(question, cancellationToken).ConfigureAwait(false);
            if (answer is not null)
            {
                Interlocked.Increment(ref _answered);
                if (string.IsNullOrWhiteSpace(answer.Text))
                    Interlocked.Increment(ref _unusable);
                return answer;
            }
            if (wait > LongestRetryAfter)
                throw Failed(new($"asks to wait {Long(wait.Value)}; ask again then"));
            if (failures >= _options.Attempts || (_answered == 0 && problem!.IsFinal))
            {
                // A server that has answered rightly before is not another kind of server.
                if (!problem!.IsFormat || _answered == 0)
                    throw Failed(problem);
                Interlocked.Increment(ref _unusable);
                return new();
            }
            Interlocked.Increment(ref _retries);
            await Task.Delay(wait ?? Pause(failures), _options.Clock, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The same; the answer comes in one piece.</summary>
    /// <inheritdoc cref="GetResponseAsync"/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var answer = await GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
        foreach (var update in answer.ToChatResponseUpdates())
            yield return update;
    }

    private sealed record Problem(
        string Message,
        Remedy? Remedy = null,
        Exception? Cause = null,
        bool IsFormat = false,
        bool IsFinal = false
    );

    private async Task<(ChatResponse? Answer, Problem? Problem, TimeSpan? Wait)> TryAsync(
        byte[] question,
        CancellationToken cancellationToken
    )
    {
        _budget.Take();
        using var time = new CancellationTokenSource(_options.Timeout, _options.Clock);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        try
        {
            using var request = Request(question);
            using var response = await _http.SendAsync(request, deadline.Token).ConfigureAwait(false);
            // Whatever the server says of its encoding.
            var body = Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false));
            if (response.IsSuccessStatusCode)
                return Read(body);
            if (!MayPass(response.StatusCode))
                throw Failed(Refusal(response, body));
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
                    $"gives no answer within {_options.Timeout.TotalSeconds:0.#} s",
                    new($"wait longer with {TimeoutSetting}, or ask for less at a time with {PerQuestionSetting} and {ParallelSetting}"),
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
                    $"cannot be reached ({(problem.InnerException ?? problem).Message})",
                    new($"start the server, or correct {EndpointSetting}"),
                    problem,
                    IsFinal: problem.HttpRequestError == HttpRequestError.ConnectionError
                ),
                null
            );
        }
    }

    private HttpRequestMessage Request(byte[] question)
    {
        // With its length, for not every small server reads chunks.
        var request = new HttpRequestMessage(HttpMethod.Post, _uri) { Content = new ByteArrayContent(question) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (_options.Token is { } token)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return request;
    }

    private (ChatResponse?, Problem?, TimeSpan?) Read(string body)
    {
        if (ChatCompletions.Read(body) is { } answer)
        {
            Interlocked.Add(ref _tokens, answer.Usage?.TotalTokenCount ?? 0);
            return (answer, null, null);
        }
        return (
            null,
            new(
                $"does not answer as the chat-completions API does ({Quoted(body)})",
                new($"correct {EndpointSetting}, which usually ends with /v1"),
                IsFormat: true
            ),
            null
        );
    }

    private Problem Refusal(HttpResponseMessage response, string body) =>
        (int)response.StatusCode switch
        {
            401 or 403 => new(
                $"refuses access ({(int)response.StatusCode}: {Quoted(body)}); put a token that may use {_options.EndpointModel} into "
                    + _options.TokenVariable
            ),
            404 => new(
                $"is not there, or does not know the model {_options.EndpointModel} (404: {Quoted(body)})",
                new($"correct {EndpointSetting}, which usually ends with /v1, or {ModelSetting}")
            ),
            >= 300 and < 400 => new(
                $"points elsewhere ({(int)response.StatusCode} to {response.Headers.Location})",
                new($"name that address with {EndpointSetting} if you trust it")
            ),
            var status => new(
                $"refuses the question ({status}: {Quoted(body)})",
                new($"show fewer examples with {ShownSetting} and {PerQuestionSetting} if it is too long")
            ),
        };

    private GemmaScopeException Failed(Problem problem) => new(problem.Message, _uri.ToString(), problem.Cause, problem.Remedy);

    private static bool MayPass(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500;

    private TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter is not { } header
            ? null
            : header.Delta ?? (header.Date - _options.Clock.GetUtcNow() is { } wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero);

    // With jitter, so that parallel questions do not come back at once.
    private TimeSpan Pause(int failures) =>
        TimeSpan.FromSeconds(
            Math.Min(LongestPause.TotalSeconds, _options.FirstPause.TotalSeconds * Math.Pow(2, failures - 1))
                * (0.5 + Random.Shared.NextDouble() / 2)
        );

    private static string Long(TimeSpan wait) => wait.TotalHours >= 2 ? $"{wait.TotalHours:0.0} h" : $"{wait.TotalMinutes:0} min";

    /// <summary>The beginning of what a server says, without the token that it may repeat.</summary>
    private string Quoted(string body)
    {
        var text = HtmlText.Visible(
            (_options.Token is { } token ? body.Replace(token, "***", StringComparison.Ordinal) : body).ReplaceLineEndings(" ").Trim()
        );
        return text.Length == 0 ? "no text" : Text.VisibleText.Short(text, QuotedCharacters);
    }
}
