using GemmaScope.Server.Hosting;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Pages;

/// <summary>Forms of the server's own pages.</summary>
internal static class OwnForms
{
    /// <summary>An endpoint filter. Browsers say where a form comes from; one of another site does nothing here.</summary>
    public static ValueTask<object?> OnlyAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var request = context.HttpContext.Request;
        if (request.Headers["Sec-Fetch-Site"] is [var site, ..] && site is not ("same-origin" or "none") || !IsOwn(request))
            throw new ProblemException(
                StatusCodes.Status403Forbidden,
                "This form comes from another site",
                "Use the form of the page itself."
            );
        return request.HasFormContentType
            ? next(context)
            : throw new ProblemException(
                StatusCodes.Status415UnsupportedMediaType,
                "This address takes a form",
                "Send it as application/x-www-form-urlencoded."
            );
    }

    /// <summary>Whether it names no origin, or ours: the host that the browser asked, which a proxy may pass on.</summary>
    private static bool IsOwn(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0
            || Uri.TryCreate(origin, UriKind.Absolute, out var from)
                && from.Host.TrimEnd('.').Equals(request.Host.Host.TrimEnd('.'), StringComparison.OrdinalIgnoreCase)
                && (request.Host.Port is { } port ? from.Port == port : from.IsDefaultPort);
    }
}
