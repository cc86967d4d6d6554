using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Hosting;

/// <summary>
/// Lets in who may come in. With a token: requests that show it, as <c>Authorization: Bearer</c> or as the password of Basic, which
/// browsers ask for. Without one, or where hosts are named: requests for a name of ours, so that no page on the net can reach the server
/// by a name of its own (DNS rebinding).
/// </summary>
internal sealed class Admission(RequestDelegate next, ServerOptions options)
{
    private readonly byte[]? _token = options.Token is { } token ? SHA256.HashData(Encoding.UTF8.GetBytes(token)) : null;
    private readonly HostNames? _hosts = options.Token is null || options.AllowedHosts.Count > 0 ? new(options.AllowedHosts) : null;

    public Task InvokeAsync(HttpContext context)
    {
        // Whoever watches over the server has to know only whether it lives, and may ask for it by its bare address.
        var watched = _token is not null && HealthPaths.Are(context.Request.Path);
        if (!watched && _hosts?.Have(context.Request.Host.Host) is false)
            throw new ProblemException(
                StatusCodes.Status421MisdirectedRequest,
                "the server does not answer to this host name",
                "ask for it by localhost or 127.0.0.1, or start it with the names that it may be asked by"
            );
        if (_token is null || watched || Shows(context.Request.Headers.Authorization.ToString()))
            return next(context);
        context.Response.Headers.WWWAuthenticate = "Bearer, Basic realm=\"GemmaScope\", charset=\"UTF-8\"";
        throw new ProblemException(
            StatusCodes.Status401Unauthorized,
            "the access token is missing or another",
            "send Authorization: Bearer and the token the server was started with"
        );
    }

    // Digests have one length, so that the time of the comparison says nothing of the token.
    private bool Shows(string authorization) =>
        authorization.Split(' ', 2, StringSplitOptions.TrimEntries) switch
        {
            [var scheme, var shown] when scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase) =>
                CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(shown)), _token),
            [var scheme, var shown] when scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) =>
                CryptographicOperations.FixedTimeEquals(SHA256.HashData(Password(shown)), _token),
            _ => false,
        };

    private static byte[] Password(string credentials)
    {
        var bytes = new byte[credentials.Length];
        if (!Convert.TryFromBase64String(credentials, bytes, out var length))
            return [];
        var colon = Array.IndexOf(bytes, (byte)':', 0, length);
        return colon < 0 ? [] : bytes[(colon + 1)..length];
    }
}
