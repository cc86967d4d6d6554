using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Hosting;

/// <summary>What holds for a request to any address.</summary>
internal static class RequestRules
{
    /// <summary>Answers HEAD as GET, whose body is then not sent (RFC 9110 9.3.2), and refuses bodies that are compressed.</summary>
    public static Task ApplyAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        if (HttpMethods.IsHead(request.Method))
            request.Method = HttpMethods.Get;
        if (request.Headers.ContentEncoding is { Count: > 0 } codings && codings.Any(IsCoded))
        {
            context.Response.Headers.AcceptEncoding = "identity";
            throw new ProblemException(
                StatusCodes.Status415UnsupportedMediaType,
                "the body is compressed, which this server does not read",
                "send it without Content-Encoding"
            );
        }
        return next(context);
    }

    private static bool IsCoded(string? coding) =>
        !string.IsNullOrWhiteSpace(coding) && !coding.Trim().Equals("identity", StringComparison.OrdinalIgnoreCase);
}
