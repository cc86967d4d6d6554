using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using GemmaScope.Server.Pages;
using GemmaScope.Workbench;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;

namespace GemmaScope.Server.Hosting;

/// <summary>Turns what goes wrong into problems in JSON (RFC 9457): what is wrong, in which field, and what to do.</summary>
internal sealed class Problems(RequestDelegate next, ILogger log)
{
    /// <summary>The content type of problems.</summary>
    public const string ProblemType = "application/problem+json";

    private const string Nowhere = "/openapi.json lists the addresses";

    private const int ClientGone = 499;

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context).ConfigureAwait(false);
            if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
                await WriteAsync(context, OfStatus(context.Response.StatusCode)).ConfigureAwait(false);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Of an answer that is sent while it is made, the head is gone.
            if (!context.Response.HasStarted)
                context.Response.StatusCode = ClientGone;
        }
        catch (Exception problem) when (!context.Response.HasStarted)
        {
            if (Find(context, problem) is not { } known)
            {
                ServerLog.Failed(log, problem);
                known = new(
                    StatusCodes.Status500InternalServerError,
                    "the server failed inside",
                    "report it with the line of the server's log"
                );
            }
            if (problem is GemmaScopeException and not ArgumentProblemException)
                ServerLog.Unusable(log, problem.Message, problem.InnerException);
            await WriteAsync(context, known).ConfigureAwait(false);
        }
    }

    /// <summary>Answers a problem: to somebody who looks at a page with a page, to a program with JSON.</summary>
    public static async Task WriteAsync(HttpContext context, ProblemException problem)
    {
        if (WantsPage(context.Request))
        {
            await PageResult.Problem(problem.Status, problem.Message, Cure(problem)).ExecuteAsync(context).ConfigureAwait(false);
            return;
        }
        context.Response.StatusCode = problem.Status;
        context.Response.ContentType = ProblemType;
        await JsonSerializer
            .SerializeAsync(context.Response.Body, ProblemAnswer.Of(problem), ResultJson.Compact, context.RequestAborted)
            .ConfigureAwait(false);
    }

    /// <summary>Addresses with an ending are data, and those of versioned interfaces are.</summary>
    private static bool WantsPage(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && !Path.HasExtension(request.Path.Value)
        && request.Headers.Accept.Any(accepted => accepted?.Contains("text/html", StringComparison.OrdinalIgnoreCase) == true);

    private static string Cure(ProblemException problem) =>
        problem.Status == StatusCodes.Status404NotFound && problem.Field is null && problem.Cure == Nowhere
            ? "Look at the address, or begin with what the server has: it stands above"
            : problem.Cure;

    /// <summary>The problem that an exception is, or null where it is a fault of the server. Says when to come back.</summary>
    public static ProblemException? Find(HttpContext context, Exception problem)
    {
        if (problem is QueueFullException full)
            context.Response.Headers.RetryAfter = full.RetryAfter.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        return Of(problem);
    }

    private static ProblemException? Of(Exception problem) =>
        problem switch
        {
            ProblemException known => known,
            QueueFullException => new(StatusCodes.Status429TooManyRequests, problem.Message, "try again after the seconds of Retry-After"),
            TimeOverException => new(StatusCodes.Status503ServiceUnavailable, problem.Message, "try again later, or ask for less at once"),
            // The queue ends only with the server.
            OperationCanceledException or ObjectDisposedException => OfStatus(StatusCodes.Status503ServiceUnavailable),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new(
                StatusCodes.Status413PayloadTooLarge,
                "the request's body is too large",
                "send less at once"
            ),
            BadHttpRequestException bad => new(bad.StatusCode, "the request cannot be read", "send it whole, as HTTP/1.1"),
            ArgumentProblemException own => new(
                StatusCodes.Status400BadRequest,
                FieldWords.Problem(own),
                FieldWords.Cure(own) ?? "change what the message names",
                FieldWords.Field(own)
            ),
            // A file or a database, which whoever asks can do nothing about.
            GemmaScopeException broken => new(
                StatusCodes.Status503ServiceUnavailable,
                FieldWords.Problem(broken),
                FieldWords.Cure(broken) ?? "whoever runs the server has to look after what is named"
            ),
            _ => null,
        };

    public static ProblemException OfStatus(int status) =>
        status switch
        {
            StatusCodes.Status404NotFound => new(status, "there is nothing at this address", Nowhere),
            StatusCodes.Status405MethodNotAllowed => new(
                status,
                "this address does not answer to the method",
                "/openapi.json lists the methods"
            ),
            StatusCodes.Status415UnsupportedMediaType => new(
                status,
                "the body is not declared as JSON",
                "send Content-Type: application/json"
            ),
            StatusCodes.Status503ServiceUnavailable => new(status, "the server is shutting down", "try again in a moment"),
            _ => new(status, ReasonPhrases.GetReasonPhrase(status), "see /openapi.json"),
        };
}

/// <summary>A problem as it is answered (RFC 9457).</summary>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The status.</param>
/// <param name="Detail">What is wrong.</param>
/// <param name="Field">The field of the request that it is about; absent where it is about all of it.</param>
/// <param name="Cure">What to do.</param>
internal sealed record ProblemAnswer(
    string Title,
    int Status,
    string Detail,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Field,
    string Cure
)
{
    /// <summary>A problem as it is answered.</summary>
    public static ProblemAnswer Of(ProblemException problem) =>
        new(ReasonPhrases.GetReasonPhrase(problem.Status), problem.Status, problem.Message, problem.Field, problem.Cure);
}
