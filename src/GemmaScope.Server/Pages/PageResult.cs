using System.Buffers;
using GemmaScope.Server.Hosting;
using GemmaScope.Workbench.Html;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GemmaScope.Server.Pages;

/// <summary>Sends a page with the headers that keep it to itself.</summary>
/// <param name="page">The page.</param>
/// <param name="tag">Names its content, so that a browser that has it need not be sent it again; null for a page that is never the
/// same.</param>
internal sealed class PageResult(Page page, string? tag = null) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var html = page.Whole(httpContext.RequestServices.GetRequiredService<PageSections>());
        if (PathPrefix.Of(httpContext).Length > 0)
            html = Markup.Trusted(PathPrefix.Put(httpContext, html.ToString()));
        var length = html.CountBytes();
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        html.Write(bytes);
        response.StatusCode = page.Status;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = length;
        response.Headers.ContentSecurityPolicy = page.Policy;
        response.Headers.CacheControl = "no-cache";
        if (tag is not null)
            response.Headers.ETag = tag;
        await response.Body.WriteAsync(bytes.AsMemory(0, length), httpContext.RequestAborted).ConfigureAwait(false);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    /// <summary>A page that says what is wrong and what to do.</summary>
    public static PageResult Problem(int status, string title, string cure) =>
        new(
            new PageFrame { Title = title }.Render(
                Markup.Of(
                    $"""
                    <section class="problem" role="alert"><p class="status">{status}</p>
                    <h1>{Capital(title)}</h1>
                    <p>{Sentence(cure)}</p></section>

                    """
                ),
                status
            )
        );

    /// <summary>What a program is told, for people: with a capital letter.</summary>
    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private static string Sentence(string text) => Capital(text) + (text is [.., '.' or '?' or '!' or '…'] or [] ? "" : ".");

    /// <summary>An endpoint filter: what a handler throws becomes a page.</summary>
    public static async ValueTask<object?> GuardAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context).ConfigureAwait(false);
        }
        catch (QueueFullException full)
        {
            context.HttpContext.Response.Headers.RetryAfter = $"{Math.Ceiling(full.RetryAfter.TotalSeconds)}";
            return Problem(StatusCodes.Status429TooManyRequests, "Too many are waiting", "Load this page again in a moment.");
        }
        catch (TimeOverException)
        {
            return Problem(
                StatusCodes.Status503ServiceUnavailable,
                "The server did not get to it in time",
                "Load this page again later, or ask for less at once."
            );
        }
        catch (ProblemException problem)
        {
            return Problem(problem.Status, problem.Message, problem.Cure);
        }
        catch (ArgumentProblemException problem)
        {
            return Problem(StatusCodes.Status400BadRequest, "This cannot be shown", FieldWords.Describe(problem));
        }
        catch (GemmaScopeException problem)
        {
            var log = context.HttpContext.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(ServerMetrics.Name);
            ServerLog.Unusable(log, problem.Message, problem.InnerException);
            return Problem(StatusCodes.Status503ServiceUnavailable, "A file of the server cannot be used", FieldWords.Describe(problem));
        }
    }
}

/// <summary>Says that a browser has this page already.</summary>
internal sealed class UnchangedResult(string tag) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status304NotModified;
        httpContext.Response.Headers.ETag = tag;
        httpContext.Response.Headers.CacheControl = "no-cache";
        return Task.CompletedTask;
    }
}
