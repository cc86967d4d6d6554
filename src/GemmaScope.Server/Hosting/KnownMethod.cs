namespace GemmaScope.Server.Hosting;

/// <summary>The method of a request as logs and metrics name it: a client may invent any other.</summary>
internal static class KnownMethod
{
    private static readonly string[] All = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

    /// <summary>The method, or OTHER.</summary>
    public static string Of(string method) => Array.IndexOf(All, method) >= 0 ? method : "OTHER";
}
