using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using GemmaScope.Circuits;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>What programs can try on the features of a prompt.</summary>
public sealed class CircuitTryingTests(CircuitServer server) : IClassFixture<CircuitServer>
{
    private const string Prompt = "The people of the United";

    private const int Layer = 3;

    /// <summary>A feature of the layer that fires at the last position, and how strongly.</summary>
    private async Task<(int Feature, double Activation)> Firing()
    {
        var page = await server.Trace(Prompt);
        var graph = GraphDocument.Read(Path.Combine(server.Folder, Path.GetFileName(page) + ".json"));
        var node = graph.Nodes.Where(node => graph.FeatureOf(node) is (Layer, _) && node.Position == 5).MaxBy(node => node.Activation)!;
        return ((int)graph.FeatureOf(node)!.Value.Index, node.Activation!.Value);
    }

    private async Task<(HttpStatusCode Status, JsonElement[] Lines)> Post(string address, object body)
    {
        var answer = await server.Client.PostAsJsonAsync(address, body);
        return (answer.StatusCode, await CircuitServer.Lines(answer));
    }

    private Task<(HttpStatusCode Status, JsonElement[] Lines)> Intervene(object body) => Post("/api/circuits/intervene", body);

    [Fact]
    public async Task a_change_tells_what_is_predicted_then_and_both_texts()
    {
        var (feature, _) = await Firing();
        var body = new
        {
            text = Prompt,
            changes = new[]
            {
                new
                {
                    layer = Layer,
                    feature,
                    position = 5,
                    factor = 0,
                },
            },
            mode = "constrained",
            max_tokens = 6,
        };
        var (status, lines) = await Intervene(body);
        Assert.Equal(HttpStatusCode.OK, status);
        var effect = lines[0];
        Assert.Equal("effect", effect.GetProperty("kind").GetString());
        Assert.True(effect.GetProperty("kl").GetDouble() > 0);
        foreach (var target in effect.GetProperty("targets").EnumerateArray())
            Assert.Equal(
                target.GetProperty("predicted").GetDouble(),
                target.GetProperty("after").GetDouble() - target.GetProperty("before").GetDouble(),
                1e-3
            );
        Assert.Equal("▁States", effect.GetProperty("next")[0].GetProperty("piece").GetString());
        Assert.StartsWith(" States", Text(lines, "default"));
        Assert.NotEmpty(Text(lines, "changed"));
        // The text without a change is written once.
        var (_, again) = await Intervene(body);
        Assert.Equal(Text(lines, "default"), Text(again, "default"));
        Assert.Single(again, line => line.GetProperty("kind").GetString() == "default");
    }

    [Fact]
    public async Task the_lead_of_one_token_over_another_is_a_target_too()
    {
        var (feature, _) = await Firing();
        Task<(HttpStatusCode Status, JsonElement[] Lines)> Off(int[] targets, int[]? over) =>
            Intervene(
                new
                {
                    text = Prompt,
                    changes = new[]
                    {
                        new
                        {
                            layer = Layer,
                            feature,
                            position = 5,
                            factor = 0,
                        },
                    },
                    targets,
                    over,
                    max_tokens = 0,
                }
            );
        var (_, both) = await Off([453, 454], null);
        var (_, lead) = await Off([453, 453], [454, -1]);
        double Of(JsonElement line, int target, string field) => line.GetProperty("targets")[target].GetProperty(field).GetDouble();
        foreach (var field in (string[])["before", "after", "predicted"])
        {
            Assert.Equal(Of(both[0], 0, field) - Of(both[0], 1, field), Of(lead[0], 0, field), 1e-3);
            Assert.Equal(Of(both[0], 0, field), Of(lead[0], 1, field), 1e-4);
        }
        Assert.Equal(454, lead[0].GetProperty("targets")[0].GetProperty("over").GetInt32());
        foreach (
            var wrong in (int[][])
                [
                    [454],
                    [454, 99999999],
                    [454, -2],
                ]
        )
            Assert.Equal(HttpStatusCode.BadRequest, (await Off([453, 453], wrong)).Status);
    }

    [Fact]
    public async Task tokens_stand_for_a_text_and_a_value_for_a_factor()
    {
        var (feature, activation) = await Firing();
        var tokens = new[] { 2, 469, 732, 292, 271, 1464 };
        object Change(object how) =>
            new
            {
                tokens,
                changes = new[] { how },
                targets = new[] { 453 },
                max_tokens = 0,
            };
        var (_, doubled) = await Intervene(
            Change(
                new
                {
                    layer = Layer,
                    feature,
                    position = 5,
                    factor = 2,
                }
            )
        );
        var (_, clamped) = await Intervene(
            Change(
                new
                {
                    layer = Layer,
                    feature,
                    position = 5,
                    value = 2 * activation,
                }
            )
        );
        Assert.Single(doubled);
        var (one, other) = (doubled[0].GetProperty("targets")[0], clamped[0].GetProperty("targets")[0]);
        Assert.Equal(453, one.GetProperty("id").GetInt32());
        Assert.Equal(one.GetProperty("after").GetDouble(), other.GetProperty("after").GetDouble(), 1e-3);
        var (_, everywhere) = await Intervene(Change(new { layer = Layer, feature }));
        Assert.NotEqual(one.GetProperty("after").GetDouble(), everywhere[0].GetProperty("targets")[0].GetProperty("after").GetDouble());
    }

    [Theory]
    [InlineData("""{"text": "The people", "changes": []}""", "changes")]
    [InlineData("""{"changes": [{"layer": 3, "feature": 1}]}""", "text")]
    [InlineData("""{"text": "", "changes": [{"layer": 3, "feature": 1}]}""", "text")]
    [InlineData("""{"tokens": [2, 99999999], "changes": [{"layer": 3, "feature": 1}]}""", "tokens")]
    [InlineData("""{"text": "The people", "changes": [{"layer": 6, "feature": 1}]}""", "layer 6 has no transcoder")]
    [InlineData("""{"text": "The people", "changes": [{"layer": 3, "feature": 99999}]}""", "no feature")]
    [InlineData("""{"text": "The people", "changes": [{"layer": 3, "feature": 1, "factor": 1, "value": 1}]}""", "factor or a value")]
    [InlineData("""{"text": "The people", "changes": [{"layer": 3, "feature": 1, "position": -1}]}""", "position")]
    [InlineData("""{"text": "The people", "changes": [{"layer": 3, "feature": 1}, {"layer": 3, "feature": 1}]}""", "twice")]
    [InlineData("""{"text": "The people", "changes": [{"layer": 3, "feature": 1}], "mode": "none"}""", "mode")]
    [InlineData("""{"text": "The people", "changes": [{"layer": 3, "feature": 1}], "targets": [-1]}""", "targets")]
    [InlineData("""{"text": "The people", "changes": [{"layer": 3, "feature": 1}], "max_tokens": 999}""", "max_tokens")]
    [InlineData("""{"text": "The people", "changes": [{"layer": 3, "feature": 1, "factor": 1e300}]}""", "factor or value")]
    public async Task what_cannot_be_tried_is_named(string body, string named)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        var answer = await server.Client.PostAsync("/api/circuits/intervene", content);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(named, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task heads_tell_where_they_look_and_pairs_add_up_to_a_score()
    {
        var (status, lines) = await Post(
            "/api/circuits/attention",
            new
            {
                text = Prompt,
                layer = 4,
                head = 0,
                key = 2,
                top = 100,
            }
        );
        Assert.Equal(HttpStatusCode.OK, status);
        var found = Assert.Single(lines);
        Assert.Equal(5, found.GetProperty("query").GetInt32());
        foreach (var head in found.GetProperty("heads").EnumerateArray())
            Assert.Equal(1, head.EnumerateArray().Sum(weight => weight.GetDouble()), 1e-4);
        var score = found.GetProperty("score");
        Assert.Equal(found.GetProperty("pattern")[5][2].GetDouble(), score.GetProperty("weight").GetDouble(), 1e-6);
        Assert.True(score.GetProperty("error").GetDouble() < 1e-4);
        Assert.Equal(100, score.GetProperty("pairs").GetArrayLength());
        foreach (
            var wrong in (object[])
                [
                    new
                    {
                        text = Prompt,
                        layer = 9,
                        head = 0,
                    },
                    new
                    {
                        text = Prompt,
                        layer = 0,
                        head = 0,
                        query = 2,
                        key = 3,
                    },
                    new
                    {
                        text = Prompt,
                        layer = 0,
                        head = 0,
                        top = 1000,
                    },
                ]
        )
            Assert.Equal(HttpStatusCode.BadRequest, (await Post("/api/circuits/attention", wrong)).Status);
    }

    [Fact]
    public async Task heads_and_what_passes_none_add_up_to_an_edge()
    {
        var (status, lines) = await Post(
            "/api/circuits/edge",
            new
            {
                text = Prompt,
                from = new { kind = "token", position = 2 },
                to = new
                {
                    kind = "target",
                    position = 5,
                    index = 453,
                },
                top = 100,
            }
        );
        Assert.Equal(HttpStatusCode.OK, status);
        var found = Assert.Single(lines);
        var heads = found.GetProperty("heads").EnumerateArray().Sum(head => head.GetProperty("last").GetDouble());
        Assert.Equal(found.GetProperty("weight").GetDouble(), found.GetProperty("direct").GetDouble() + heads, 1e-3);
        Assert.NotEqual(0, heads);
        var token = new { kind = "token", position = 2 };
        foreach (
            var wrong in (object[])
                [
                    new
                    {
                        text = Prompt,
                        from = token,
                        to = token,
                    },
                    new
                    {
                        text = Prompt,
                        from = new
                        {
                            kind = "target",
                            position = 5,
                            index = 453,
                        },
                        to = new
                        {
                            kind = "target",
                            position = 5,
                            index = 453,
                        },
                    },
                    new
                    {
                        text = Prompt,
                        from = new
                        {
                            kind = "feature",
                            position = 99,
                            layer = 3,
                            index = 1,
                        },
                        to = new
                        {
                            kind = "target",
                            position = 5,
                            index = 453,
                        },
                    },
                    new
                    {
                        text = Prompt,
                        from = token,
                        to = new
                        {
                            kind = "target",
                            position = 99,
                            index = 453,
                        },
                    },
                    new
                    {
                        text = Prompt,
                        from = new
                        {
                            kind = "error",
                            position = 2,
                            layer = 77,
                        },
                        to = new
                        {
                            kind = "target",
                            position = 5,
                            index = 453,
                        },
                    },
                ]
        )
            Assert.Equal(HttpStatusCode.BadRequest, (await Post("/api/circuits/edge", wrong)).Status);
    }

    private static string Text(JsonElement[] lines, string kind) =>
        string.Concat(
            lines.Where(line => line.GetProperty("kind").GetString() == kind).Select(line => line.GetProperty("text").GetString())
        );
}
