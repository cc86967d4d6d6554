using System.Net;

namespace GemmaScope.Server.Hosting;

/// <summary>The names a server may be asked by: the local ones, and those it was given.</summary>
/// <param name="allowed">Names; <c>*.example.com</c> stands for all below it, <c>*</c> for any.</param>
internal sealed class HostNames(IReadOnlyList<string> allowed)
{
    private readonly string[] _allowed = [.. allowed.Select(Plain)];

    /// <summary>Whether it is one of them; names have no case, and may end with the dot of the root.</summary>
    public bool Have(string host) => Plain(host) is var name && (IsLocal(name) || _allowed.Any(one => Fits(one, name)));

    /// <summary>Whether it can stand in the list: a name or an address without scheme, port and path.</summary>
    public static bool IsName(string text) =>
        text == "*"
        || IPAddress.TryParse(text.Trim('[', ']'), out _)
        || (text.StartsWith("*.", StringComparison.Ordinal) ? text[2..] : text) is { Length: > 0 } name
            && Uri.CheckHostName(name.TrimEnd('.')) == UriHostNameType.Dns;

    private static string Plain(string host) => host.Trim().Trim('[', ']').TrimEnd('.').ToLowerInvariant();

    private static bool IsLocal(string name) =>
        name == "localhost" || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address));

    private static bool Fits(string allowed, string name) =>
        allowed == "*"
        || allowed == name
        || (allowed.StartsWith("*.", StringComparison.Ordinal) && name.EndsWith(allowed[1..], StringComparison.Ordinal));
}
