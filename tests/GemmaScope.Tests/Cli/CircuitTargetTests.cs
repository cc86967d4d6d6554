using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Cli;

/// <summary>What a graph may explain, as the command takes it.</summary>
public sealed class CircuitTargetTests : IDisposable
{
    private const string Text = "The people of the United",
        Judged = "How do I repot a cactus?";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_message_is_traced_in_the_chat_template()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-it"));
        var prompt = model.ChatTemplate.Encode(model.Tokenizer, [new("user", Judged)], addGenerationPrompt: true);
        using var run = model.Run(prompt, capture: [Site.ResidPre(4)], arithmetic: Arithmetic.Exact);
        float[] vector = [.. Enumerable.Range(0, model.Config.Width).Select(i => (float)Math.Cos(i))];
        using var tensor = Tensor.From(vector, 1, vector.Length);
        NpyWriter.Write(_folder.File("refusal.npy"), tensor);
        string[] command =
        [
            "circuit",
            Judged,
            "--chat",
            "--model",
            "demo-it",
            "--transcoders",
            "demo-scope/transcoder_all",
            "--target",
            $"direction:{_folder.File("refusal.npy")}@resid_pre.4",
            "--json",
        ];
        var json = Json(command);
        var expected = run[Site.ResidPre(4)].AsMatrix().Row(prompt.Length - 1).ToArray().Zip(vector, (x, y) => (double)x * y).Sum();
        Assert.Equal(expected, json.GetProperty("targets")[0].GetProperty("value").GetDouble(), 1e-3);
        Assert.True(json.GetProperty("identity_holds").GetBoolean());

        var refused = CommandLine.Run([.. command.Select(part => part == "demo-it" ? "demo-pt" : part)]);
        Assert.Equal(2, refused.Code);
        Assert.Contains("not tuned to chat", refused.Error);
    }

    [Fact]
    public void a_direction_of_a_file_is_read_at_any_site_and_position()
    {
        using var model = GemmaModel.Load(Fixtures.Model("demo-pt"));
        using var run = model.Run(
            model.Tokenizer.Encode(Text, addBos: true),
            capture: [Site.ResidPost(3), Site.MlpOut(1)],
            arithmetic: Arithmetic.Exact
        );
        float[] vector = [.. Enumerable.Range(0, model.Config.Width).Select(i => (float)Math.Sin(i))];
        // Folders of programs, and names with signs of our own in them.
        var (npy, two) = (_folder.File(Path.Combine("a@b#c", "probe.npy")), _folder.File("two.safetensors"));
        Directory.CreateDirectory(Path.GetDirectoryName(npy)!);
        using var tensor = Tensor.From(vector, 1, vector.Length);
        NpyWriter.Write(npy, tensor);
        SafetensorsWriter.Write(two, [new TensorSource("w", tensor), new TensorSource("other", tensor)]);
        foreach (
            var (target, site, position) in ((string, Site, int)[])
                [
                    ($"direction:{npy}@resid_post.3", Site.ResidPost(3), 5),
                    ($"direction:{npy}@mlp_out.1@2", Site.MlpOut(1), 2),
                    ($"direction:{two}#w@blocks.3.hook_resid_post@4", Site.ResidPost(3), 4),
                ]
        )
        {
            var json = Json("circuit", Text, "--target", target, "--json");
            var expected = run[site].AsMatrix().Row(position).ToArray().Zip(vector, (x, y) => (double)x * y).Sum();
            Assert.Equal(expected, json.GetProperty("targets")[0].GetProperty("value").GetDouble(), 1e-3);
            Assert.True(json.GetProperty("identity_holds").GetBoolean());
        }
        Assert.Contains("2 tensors", Refused("circuit", Text, "--target", $"direction:{two}@resid_post.3").Error);
        Assert.Contains("no 'x'", Refused("circuit", Text, "--target", $"direction:{two}#x@resid_post.3").Error);
        Assert.Contains("outside the prompt", Refused("circuit", Text, "--target", $"direction:{npy}@resid_post.3@6").Error);
        Assert.Contains("no such site", Refused("circuit", Text, "--target", $"direction:{npy}@z.3").Error);
        Assert.Contains("--target", Refused("circuit", Text, "--target", $"direction:{npy}@nowhere.3").Error);
    }

    [Theory]
    [InlineData("numbers", 3)]
    [InlineData("all 0", 192, 0f)]
    [InlineData("not finite", 192, float.NaN)]
    public void a_vector_that_cannot_be_a_direction_names_its_file(string words, int length, float value = 1)
    {
        using var tensor = Tensor.From([.. Enumerable.Repeat(value, length)], length);
        var file = _folder.File("v.npy");
        NpyWriter.Write(file, tensor);
        Assert.Contains(words, Refused("circuit", Text, "--target", $"direction:{file}@resid_post.3").Error);
    }

    [Fact]
    public void a_direction_of_another_program_is_read()
    {
        var file = SharedData.File("artefacts", "refusal-direction-gemma-2b-it.pt");
        Assert.Equal(2048, VectorFile.Read(file).Length);
        Assert.Contains("2048 numbers", Refused("circuit", Text, "--target", $"direction:{file}@resid_post.3").Error);
    }

    [Fact]
    public void the_gap_of_a_verdict_is_explained_on_the_prompt_that_asks()
    {
        var scores = Json("shield", Judged, "--model", "demo-it", "--policy", "HATE", "--json");
        var score = scores.GetProperty("results")[0].GetProperty("policies")[0];
        // The graph explains logits before the cap.
        var cap = GemmaConfig.Load(Fixtures.Model("demo-it")).FinalCap!.Value;
        double Before(string name) => cap * Math.Atanh(score.GetProperty(name).GetDouble() / cap);

        var file = _folder.File("graph.json");
        var run = CommandLine.Run("circuit", Judged, "--model", "demo-it", "--target", "shield:hate", "--json", "--out", file);
        Assert.Equal(0, run.Code);
        Assert.Contains("by HATE", run.Error);
        var target = JsonDocument.Parse(run.Out).RootElement.GetProperty("targets")[0];
        Assert.Equal("Yes over No (HATE)", target.GetProperty("name").GetString());
        Assert.Equal(Before("yes_logit") - Before("no_logit"), target.GetProperty("value").GetDouble(), 1e-3);

        // Its logits split too, after the cap.
        var split = Json("circuit", "logits", Judged, "--model", "demo-it", "--target", "shield:hate", "--json");
        Assert.Equal(
            score.GetProperty("yes_logit").GetDouble() - score.GetProperty("no_logit").GetDouble(),
            split.GetProperty("value").GetDouble(),
            1e-3
        );

        // The node says what it is, so that an edge to it can be asked for.
        var graph = GraphDocument.Read(file);
        var node = GraphPaths.Targets(graph).Single();
        Assert.Equal("shield:hate", CircuitNodes.NameOf(graph, node));
        var link = graph.Links.First(one =>
            one.Target == node.NodeId && graph.Nodes.Single(source => source.NodeId == one.Source).Kind == GraphNodeKind.Token
        );
        var source = CircuitNodes.NameOf(graph, graph.Nodes.Single(one => one.NodeId == link.Source))!;
        var edge = Json("circuit", "edge", Judged, "--model", "demo-it", "--from", source, "--to", "shield:hate", "--json");
        Assert.Equal(link.Weight, edge.GetProperty("weight").GetDouble(), 1e-4);
    }

    [Fact]
    public void weights_say_how_much_each_target_counts()
    {
        string[] both = ["circuit", Text, "--target", " States", "--target", " Kingdom", "--json"];
        double Score(JsonElement json) => json.GetProperty("replacement_score").GetDouble();
        var (first, all) = (Score(Json("circuit", Text, "--target", " States", "--json")), Score(Json(both)));
        Assert.NotEqual(first, all, 1e-4);
        Assert.Equal(first, Score(Json([.. both, "--weight", "3", "--weight", "0"])), 1e-9);
        Assert.Equal(all, Score(Json([.. both, "--weight", "0.2", "--weight", "0.2"])), 1e-9);
        foreach (
            var wrong in (string[][])
                [
                    ["1"],
                    ["1", "-1"],
                    ["0", "0"],
                    ["1", "NaN"],
                    ["1", "1", "1"],
                ]
        )
            Assert.Contains("--weight", Refused([.. both, .. wrong.SelectMany(weight => (string[])["--weight", weight])]).Error);
    }

    [Fact]
    public void a_token_that_is_named_keeps_its_probability()
    {
        var file = _folder.File("graph.json");
        CommandLine.Run("circuit", Text, "--target", " Kingdom", "--out", file);
        Assert.InRange(GraphPaths.Targets(GraphDocument.Read(file)).Single().Probability, 1e-9, 0.1);
    }

    [Theory]
    [InlineData("no policy", "--target", "shield:NONSENSE")]
    [InlineData("several policies", "--target", "shield:HATE", "--target", "shield:HARASSMENT")]
    [InlineData("begins with a BOS", "--no-bos", "--target", "shield:HATE")]
    [InlineData("named twice", "--target", "shield:HATE", "--target", "shield:hate")]
    [InlineData("missing.npy", "--target", "direction:missing.npy@resid_post.3")]
    [InlineData("known: give .npy", "--target", "direction:vector.txt@resid_post.3")]
    [InlineData("--target", "--target", "direction:missing.npy")]
    public void what_cannot_be_explained_is_said(string words, params string[] options)
    {
        var run = Refused(["circuit", Judged, "--model", "demo-it", .. options]);
        Assert.Contains(words, run.Error);
        Assert.DoesNotContain("internal error", run.Error);
    }

    private static JsonElement Json(params string[] arguments)
    {
        var run = CommandLine.Run(arguments);
        Assert.Equal(0, run.Code);
        return JsonDocument.Parse(run.Out).RootElement;
    }

    private static CommandLine Refused(params string[] arguments)
    {
        var run = CommandLine.Run(arguments);
        Assert.Equal(2, run.Code);
        return run;
    }
}
