using GemmaScope.Circuits;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Circuits;

[Trait("Category", "Golden")]
public class LogitAttributionTests
{
    private const int Token = 12,
        Other = 69;

    public static TheoryData<string, SiteKind, bool> Forms =>
        new()
        {
            { "gemma2", SiteKind.Ln2Normalized, false },
            { "gemma2", SiteKind.ResidMid, true },
            { "gemma3", SiteKind.MlpIn, false },
            { "gemma3", SiteKind.MlpIn, true },
            { "gemma4-e", SiteKind.MlpIn, true },
            { "gemma4-moe", SiteKind.Ln2Normalized, false },
        };

    [Theory]
    [MemberData(nameof(Forms))]
    public void components_and_parts_add_up_to_the_logit_of_the_model(string family, SiteKind input, bool skip)
    {
        using var tiny = TinyCircuit.Make(input, skip, family: family);
        using var run = tiny.Host.Run(TinyCircuit.Prompt, logits: LogitRows.All);
        Assert.NotEmpty(tiny.Model.Features);
        for (var position = 0; position < TinyCircuit.Prompt.Length; position++)
        {
            var logits = run.Logits!.Row(position);
            AssertAddsUp(logits[Token], LogitAttribution.Of(tiny.Model, Token, position: position));
            AssertAddsUp(logits[Token] - logits[Other], LogitAttribution.Of(tiny.Model, Token, Other, position));
            AssertAddsUp(logits[Token], LogitAttribution.Of(tiny.Host, TinyCircuit.Prompt, Token, position: position));
        }
    }

    [Theory]
    [InlineData("gemma2-f32-smallcaps", true)]
    [InlineData("gemma2-f16", true)]
    [InlineData("gemma3-text", false)]
    [InlineData("gemma4-e", true)]
    [InlineData("gemma4-moe", true)]
    public void the_golden_models_add_up_too_with_and_without_a_cap(string name, bool capped)
    {
        using var model = GemmaModel.Load(Fixtures.Path("host", name));
        int[] prompt = [2, 5, 17, 9, 30, 11];
        using var run = model.Run(prompt, capture: [new Site(SiteKind.LogitsRaw)], arithmetic: GemmaScope.Numerics.Arithmetic.Exact);
        var position = prompt.Length - 1;
        var found = LogitAttribution.Of(model, prompt, Token, 7);
        AssertAddsUp(run.Logits!.Row(position)[Token] - run.Logits.Row(position)[7], found);
        var raw = run[new Site(SiteKind.LogitsRaw)].Row(position);
        Assert.Equal(raw[Token] - raw[7], found.BeforeCap, 1e-4);
        Assert.Equal(capped, found.Parts.Any(part => part.Kind == LogitPartKind.SoftCap));
        Assert.Equal(capped, found.CapSlope < 1);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void heads_add_up_to_their_attention_and_features_errors_and_biases_to_their_mlp(string family, SiteKind input, bool skip)
    {
        using var tiny = TinyCircuit.Make(input, skip, family: family);
        var found = LogitAttribution.Of(tiny.Model, Token);
        for (var layer = 0; layer < tiny.Model.Layers; layer++)
        {
            double Sum(params LogitPartKind[] kinds) =>
                found.Parts.Where(part => part.Layer == layer && kinds.Contains(part.Kind)).Sum(part => part.Value);
            double Component(LogitPartKind kind) => found.Components.Single(part => part.Layer == layer && part.Kind == kind).Value;
            Assert.Equal(tiny.Host.Config.Heads, found.Parts.Count(part => part.Kind == LogitPartKind.Head && part.Layer == layer));
            Assert.Equal(Component(LogitPartKind.Attention), Sum(LogitPartKind.Head), 1e-5);
            Assert.Equal(
                Component(LogitPartKind.Mlp),
                Sum(LogitPartKind.Feature, LogitPartKind.Error, LogitPartKind.Bias, LogitPartKind.Skip),
                1e-5
            );
        }
        Assert.Equal(skip, found.Parts.Any(part => part.Kind == LogitPartKind.Skip));
    }

    [Fact]
    public void a_feature_adds_what_a_graph_says_that_it_adds_directly()
    {
        using var tiny = TinyCircuit.Make(family: "gemma3");
        using var graph = tiny.Graph(CircuitTarget.Difference(Token, Other));
        var row = new float[graph.FirstTarget];
        graph.Row(graph.FirstTarget, row);
        // Nothing comes after the last layer, so that there the direct way is the only one.
        var last = tiny.Model.Layers - 1;
        var features = Enumerable.Range(0, graph.FeatureCount).Where(node => graph.Feature(node) is var one && one.Layer == last);
        var parts = LogitAttribution
            .Of(tiny.Model, Token, Other)
            .Parts.Where(part => part.Kind == LogitPartKind.Feature && part.Layer == last);
        var edges = features
            .Where(node => graph.Feature(node).Position == TinyCircuit.Prompt.Length - 1)
            .ToDictionary(node => graph.Feature(node).Feature, node => row[node]);
        Assert.NotEmpty(edges);
        Assert.Equal(edges.Count, parts.Count());
        Assert.All(parts, part => Assert.Equal(edges[part.Index], part.Value, 1e-5));
    }

    [Fact]
    public void a_cross_layer_transcoder_adds_up()
    {
        using var model = GemmaModel.Load(Fixtures.Path("attribution", "models", "gemma3"));
        using var set = TranscoderSet.Load([Fixtures.Path("attribution", "transcoders", "gemma3-scope2-clt")], model.Config);
        Assert.True(set.IsCrossLayer);
        using var replacement = ReplacementModel.Of(model, set, TinyCircuit.Prompt);
        using var run = model.Run(TinyCircuit.Prompt);
        var found = LogitAttribution.Of(replacement, Token);
        Assert.Contains(found.Parts, part => part.Kind == LogitPartKind.Feature);
        AssertAddsUp(run.LastLogits()[Token], found);
    }

    [Fact]
    public void positions_that_count_as_constants_have_no_features()
    {
        using var tiny = TinyCircuit.Make(family: "gemma3", zeroPositions: 4);
        var constant = LogitAttribution.Of(tiny.Model, Token, position: 2);
        Assert.Equal(tiny.Model.Layers, constant.Parts.Count(part => part.Kind == LogitPartKind.Constant));
        Assert.DoesNotContain(constant.Parts, part => part.Kind is LogitPartKind.Feature or LogitPartKind.Error);
        Assert.InRange(constant.Error, 0, 1e-4);
    }

    [Fact]
    public void tokens_and_positions_that_do_not_exist_are_refused()
    {
        using var tiny = TinyCircuit.Make();
        Assert.Throws<ArgumentProblemException>(() => LogitAttribution.Of(tiny.Model, -1));
        Assert.Throws<ArgumentProblemException>(() => LogitAttribution.Of(tiny.Model, 1, int.MaxValue));
        Assert.Throws<ArgumentProblemException>(() => LogitAttribution.Of(tiny.Model, 1, position: TinyCircuit.Prompt.Length));
        Assert.Throws<ArgumentProblemException>(() => LogitAttribution.Of(tiny.Host, [], 1));
    }

    private static void AssertAddsUp(float logit, LogitAttribution found)
    {
        Assert.Equal(logit, found.Value, 1e-4);
        Assert.Equal(found.Value, found.Components.Sum(part => part.Value), 1e-4);
        Assert.Equal(found.Value, found.Parts.Sum(part => part.Value), 1e-4);
        Assert.InRange(found.Error, 0, 1e-4);
    }
}
