using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Nothing that a stranger sends is a fault of the server.</summary>
public class BadRequestTests(DemoGuard guard) : IClassFixture<DemoGuard>
{
    [Theory]
    [InlineData(false, 30)]
    [InlineData(true, 8)]
    public async Task no_request_to_any_endpoint_is_answered_5xx_or_not_at_all(bool bare, int endpoints)
    {
        await using var server = await WholeServer.Start(guard, bare: bare);
        Assert.True(server.Endpoints.Count > endpoints, $"{server.Endpoints.Count} endpoints");
        var requests = new BadRequests(WholeServer.Model, server.Dictionary, seed: 7);
        var failures = new List<string>();
        foreach (var endpoint in server.Endpoints)
        foreach (var request in requests.Of(endpoint))
        {
            var answer = await RawHttp.Send(server.Address, request.Bytes, close: request.CutShort);
            if (RawHttp.Status(answer) is var status && (status >= 500 || (status == 0 && !request.CutShort)))
                failures.Add($"{endpoint.RoutePattern.RawText}\n{request}\n→ {answer[..Math.Min(answer.Length, 300)]}");
        }
        Assert.True(failures.Count == 0, $"{failures.Count}:\n{string.Join("\n\n", failures.Take(20))}\n{Faults(server.Log)}");
        Assert.DoesNotContain("failed inside", server.Log);
        Assert.Equal(200, RawHttp.Status(await RawHttp.Send(server.Address, RawHttp.Request("GET", "/healthz/ready"))));
    }

    /// <summary>What the log says of faults, each once.</summary>
    private static string Faults(string log) =>
        string.Join(
            '\n',
            log.Split('\n')
                .Where(line => line.Contains("failed inside"))
                .Select(line => line[line.IndexOf("failed inside", StringComparison.Ordinal)..])
                .Distinct()
        );
}
