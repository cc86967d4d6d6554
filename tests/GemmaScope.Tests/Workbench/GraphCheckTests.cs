using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>What graph files carry of their checks, and of what they were made with.</summary>
public class GraphCheckTests
{
    [Fact]
    public void figures_come_back_from_a_file_as_they_were()
    {
        var graph = Graph("{\"description\":\"mine\"}");
        Assert.Null(GraphCheck.Of(graph));
        var agreement = new CircuitAgreement(InterventionMode.AttentionFrozen, new(3, 0.5, 1, 2), new(0, null, null, 0));
        var curve = new FaithfulnessCurve(
            FaithfulnessKind.RandomFeatures,
            184,
            1.5,
            [new(0.5, 92, 0.25, 0.25, new(0.1, 0.4)), new(1, 184, null, null)],
            0.5,
            null,
            new(0.1, 0.9)
        );
        var check = new GraphCheck([agreement], new(2.5, 344, [curve]));
        using var folder = new TemporaryFolder();
        check.Into(graph).Write(folder.File("graph.json"));
        var read = GraphDocument.Read(folder.File("graph.json"));
        var back = GraphCheck.Of(read)!;
        Assert.Equal(ResultJson.Line(check), ResultJson.Line(back));
        Assert.Equal(agreement, Assert.Single(back.Agreement));
        // What else was said stays.
        Assert.Equal("mine", read.Metadata.Others!["info"].GetProperty("description").GetString());
        // A second check takes the place of the first.
        Assert.Null(GraphCheck.Of((check with { Faithfulness = null }).Into(read))!.Faithfulness);
        Assert.NotNull(GraphCheck.Of(check.Into(Graph("[]"))));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{\"check\":1}")]
    [InlineData("{\"check\":{}}")]
    [InlineData("{\"check\":{\"agreement\":[null]}}")]
    [InlineData("{\"check\":{\"agreement\":[{\"mode\":\"none\"}]}}")]
    [InlineData("{\"check\":{\"agreement\":[{\"mode\":\"free\"}]}}")]
    [InlineData("{\"check\":{\"agreement\":[],\"faithfulness\":{}}}")]
    [InlineData("{\"check\":{\"agreement\":[],\"faithfulness\":{\"curves\":[null]}}}")]
    [InlineData("{\"check\":{\"agreement\":[],\"faithfulness\":{\"curves\":[{\"kind\":\"features\",\"points\":[null]}]}}}")]
    public void what_another_program_keeps_there_is_nothing_known(string info) => Assert.Null(GraphCheck.Of(Graph(info)));

    [Theory]
    [InlineData("{\"origin\":{}}")]
    [InlineData("{\"origin\":\"paper\"}")]
    [InlineData("{\"origin\":{\"model\":\"m\",\"transcoders\":[],\"prompt_ids\":[\"a\"],\"targets\":[]}}")]
    [InlineData("{\"origin\":{\"model\":\"m\",\"transcoders\":[null],\"prompt_ids\":[1],\"targets\":[]}}")]
    [InlineData("{\"origin\":{\"model\":\"m\",\"transcoders\":[],\"prompt_ids\":[1],\"targets\":[null]}}")]
    public void an_origin_that_cannot_be_read_is_none(string info)
    {
        Assert.Null(GraphOrigin.Of(Graph(info)));
        Assert.Null(GraphOrigin.ModelOf(Graph(info)));
    }

    private static GraphDocument Graph(string info) =>
        new()
        {
            Metadata = new()
            {
                Slug = "graph",
                Scan = "gemma-9",
                Prompt = "a",
                PromptTokens = ["a"],
                Others = new Dictionary<string, JsonElement> { ["info"] = JsonDocument.Parse(info).RootElement },
            },
            View = new(),
            Nodes = [],
            Links = [],
        };
}
