using System.Text.RegularExpressions;
using GemmaScope.Cli.Output;
using GemmaScope.Tests.Files;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>Commands name the addresses of feature pages where a server shows them, and how to start one where none does.</summary>
public class DashboardsTests
{
    /// <summary>No server can listen there.</summary>
    private const string Nowhere = "http://127.0.0.1:1";

    [Theory]
    [InlineData(200, null, true)]
    [InlineData(401, "Bearer, Basic realm=\"GemmaScope\", charset=\"UTF-8\"", true)]
    [InlineData(401, "Basic realm=\"router\"", false)]
    [InlineData(302, null, false)]
    [InlineData(404, null, false)]
    [InlineData(500, null, false)]
    public void a_page_is_served_where_our_server_has_it(int status, string? challenge, bool served)
    {
        using var server = new LoopbackServer(_ =>
            Task.FromResult(new Answer(status, [], challenge is null ? [] : [("WWW-Authenticate", challenge)]))
        );
        Assert.Equal(served, Dashboards.AreServed($"{server.Address}demo-pt/dictionary/7", Patience.Limit));
        var request = Assert.Single(server.Requests);
        Assert.Equal(("HEAD", "/demo-pt/dictionary/7"), (request.Method, request.Path));
    }

    [Fact]
    public void where_none_listens_the_way_to_start_one_is_said_and_programs_get_the_addresses()
    {
        var run = CommandLine.Run("analyze", "The cat sat", "--server", Nowhere);
        Assert.Matches($"(?m)^their dashboards: start gemmascope serve, and open e.g. {Nowhere}/demo-pt/[^/]+/\\d+$", run.Out);
        Assert.Single(Regex.Matches(run.Out, Nowhere));
        var json = CommandLine.Run("analyze", "The cat sat", "--server", Nowhere, "--json").Json();
        Assert.StartsWith($"{Nowhere}/demo-pt/", json.GetProperty("whole_text_top")[0].GetProperty("page").GetString());
    }
}
