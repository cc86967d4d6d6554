using System.Net;

namespace GemmaScope.Cli.Output;

/// <summary>Addresses of feature pages, which are worth something only while a server shows them.</summary>
internal static class Dashboards
{
    /// <summary>How long a server may take; one on this machine answers in a few milliseconds, and where none listens that is known at
    /// once.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    /// <summary>Whether a server shows this page now.</summary>
    public static bool AreServed(string page) => AreServed(page, Moment);

    /// <summary>The same with another patience.</summary>
    internal static bool AreServed(string page, TimeSpan patience)
    {
        var address = new Uri(page);
        try
        {
            // No proxy stands between this machine and itself.
            using var handler = new HttpClientHandler { AllowAutoRedirect = false, UseProxy = !address.IsLoopback };
            using var client = new HttpClient(handler) { Timeout = patience };
            using var request = new HttpRequestMessage(HttpMethod.Head, address);
            using var answer = client.Send(request, HttpCompletionOption.ResponseHeadersRead);
            return answer.StatusCode == HttpStatusCode.OK || AsksForOurToken(answer);
        }
        catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>What to do so that it is shown.</summary>
    public static string HowToServe(string page) => $"their dashboards: start gemmascope serve, and open e.g. {page}";

    /// <summary>The browser is asked for the token, and the page is there.</summary>
    private static bool AsksForOurToken(HttpResponseMessage answer) =>
        answer.StatusCode == HttpStatusCode.Unauthorized
        && answer.Headers.WwwAuthenticate.Any(way => way.Parameter?.Contains("realm=\"GemmaScope\"", StringComparison.Ordinal) == true);
}
