using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Hosting;

/// <summary>
/// The path under which a proxy shows the server. Pages are made with addresses from the root, so that all callers share them, and get
/// the prefix when they are sent.
/// </summary>
internal static partial class PathPrefix
{
    /// <summary>The prefix of a request, or nothing.</summary>
    public static string Of(HttpContext context) => context.Request.PathBase.Value ?? "";

    /// <summary>Whether a prefix leads nowhere else: <c>//other.example</c> would be another host.</summary>
    public static bool IsSafe(string prefix) => Safe().IsMatch(prefix);

    /// <summary>Takes the prefix that the server was given off the path, for some proxies leave it there; one that a proxy tells goes
    /// before it.</summary>
    public static Task TakeAsync(HttpContext context, string given, RequestDelegate next)
    {
        var request = context.Request;
        if (request.PathBase.HasValue && !IsSafe(request.PathBase.Value))
            request.PathBase = default;
        if (given.Length > 0 && request.Path.StartsWithSegments(given, StringComparison.Ordinal, out var rest))
            request.Path = rest.HasValue ? rest : "/";
        if (!request.PathBase.HasValue)
            request.PathBase = given;
        return next(context);
    }

    /// <summary>HTML with the prefix in front of each address from the root. What users wrote has no quotes that are not escaped, so that
    /// only our own attributes are found.</summary>
    public static string Put(HttpContext context, string html) =>
        Of(context) is { Length: > 0 } prefix ? Address().Replace(html, prefix + "/") : html;

    [GeneratedRegex("^(/[A-Za-z0-9._~-]+)+$")]
    private static partial Regex Safe();

    // The scripts of plots are two addresses in one attribute.
    [GeneratedRegex(
        "(?<=\\s(?:href|action|src|data-reading|data-card|data-graph|data-steer|data-trace|data-say|data-find|data-intervene|data-attention|data-edge|data-libraries)=\")/(?!/)|(?<=\\sdata-libraries=\"[^\" ]+ )/"
    )]
    private static partial Regex Address();
}
