using System.Net;

namespace GemmaScope.Files;

/// <summary>Turns refusing answers into errors that say what to do.</summary>
internal static class HubFailure
{
    private const int LongestQuote = 200;

    /// <summary>Whether the hub says that repository and revision exist but not the file.</summary>
    public static bool IsMissingFile(HttpResponseMessage response) => Code(response) == "EntryNotFound";

    /// <summary>Throws unless an answer is one of success (or a redirect, which only HEAD stops at).</summary>
    /// <exception cref="HubException">What was refused, why, and the cure.</exception>
    public static void ThrowIfRefused(HttpResponseMessage response, HubReference reference, HubOptions options)
    {
        if ((int)response.StatusCode >= 400)
            throw new HubException(Explain(response, reference, options), reference.Repository);
    }

    private static string Explain(HttpResponseMessage response, HubReference reference, HubOptions options)
    {
        var hub = options.Endpoint.AbsoluteUri.TrimEnd('/');
        var signIn = $"create a token at {hub}/settings/tokens and set HF_TOKEN or run `hf auth login` (older: `huggingface-cli login`)";
        var path = reference.Path.Length == 0 ? "" : $"'{reference.Path}' ";
        return (Code(response), response.StatusCode) switch
        {
            ("GatedRepo", _) => $"is gated: accept its licence at {hub}/{reference.Repository}, then "
                + (
                    options.Token is null
                        ? signIn
                        : "try again; the token that was sent has no access yet, so use one of the account that accepted it"
                ),
            ("RevisionNotFound", _) =>
                $"has no revision '{reference.Revision}'; the branches and tags are listed at {hub}/{reference.Repository}/tree/main",
            ("EntryNotFound", _) => MissingFile(reference),
            ("RepoNotFound", _) or (null, HttpStatusCode.NotFound) =>
                $"{path}was not found at {hub}; check the spelling. If the repository is private, {signIn}",
            (_, HttpStatusCode.Unauthorized) => options.Token is null
                ? $"was not found, or is private or gated; check the spelling, accept its licence at {hub}/{reference.Repository}, {signIn}"
                : $"the hub refuses the token{Quote(response)}; {signIn}",
            (_, HttpStatusCode.Forbidden) => $"access is forbidden{Quote(response)}; accept its licence at {hub}/{reference.Repository}, "
                + (options.Token is null ? signIn : "and check what the token may read at " + hub + "/settings/tokens"),
            (_, HttpStatusCode.TooManyRequests) => "the hub asks to slow down"
                + (response.Headers.RetryAfter is { } wait ? $" (Retry-After: {wait})" : "")
                + "; try again later"
                + (options.Token is null ? ", or " + signIn : ""),
            _ => $"{path}{hub} answered {(int)response.StatusCode} {response.ReasonPhrase}{Quote(response)}; try again later",
        };
    }

    /// <summary>The error text for a path that a repository does not have.</summary>
    public static string MissingFile(HubReference reference, IEnumerable<string>? names = null)
    {
        var similar = names is null ? [] : Similar.To(reference.Path, names);
        return $"has no '{reference.Path}' at revision '{reference.Revision}'"
            + (similar.Count == 0 ? "" : $"; similar: {string.Join(", ", similar)}");
    }

    private static string? Code(HttpResponseMessage response) => HubMetadata.Header(response, "X-Error-Code");

    private static string Quote(HttpResponseMessage response)
    {
        if (HubMetadata.Header(response, "X-Error-Message") is not { Length: > 0 } text)
            return "";
        return $" ({(text.Length > LongestQuote ? text[..LongestQuote] + "…" : text)})";
    }
}
