using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using GemmaScope.Server.Hosting;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace GemmaScope.Tests.Server;

/// <summary>A request as it goes over the wire.</summary>
/// <param name="Bytes">All of it.</param>
/// <param name="CutShort">Whether it ends before it says it does; the server may then close without an answer.</param>
internal sealed record BadRequest(byte[] Bytes, bool CutShort = false)
{
    /// <summary>For the message of a test.</summary>
    public override string ToString() => Encoding.Latin1.GetString(Bytes.AsSpan(0, Math.Min(Bytes.Length, 500)));
}

/// <summary>
/// A grammar of requests that strangers send: of each endpoint its own form with one thing wrong. What an endpoint takes is read from its
/// route and its metadata, so that a new one is covered by itself.
/// </summary>
internal sealed class BadRequests(string model, string dictionary, int seed)
{
    private const string Form = "Content-Type: application/x-www-form-urlencoded\r\n",
        Json = "Content-Type: application/json\r\n";

    private static readonly string[] BadValues =
    [
        "",
        "%00",
        "a%00b",
        "%",
        "%zz",
        "%ff%fe",
        "%ED%A0%80",
        "%E2%80%AE",
        "%25_%5C!%25",
        "'%22%3Cscript%3E",
        "-1",
        "NaN",
        "1e999",
        "2147483648",
        "99999999999999999999999",
        "0x10",
        "true",
        "..%2f..%2fetc",
        "%0d%0aX:%20y",
        string.Join('+', Enumerable.Range(0, 2000).Select(i => $"w{i}")),
        string.Join('+', Enumerable.Repeat("a", 2000)),
        new('x', 5000),
        new string('x', 3000) + "%25",
    ];

    private static readonly string[] QueryNames =
    [
        .. (
            (string[])
                [
                    "q",
                    "dict",
                    "layer",
                    "token",
                    "feature",
                    "wait",
                    "test",
                    "label",
                    "show",
                    "sort",
                    "start",
                    "whole",
                    "layers",
                    "order",
                    "examples",
                ]
        ),
        .. ((string[])["embed", "height", "defaulttesttext", "steer", "mode", "strength", "with", "positions", "seed", "max_tokens"]),
        .. ((string[])["message", "table", "sort", "of.set"]),
        .. ((string[])["temperature", "frequency_penalty", "model", "v", "min_density", "max_density"]),
    ];

    private static readonly string[] FormNames = ["prompt", "response", "policy", "dictionary", "note", "list", "why", "model", "feature"];

    private static readonly string[] BadJson =
    [
        "null",
        "5",
        "-1",
        "1e999",
        "-1e999",
        "1.5",
        "99999999999999999999",
        "true",
        "\"\"",
        "\"x\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"a\\udc00b\"",
        "\"\\u202e\\u0007\"",
        "[]",
        "[null]",
        "[[]]",
        "[1]",
        "[\"\\ud83d\"]",
        "{}",
        "{\"a\":null}",
        "{\"\\ud800\":1}",
        "[{}]",
        "[{\"role\":null,\"content\":null}]",
        "[{\"role\":\"user\",\"content\":[null]}]",
        "[{\"role\":\"user\",\"content\":\"\\udfff\"}]",
        "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"x\"}}]",
        "[{\"type\":5,\"text\":5}]",
        "[{\"feature\":null}]",
        "[{\"feature\":-1,\"strength\":1e999}]",
        string.Concat(Enumerable.Repeat("[", 100)) + string.Concat(Enumerable.Repeat("]", 100)),
        $"\"{new string('w', 20_000)}\"",
    ];

    private static readonly JsonSerializerOptions Types = new(ServerJson.Options) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };

    private readonly Random _random = new(seed);

    /// <summary>Those of an endpoint.</summary>
    public IEnumerable<BadRequest> Of(RouteEndpoint endpoint)
    {
        var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"];
        var target = Target(endpoint, null, "");
        foreach (var method in (string[])["HEAD", "OPTIONS", "TRACE", "CONNECT", "DELETE", "PUT", "FOO", "get", new('M', 100), "G\u00e4T"])
            yield return new(RawHttp.Request(method, target));
        foreach (var method in methods)
        {
            foreach (var request in Heads(method, target))
                yield return request;
            foreach (var parameter in endpoint.RoutePattern.Parameters)
            foreach (var value in BadValues)
                yield return new(RawHttp.Request(method, Target(endpoint, parameter.Name, value), Form, "note=x"u8.ToArray()));
            if (method == "GET")
            {
                foreach (var name in QueryNames)
                foreach (var value in Some(BadValues, 4))
                    yield return new(RawHttp.Request(method, $"{target}?{name}={value}{Company(name)}"));
                yield return new(RawHttp.Request(method, $"{target}?q=a&q=b&dict=%00&dict&=&&%=%&q"));
                continue;
            }
            var type = endpoint.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType;
            foreach (var request in type is null ? Forms(method, target) : Bodies(method, target, type))
                yield return request;
            foreach (var request in Envelopes(method, target, type is null ? "prompt=x&note=x" : "{}", type is null ? Form : Json))
                yield return request;
        }
    }

    /// <summary>What is wrong with a head.</summary>
    private static IEnumerable<BadRequest> Heads(string method, string target)
    {
        foreach (
            var header in (string[])
                [
                    "Host:",
                    "Host: [::1",
                    "Host: localhost:99999",
                    "Host: a b",
                    "Host: LOCALHOST.",
                    "Host: x.example",
                    "Authorization: Basic ////",
                    "Authorization: Bearer \u00ff",
                    "Origin: null",
                    "Origin: http://[",
                    "Sec-Fetch-Site: cross-site",
                    "If-None-Match: \"\u00ff\", W/, *",
                    "Accept-Encoding: br;q=x, gzip;;q=, \u00ff",
                    "X-Forwarded-For: x, 1.2.3.4:99999, [::",
                    "X-Forwarded-Prefix: //evil.example",
                    "X-Forwarded-Host: a b\r\nX-Forwarded-Proto: \u00ff",
                    "Range: bytes=5-1",
                    "Expect: 200-nothing",
                    "Cookie: a=b; \u00ff",
                    "Content-Type: \u00ff/\u00ff; charset=",
                    "Upgrade: websocket\r\nConnection: upgrade",
                    "X-Long: " + new string('x', 40_000),
                    "Content-Length: 1\r\nContent-Length: 2",
                    "Content-Length: -1",
                    "Content-Length: 99999999999999999999",
                    "Transfer-Encoding: gzip",
                    "No colon",
                    "\u0000: x",
                ]
        )
            yield return new(RawHttp.Request(method, target, header + "\r\n"), CutShort: true);
        foreach (
            var odd in (string[])
                ["*", "", "http://x.example/", "//x.example/..", "/%2e%2e/%2e%2e", "/\u00e9\u00ff", "/" + new string('x', 70_000)]
        )
            yield return new(RawHttp.Request(method, odd), CutShort: true);
    }

    /// <summary>A body as it may come over the wire: in another encoding, compressed, in broken pieces.</summary>
    private static IEnumerable<BadRequest> Envelopes(string method, string target, string body, string type)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        foreach (var coding in (string[])["gzip", "br", "deflate", "zstd", "identity", "x, y", "", "\u00ff"])
            yield return new(RawHttp.Request(method, target, $"{type}Content-Encoding: {coding}\r\n", bytes));
        foreach (
            var other in (string[])
                [
                    "",
                    "Content-Type:\r\n",
                    "Content-Type: text/plain\r\n",
                    "Content-Type: application/json; charset=none\r\n",
                    "Content-Type: application/json; charset=utf-16\r\n",
                    "Content-Type: application/json; charset=utf-7\r\n",
                    "Content-Type: application/json; charset=\"\r\n",
                    "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
                    "Content-Type: application/x-www-form-urlencoded; charset=none\r\n",
                    "Content-Type: application/x-www-form-urlencoded; charset=utf-7\r\n",
                    "Content-Type: application/x-www-form-urlencoded; charset=utf-32\r\n",
                    "Content-Type: multipart/form-data\r\n",
                    "Content-Type: multipart/form-data; boundary=\r\n",
                    $"Content-Type: multipart/form-data; boundary={new string('b', 500)}\r\n",
                    "Content-Type: multipart/form-data; boundary=x; charset=none\r\n",
                ]
        )
            yield return new(RawHttp.Request(method, target, other, bytes));
        foreach (
            var chunks in (string[])
                ["zz\r\nx\r\n", "ffffffffffffffff\r\nx", "-1\r\n\r\n", "5\r\nab", "1;x=\u00ff\r\na\r\n0\r\nT: \u00ff\r\n\r\n", ""]
        )
            yield return new(
                RawHttp.Request(method, target, $"{type}Transfer-Encoding: chunked\r\n", Encoding.Latin1.GetBytes(chunks)),
                CutShort: true
            );
        yield return new(RawHttp.Request(method, target, $"{type}Content-Length: 500\r\n")[..^0], CutShort: true);
        yield return new(RawHttp.Request(method, target, type, new byte[(1 << 20) + 1]), CutShort: true);
    }

    private IEnumerable<BadRequest> Bodies(string method, string target, Type type)
    {
        var whole = (JsonObject)JsonNode.Parse(Sample(type, 0))!;
        foreach (var name in whole.Select(member => member.Key).Append("nobody").ToArray())
        foreach (var value in Some(BadJson, 12))
        {
            var members = whole
                .Where(member => member.Key != name)
                .Select(member => $"{JsonSerializer.Serialize(member.Key)}:{member.Value?.ToJsonString() ?? "null"}");
            yield return Post(string.Join(',', members.Append($"\"{name}\":{value}")), "{", "}");
            // Alone, where the others would not be looked at.
            yield return Post($"\"{name}\":{value}", "{", "}");
        }
        foreach (
            var json in (string[])
                ["", "{", "[]", "5", "{\"a\":1,\"a\":2}", "{}}", "\u00ff", "{\"prompt\":\"caf\u00e9\",\"input\":\"caf\u00e9\"}"]
        )
            yield return Post(json, "", "");

        BadRequest Post(string json, string before, string after) =>
            new(RawHttp.Request(method, target, Json, Encoding.Latin1.GetBytes(before + json + after)));
    }

    private IEnumerable<BadRequest> Forms(string method, string target)
    {
        foreach (var name in FormNames)
        foreach (var value in Some(BadValues, 6))
            yield return new(
                RawHttp.Request(
                    method,
                    target,
                    Form,
                    Encoding.Latin1.GetBytes($"prompt=x&note=x&model={model}&{name}={value}&{name}=twice")
                )
            );
        foreach (
            var form in (string[])
                [
                    string.Join('&', Enumerable.Range(0, 5000).Select(i => $"k{i}=v")),
                    new string('k', 5000) + "=v",
                    "&&=&=&",
                    "\u00ff=\u00ff",
                    "prompt=\u0000&note=\u0000",
                ]
        )
            yield return new(RawHttp.Request(method, target, Form, Encoding.Latin1.GetBytes(form)));
        const string part = "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nx\r\n";
        foreach (
            var parts in (string[])
                [
                    part,
                    part + "--b--\r\n",
                    part[..^10],
                    "--b\r\n\r\nx\r\n--b--\r\n",
                    "--b\r\nContent-Disposition: \u00ff\r\n\r\nx\r\n--b--\r\n",
                    "--b\r\nContent-Disposition: form-data; name=\"prompt\"; filename=\"x\"\r\nContent-Type: \u00ff\r\n\r\nx\r\n--b--\r\n",
                    $"--b\r\n{new string('h', 20_000)}: x\r\n\r\nx\r\n--b--\r\n",
                    string.Concat(Enumerable.Repeat(part, 2000)) + "--b--\r\n",
                    "no boundary at all",
                    "",
                ]
        )
            yield return new(
                RawHttp.Request(method, target, "Content-Type: multipart/form-data; boundary=b\r\n", Encoding.Latin1.GetBytes(parts))
            );
    }

    /// <summary>An address of an endpoint, with one parameter of one's own.</summary>
    private string Target(RouteEndpoint endpoint, string? parameter, string value) =>
        "/"
        + string.Join(
            '/',
            endpoint.RoutePattern.PathSegments.Select(segment =>
                string.Concat(
                    segment.Parts.Select(part =>
                        part switch
                        {
                            Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal => literal.Content,
                            Microsoft.AspNetCore.Routing.Patterns.RoutePatternSeparatorPart separator => separator.Content,
                            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart { Name: var name } when name == parameter =>
                                value,
                            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart { Name: "model" } => model,
                            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart { Name: "dictionary" } => dictionary,
                            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart { Name: "name" } => "page.css",
                            _ => "1",
                        }
                    )
                )
            )
        );

    /// <summary>What has to be there so that the parameter is looked at at all; texts stay short, for the model runs them.</summary>
    private static string Company(string name) =>
        (name == "q" ? "" : "&q=a") + (name == "max_tokens" ? "" : "&max_tokens=1") + (name is "steer" or "test" or "q" ? "" : "&steer=a");

    /// <summary>A body of a type that would do, as far as its types say.</summary>
    private string Sample(Type type, int depth)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return "\"a\"";
        if (type == typeof(bool))
            return "false";
        if (type == typeof(int))
            return "1";
        if (type == typeof(double) || type == typeof(float))
            return "0.5";
        if (type == typeof(JsonElement))
            return "\"a\"";
        var info = Types.GetTypeInfo(type);
        if (depth > 3 || info.Kind is not (JsonTypeInfoKind.Object or JsonTypeInfoKind.Enumerable))
            return "{}";
        if (info.Kind == JsonTypeInfoKind.Enumerable)
            return $"[{Sample(info.ElementType!, depth + 1)}]";
        var members = info
            .Properties.Where(property => !property.IsExtensionData)
            .Select(property =>
                $"\"{property.Name}\":{(property.Name == "dictionary" ? $"\"{dictionary}\"" : Sample(property.PropertyType, depth + 1))}"
            );
        return $"{{{string.Join(',', members)}}}";
    }

    private T[] Some<T>(T[] all, int count) => [.. all.OrderBy(_ => _random.Next()).Take(count)];
}
