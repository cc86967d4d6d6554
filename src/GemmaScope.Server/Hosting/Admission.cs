using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace GemmaScope.Server.Hosting;

/// <summary>
/// Lets in who may come in. With a token: requests that show it, as <c>Authorization: Bearer</c> or as the password of Basic, which
/// browsers ask
/// for. On the loopback address: requests for a local name, so that no page on the net can reach the server by a name of its own (DNS
/// rebinding).
/// </summary>
internal sealed class Admission(RequestDelegate next, ServerOptions options)
{
    private readonly byte[]? _token = options.Token is { } token ? SHA256.HashData(Encoding.UTF8.GetBytes(token)) : null;
    private readonly bool _local = IPAddress.IsLoopback(options.Bind);

    public Task InvokeAsync(HttpContext context)
    {
        if (_local && !IsLocal(context.Request.Host.Host))
            throw new ProblemException(
                StatusCodes.Status421MisdirectedRequest,
                "the server answers to localhost alone",
                "ask for it by localhost or 127.0.0.1, or start it with another address to listen on and a token"
            );
        // Whoever watches over the server has to know only whether it lives.
        if (
            _token is null
            || context.Request.Path.StartsWithSegments("/healthz")
            || Shows(context.Request.Headers.Authorization.ToString())
        )
            return next(context);
        context.Response.Headers.WWWAuthenticate = "Bearer, Basic realm=\"GemmaScope\", charset=\"UTF-8\"";
        throw new ProblemException(
            StatusCodes.Status401Unauthorized,
            "the access token is missing or another",
            "send Authorization: Bearer and the token the server was started with"
        );
    }

    private static bool IsLocal(string host) =>
        host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

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
