using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using GemmaScope.Server.Hosting;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>How the server is reached: by which name, method and path, through a proxy, and from pages of other sites.</summary>
public partial class ProxyTests(DemoGuard guard) : IClassFixture<DemoGuard>
{
    private const string Token = "0123456789abcdef0123456789abcdef",
        Form = "Content-Type: application/x-www-form-urlencoded\r\n";

    private static readonly IPNetwork[] Local = [IPNetwork.Parse("127.0.0.0/8")];

    [Fact]
    public async Task head_is_answered_as_get_without_a_body()
    {
        await using var server = await WholeServer.Start(guard);
        string[] addresses =
        [
            "/healthz",
            "/healthz/ready",
            "/metrics",
            "/shield",
            "/openapi.json",
            "/v1/shield/policies",
            "/search?q=cats",
            "/",
        ];
        foreach (var address in addresses.Append($"/{WholeServer.Model}/{server.Dictionary}/1"))
        {
            var (got, head) = (await Ask(server, "GET", address), await Ask(server, "HEAD", address));
            Assert.Equal(200, RawHttp.Status(head));
            Assert.EndsWith("\r\n\r\n", head);
            Assert.Equal(Header(got, "Content-Type"), Header(head, "Content-Type"));
        }
        foreach (var address in (string[])["/nothing", "/v1/moderations", "/api/steer"])
            Assert.Equal(RawHttp.Status(await Ask(server, "GET", address)), RawHttp.Status(await Ask(server, "HEAD", address)));
    }

    [Theory]
    [InlineData("localhost", 200)]
    [InlineData("LOCALHOST:5071", 200)]
    [InlineData("localhost.", 200)]
    [InlineData("localhost.:80", 200)]
    [InlineData("127.0.0.1", 200)]
    [InlineData("[::1]:80", 200)]
    [InlineData("guard.example.com", 200)]
    [InlineData("GUARD.example.com.:443", 200)]
    [InlineData("a.wild.example", 200)]
    [InlineData("a.b.wild.example", 200)]
    [InlineData("wild.example", 421)]
    [InlineData("evilwild.example", 421)]
    [InlineData("guard.example.com.evil", 421)]
    [InlineData("localhost.evil", 421)]
    [InlineData("127.0.0.1.evil", 421)]
    [InlineData("", 421)]
    public async Task local_names_and_those_allowed_are_answered_whatever_their_case(string host, int status)
    {
        await using var server = await WholeServer.Start(guard, new() { AllowedHosts = ["Guard.Example.com", "*.wild.example"] });
        Assert.Equal(status, RawHttp.Status(await Ask(server, "GET", "/healthz", $"Host: {host}\r\n")));
    }

    [Fact]
    public async Task with_a_token_the_name_is_not_asked_for_unless_names_are_given()
    {
        const string shown = $"Host: any.example\r\nAuthorization: Bearer {Token}\r\n";
        await using (var server = await WholeServer.Start(guard, new() { Token = Token }))
        {
            Assert.Equal(200, RawHttp.Status(await Ask(server, "GET", "/v1/shield/policies", shown)));
            Assert.Equal(401, RawHttp.Status(await Ask(server, "GET", "/v1/shield/policies", "Host: any.example\r\n")));
        }
        await using var named = await WholeServer.Start(guard, new() { Token = Token, AllowedHosts = ["guard.example.com"] });
        Assert.Equal(421, RawHttp.Status(await Ask(named, "GET", "/v1/shield/policies", shown)));
        // Whoever watches over it may know it by its address alone.
        Assert.Equal(200, RawHttp.Status(await Ask(named, "GET", "/healthz", "Host: 10.1.2.3:5000\r\n")));
    }

    [Theory]
    [InlineData("/healthz", 200)]
    [InlineData("/healthz/ready", 200)]
    [InlineData("/HEALTHZ", 200)]
    [InlineData("/healthz/", 401)]
    [InlineData("/healthz/anything", 401)]
    [InlineData("/healthz/ready/more", 401)]
    [InlineData("/healthz%2fready", 401)]
    [InlineData("/healthz/..%2fmetrics", 401)]
    [InlineData("/healthz/../metrics", 401)]
    [InlineData("/metrics", 401)]
    public async Task the_health_addresses_alone_are_free_of_the_token(string path, int status)
    {
        await using var server = await WholeServer.Start(guard, new() { Token = Token });
        Assert.Equal(status, RawHttp.Status(await Ask(server, "GET", path)));
    }

    [Fact]
    public async Task what_a_trusted_proxy_says_is_believed_and_nothing_of_others()
    {
        const string said =
            "Host: inner\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: guard.example.com\r\nX-Forwarded-Prefix: /guard\r\n";
        var options = new ServerOptions { AllowedHosts = ["guard.example.com"] };
        await using (var server = await WholeServer.Start(guard, options))
            Assert.Equal(421, RawHttp.Status(await Ask(server, "GET", "/shield", said)));
        await using (var server = await WholeServer.Start(guard, options with { TrustedProxies = [IPNetwork.Parse("10.0.0.0/8")] }))
            Assert.Equal(421, RawHttp.Status(await Ask(server, "GET", "/shield", said)));
        await using var behind = await WholeServer.Start(guard, options with { TrustedProxies = Local });
        var page = await Ask(behind, "GET", "/shield", said);
        Assert.Equal(200, RawHttp.Status(page));
        Assert.Contains("action=\"/guard/shield\"", page);
        // The form comes from where the browser is.
        foreach (
            var (origin, status) in ((string, int)[])
                [
                    ("https://guard.example.com", 200),
                    ("https://GUARD.example.com:443", 200),
                    ("https://inner", 403),
                    ("https://other.example", 403),
                ]
        )
            Assert.Equal(status, RawHttp.Status(await Ask(behind, "POST", "/shield", $"{said}{Form}Origin: {origin}\r\n", "prompt=Hello")));
    }

    [Theory]
    [InlineData("//evil.example")]
    [InlineData("/a\"b")]
    [InlineData("/a//b")]
    [InlineData("javascript:x")]
    [InlineData("/a/")]
    public async Task a_prefix_that_leads_elsewhere_is_none(string prefix)
    {
        await using var server = await WholeServer.Start(guard, new() { TrustedProxies = Local });
        var page = await Ask(server, "GET", "/shield", $"X-Forwarded-Prefix: {prefix}\r\n");
        Assert.Equal(200, RawHttp.Status(page));
        Assert.Contains("action=\"/shield\"", page);
        Assert.DoesNotContain("evil", page);
    }

    [Fact]
    public async Task all_links_of_all_pages_stand_under_the_path_base()
    {
        await using var server = await WholeServer.Start(guard, new() { PathBase = "/deep/guard" });
        var feature = $"/{WholeServer.Model}/{server.Dictionary}/1";
        string[] pages =
        [
            "/",
            "/?q=cat",
            "/shield",
            "/search?q=cats",
            "/lists",
            $"/{WholeServer.Model}",
            $"/{WholeServer.Model}/{server.Dictionary}",
            feature,
            feature + "?test=cat&layers=true",
            feature + "?embed=true",
        ];
        foreach (var address in pages)
        // Some proxies leave the prefix in the path.
        foreach (var path in (string[])[address, "/deep/guard" + address])
        {
            var page = await Ask(server, "GET", path);
            Assert.True(RawHttp.Status(page) == 200, $"{path}: {page[..100]}");
            var addresses = Addresses().Matches(page).Select(match => match.Groups[1].Value).ToArray();
            Assert.NotEmpty(addresses);
            Assert.All(addresses, link => Assert.StartsWith("/deep/guard/", link));
        }
        var stream = await Ask(server, "GET", "/reading?q=cat");
        Assert.Contains("/deep/guard/?q=cat", stream);
        Assert.DoesNotMatch("href=\\\\u0022/[^d]", stream);
        Assert.Contains("\"page\":\"/deep/guard/", await Ask(server, "GET", "/analysis.json?q=cat"));
        foreach (
            var (method, address) in ((string, string)[])
                [("GET", $"/{WholeServer.Model}/{server.Dictionary}/random"), ("POST", feature + "/note"), ("POST", feature + "/list")]
        )
            Assert.StartsWith(
                "/deep/guard/",
                Header(await Ask(server, method, address, Form, method == "POST" ? "note=x&list=l" : null), "Location")
            );
        Assert.Equal(200, RawHttp.Status(await Ask(server, "GET", "/healthz")));
        // A path that only begins alike is another one.
        Assert.Equal(404, RawHttp.Status(await Ask(server, "GET", "/deep/guardian")));
    }

    [Theory]
    [InlineData("Sec-Fetch-Site: cross-site", 403)]
    [InlineData("Sec-Fetch-Site: same-site", 403)]
    [InlineData("Sec-Fetch-Site: same-origin", 302)]
    [InlineData("Sec-Fetch-Site: none", 302)]
    [InlineData("Origin: http://other.example", 403)]
    [InlineData("Origin: null", 403)]
    [InlineData("Origin: http://LOCALHOST", 302)]
    [InlineData("X: y", 302)]
    public async Task what_is_written_comes_from_our_own_pages(string header, int status)
    {
        await using var server = await WholeServer.Start(guard);
        var feature = $"/{WholeServer.Model}/{server.Dictionary}/1";
        foreach (var (address, body) in ((string, string)[])[(feature + "/note", "note=mine"), (feature + "/list", "list=l&why=w")])
            Assert.Equal(status, RawHttp.Status(await Ask(server, "POST", address, $"{Form}{header}\r\n", body)));
        if (status == 403)
        {
            Assert.Empty(server.Features.Lists());
            Assert.DoesNotContain("mine", await Ask(server, "GET", feature));
        }
    }

    [Fact]
    public async Task pages_of_an_origin_that_is_named_may_ask_and_no_others()
    {
        await using (var closed = await WholeServer.Start(guard))
            Assert.Null(Header(await Ask(closed, "GET", "/healthz", "Origin: https://app.example.com\r\n"), "Access-Control-Allow-Origin"));
        await using var server = await WholeServer.Start(guard, new() { AllowedOrigins = ["https://app.example.com"], Token = Token });
        const string preflight = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type\r\n";
        var may = await Ask(server, "OPTIONS", "/v1/moderations", $"Origin: https://app.example.com\r\n{preflight}");
        Assert.Equal(204, RawHttp.Status(may));
        Assert.Equal("https://app.example.com", Header(may, "Access-Control-Allow-Origin"));
        Assert.Contains("authorization", Header(may, "Access-Control-Allow-Headers"));
        Assert.Null(
            Header(
                await Ask(server, "OPTIONS", "/v1/moderations", $"Origin: https://other.example\r\n{preflight}"),
                "Access-Control-Allow-Origin"
            )
        );
        // What goes wrong can be read too.
        var refused = await Ask(server, "GET", "/metrics", "Origin: https://app.example.com\r\n");
        Assert.Equal(401, RawHttp.Status(refused));
        Assert.Equal("https://app.example.com", Header(refused, "Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task methods_that_nobody_knows_are_neither_logged_nor_counted_by_name()
    {
        await using var server = await WholeServer.Start(guard);
        foreach (var method in (string[])["SECRETWORD", "secretword", "GET\u001b[2J"])
            await Ask(server, method, "/healthz");
        Assert.DoesNotContain("SECRETWORD", server.Log, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("OTHER ", server.Log);
        Assert.DoesNotContain("SECRETWORD", await Ask(server, "GET", "/metrics"), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("http://guard.example.com", "", "")]
    [InlineData("guard.example.com:80", "", "")]
    [InlineData("", "guard", "")]
    [InlineData("", "/a//b", "")]
    [InlineData("", "", "app.example.com")]
    [InlineData("", "", "https://app.example.com/path")]
    public void names_paths_and_origins_that_cannot_be_are_refused_before_the_start(string host, string path, string origin)
    {
        var options = new ServerOptions
        {
            AllowedHosts = host.Length > 0 ? [host] : [],
            PathBase = path,
            AllowedOrigins = origin.Length > 0 ? [origin] : [],
        };
        Assert.Throws<ArgumentProblemException>(options.Check);
    }

    private static Task<string> Ask(WholeServer server, string method, string target, string headers = "", string? body = null) =>
        RawHttp.Send(server.Address, RawHttp.Request(method, target, headers, body is null ? null : Encoding.UTF8.GetBytes(body)));

    private static string? Header(string answer, string name) =>
        answer
            .Split("\r\n\r\n")[0]
            .Split("\r\n")
            .FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
            ?[(name.Length + 1)..].Trim();

    [GeneratedRegex("\\s(?:href|action|src|data-reading|data-steer|data-libraries)=\"(/[^\"]*)\"")]
    private static partial Regex Addresses();
}
