using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Hosting;

/// <summary>Where those who watch over the server ask: without a token, and also while it stops.</summary>
internal static class HealthPaths
{
    public const string Live = "/healthz",
        Ready = "/healthz/ready";

    /// <summary>Whether a path is one of the two, and not one below them.</summary>
    public static bool Are(PathString path) => path == Live || path == Ready;
}
