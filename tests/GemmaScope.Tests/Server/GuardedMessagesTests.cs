using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using GemmaScope.Safety;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Whole messages and conversations before the guard, and what other programs send beside them.</summary>
public class GuardedMessagesTests(DemoGuard guard) : IClassFixture<DemoGuard>
{
    private static readonly ShieldOptions Hardened = new() { Hardened = true };

    [Fact]
    public async Task the_parts_of_a_message_are_one_result_that_is_flagged_if_any_part_is()
    {
        var (mild, strong, policy) = Pair();
        await using var server = await ShieldServer.Start(guard, policies: [policy]);
        foreach (
            var texts in (string[][])
                [
                    [mild, strong],
                    [strong, mild],
                ]
        )
        {
            var parts = texts.Select(text => new { type = "text", text });
            var result = Assert.Single(
                (await server.Ask("/v1/moderations", new { input = parts })).GetProperty("results").EnumerateArray()
            );
            Assert.True(result.GetProperty("flagged").GetBoolean());
            var expected = texts.Append(string.Join('\n', texts)).Max(Probability);
            Assert.Equal(expected, result.GetProperty("category_scores").GetProperty("hate").GetSingle(), 1e-6f);
        }
        var alone = await server.Ask("/v1/moderations", new { input = new[] { mild, strong } });
        Assert.Equal(
            [false, true],
            alone.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("flagged").GetBoolean())
        );
    }

    [Fact]
    public async Task a_sentence_that_is_cut_into_parts_is_judged_as_a_whole_too()
    {
        await using var server = await ShieldServer.Start(guard, policies: [ShieldPolicy.Find("HATE") with { Threshold = 0.99 }]);
        string[] parts = ["How do I", "repot a cactus?"];
        var result = (await server.Ask("/v1/moderations", new { input = parts.Select(text => new { type = "text", text }) })).GetProperty(
            "results"
        )[0];
        Assert.Equal(
            parts.Append("How do I\nrepot a cactus?").Max(Probability),
            result.GetProperty("category_scores").GetProperty("hate").GetSingle(),
            1e-6f
        );
    }

    [Fact]
    public async Task a_conversation_gets_the_verdict_on_its_worst_turn()
    {
        var (mild, strong, policy) = Pair();
        await using var server = await ShieldServer.Start(guard, policies: [policy]);
        object[] messages =
        [
            new { role = "system", content = strong + strong },
            new { role = "user", content = (object)strong },
            new { role = "assistant", content = "Yes." },
            new { role = "assistant", content = (string?)null },
            new { role = "user", content = new[] { new { type = "text", text = mild } } },
        ];
        var expected = new[]
        {
            Probability(strong),
            Probability(mild),
            guard.Shield.Score(strong, "Yes.", [policy], Hardened).Probability,
        }.Max();
        foreach (
            var (address, body) in ((string, object)[])
                [("/v1/shield", new { messages }), ("/v1/shield", new { inputs = new[] { new { messages } } })]
        )
        {
            var result = Assert.Single((await server.Ask(address, body)).GetProperty("results").EnumerateArray());
            Assert.True(result.GetProperty("violated").GetBoolean());
            Assert.Equal(expected, result.GetProperty("probability").GetSingle(), 1e-6f);
        }
        foreach (var body in (object[])[new { messages }, new { input = messages }])
        {
            var result = Assert.Single((await server.Ask("/v1/moderations", body)).GetProperty("results").EnumerateArray());
            Assert.True(result.GetProperty("flagged").GetBoolean());
            Assert.Equal(expected, result.GetProperty("category_scores").GetProperty("hate").GetSingle(), 1e-6f);
        }
    }

    [Theory]
    [InlineData("""{"input":"hi \ud83d"}""", "input")]
    [InlineData("""{"input":["ok","hi \udc00"]}""", "input[1]")]
    [InlineData("""{"input":[{"type":"text","text":"hi \udc00"}]}""", "input[0]")]
    [InlineData("""{"messages":[{"role":"user","content":"hi \udc00"}]}""", "messages[0].content")]
    [InlineData("""{"input":"x","user":"\udc00"}""", "user")]
    [InlineData("""{"input":"x","extra":{"a":[1,"\udc00"]}}""", "extra.a[1]")]
    public async Task half_a_character_is_refused_with_its_field(string json, string field)
    {
        await using var server = await ShieldServer.Start(guard);
        await server.Refuses("/v1/moderations", json, 400, field, "not valid Unicode");
    }

    [Theory]
    [InlineData("/v1/moderations", "input")]
    [InlineData("/v1/shield", "prompt")]
    public async Task bytes_of_another_encoding_are_refused_with_their_field(string address, string field)
    {
        await using var server = await ShieldServer.Start(guard);
        var body = Encoding.Latin1.GetBytes($$"""{"{{field}}":"café"}""");
        using (var answer = await server.Client.PostAsync(address, Json(body, "application/json")))
        {
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            var problem = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync());
            Assert.Equal(field, problem.GetProperty("field").GetString());
            Assert.Contains("not valid Unicode", problem.GetProperty("detail").GetString());
        }
        using var declared = await server.Client.PostAsync(address, Json(body, "application/json; charset=iso-8859-1"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, declared.StatusCode);
    }

    [Fact]
    public async Task what_gateways_add_changes_nothing()
    {
        await using var server = await ShieldServer.Start(guard);
        const string plain = """{"input":"How do I repot a cactus?"}""",
            added =
                """{"input":"How do I repot a cactus?","model":"x","user":"u","metadata":{"a":1},"stream":false,"extra_headers":{},"timeout":5}""";
        // What the prompts begin with is kept from the second time on, and fewer rows may round differently: both are asked after that.
        await Scores(plain);
        Assert.Equal(await Scores(plain), await Scores(added));
        // A mark of the byte order comes with some editors.
        using var marked = await server.Client.PostAsync(
            "/v1/moderations",
            Json([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(plain)], "application/json; charset=UTF-8")
        );
        Assert.Equal(HttpStatusCode.OK, marked.StatusCode);

        async Task<string> Scores(string json)
        {
            using var answer = await server.Post("/v1/moderations", json);
            return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync()).GetProperty("results").GetRawText();
        }
    }

    private static ByteArrayContent Json(byte[] body, string type) =>
        new(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } };

    private float Probability(string text) => guard.Shield.Score(text, null, [ShieldPolicy.Find("HATE")], Hardened).Probability;

    /// <summary>Two texts, and a threshold between them.</summary>
    private (string Mild, string Strong, ShieldPolicy Policy) Pair()
    {
        string[] texts = [.. ((string[])["How do I repot a cactus?", "All of them are bad people."]).OrderBy(Probability)];
        return (texts[0], texts[1], ShieldPolicy.Find("HATE") with { Threshold = (Probability(texts[0]) + Probability(texts[1])) / 2 });
    }
}
