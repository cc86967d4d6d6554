using System.Text;
using GemmaScope.Server.Hosting;
using GemmaScope.Server.Html;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Pages;

/// <summary>Sends a page with the headers that keep it to itself.</summary>
internal sealed class PageResult(Page page) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var bytes = Encoding.UTF8.GetBytes(page.Html);
        response.StatusCode = page.Status;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = bytes.Length;
        response.Headers.ContentSecurityPolicy = page.Policy;
        response.Headers.CacheControl = "no-cache";
        await response.Body.WriteAsync(bytes, httpContext.RequestAborted);
    }

    /// <summary>A page that says what is wrong and what to do.</summary>
    public static PageResult Problem(int status, string title, string cure) => new(new PageFrame { Title = title }.Render(Markup.Of($"""
        <div class="problem" role="alert"><h1>{title}</h1>
        <p>{cure}</p></div>

        """), status));

    /// <summary>An endpoint filter: what a handler throws becomes a page.</summary>
    public static async ValueTask<object?> Guard(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (QueueFullException full)
        {
            context.HttpContext.Response.Headers.RetryAfter = $"{Math.Ceiling(full.RetryAfter.TotalSeconds)}";
            return Problem(StatusCodes.Status429TooManyRequests, "Too many are waiting for the model", "Load this page again in a moment.");
        }
        catch (TimeOverException)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, "The model did not get to it in time", "Load this page again later, or look at a shorter text.");
        }
        catch (ProblemException problem)
        {
            return Problem(problem.Status, problem.Message, problem.Cure);
        }
        catch (GemmaScopeException problem)
        {
            return Problem(StatusCodes.Status400BadRequest, "This cannot be shown", problem.Message);
        }
    }
}
