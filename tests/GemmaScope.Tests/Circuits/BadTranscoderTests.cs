using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Circuits;

/// <summary>Transcoders that explain nothing, or cannot.</summary>
public class BadTranscoderTests
{
    [Fact]
    public void a_set_that_never_fires_gives_a_graph_of_errors_that_is_complete()
    {
        using var tiny = TinyCircuit.Make(threshold: 1e9f, skip: true);
        using var graph = tiny.Graph();
        Assert.Equal(0, graph.FeatureCount);
        Assert.True(graph.IsComplete);
        Assert.InRange(graph.ReplacementScore, 0, 1);
        var document = graph
            .Prune()
            .ToDocument(
                new()
                {
                    Slug = "none",
                    Scan = "tiny",
                    TokenText = token => $" t{token}",
                }
            );
        Assert.DoesNotContain(document.Nodes, node => node.Kind == GraphNodeKind.Feature);
        var summary = GraphSummary.Of(document);
        Assert.Equal(0, summary.Features);
        Assert.NotEmpty(summary.Targets[0].Paths);
        Assert.Equal(document.Links.Count, document.Prune(1, 1).Links.Count);

        // Edges of errors pass heads too, and a trace of nothing resumes.
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 2; i++)
        {
            using var kept = AttributionGraph.Compute(
                tiny.Model,
                CircuitTarget.TopLogits(tiny.Model),
                new() { RowsFile = folder.File("rows") }
            );
            Assert.Equal(graph.ReplacementScore, kept.ReplacementScore);
        }
        Assert.InRange(EdgeHeads.Of(tiny.Model, new(GraphNodeKind.Error, 0, 3, -1), CircuitTarget.Logit(5)).Error, 0, 2e-5);
    }

    [Theory]
    [InlineData("decoder")]
    [InlineData("bias")]
    [InlineData("skip")]
    public void weights_that_are_no_numbers_name_their_transcoder(string what)
    {
        using var model = GemmaModel.Load(Fixtures.Path("attribution", "models", "gemma3"));
        var (width, features) = (model.Config.Width, 8);
        Tensor Numbers(bool damaged, params long[] shape)
        {
            var tensor = Tensor.Zeros(shape);
            tensor.AsSpan().Fill(damaged ? float.NaN : 0.1f);
            return tensor;
        }
        SparseDictionary Of(int layer, bool damaged) =>
            new DictionaryParameters
            {
                Activation = ActivationFunction.Relu,
                Encoder = Numbers(false, width, features),
                Decoder = Numbers(damaged && what == "decoder", features, width),
                DecoderBias = [.. Enumerable.Repeat(damaged && what == "bias" ? float.NaN : 0, width)],
                EncoderBias = [.. Enumerable.Repeat(1f, features)],
                Skip = Numbers(damaged && what == "skip", width, width),
            }.ToDictionary($"transcoder {layer}", Site.MlpIn(layer), Site.MlpOut(layer));

        using var set = TranscoderSet.Of([Of(0, false), Of(2, true), Of(3, false)], model.Config);
        var problem = Assert.Throws<ArgumentProblemException>(() => ReplacementModel.Of(model, set, TinyCircuit.Prompt));
        Assert.StartsWith("transcoder 2: ", problem.Message);
        Assert.Contains("not finite", problem.Message);
    }
}
