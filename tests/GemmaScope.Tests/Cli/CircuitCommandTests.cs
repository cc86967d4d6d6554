using System.Diagnostics;
using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class CircuitCommandTests : IDisposable
{
    private const string Text = "The people of the United",
        OneLayer = "demo-scope/transcoder_all/layer_3_width_1k_l0_16";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void the_graph_of_a_text_is_written_and_shown_again()
    {
        var file = _folder.File("graph.json");
        var run = CommandLine.Run("circuit", Text, "--out", file, "--no-check");
        Assert.Matches(@"identity\s+holds", run.Out);
        Assert.Contains("\" States\"  value", run.Out);
        Assert.DoesNotContain("note:", run.Error);
        var graph = GraphDocument.Read(file);
        Assert.Equal("demo-pt-the-people-of-the-united", graph.Metadata.Slug);
        Assert.Equal(["<bos>", "The", " people", " of", " the", " United"], graph.Metadata.PromptTokens);
        Assert.Contains("Output \" States\" (p=0.859)", CommandLine.Run("circuit", "show", file).Out);
        Assert.Equal(graph.Links.Count, CommandLine.Run("circuit", "show", file, "--json").Json().GetProperty("links").GetInt32());
    }

    [Fact]
    public void a_graph_that_exists_is_replaced_only_by_force()
    {
        var file = _folder.Write("graph.json", "mine");
        var run = Refused("circuit", Text, "--out", file);
        Assert.Contains("--force", run.Error);
        Assert.Equal("mine", File.ReadAllText(file));
        CommandLine.Run("circuit", Text, "--out", file, "--force", "--no-check");
        Assert.NotEmpty(GraphDocument.Read(file).Nodes);
    }

    [Fact]
    public void targets_are_tokens_ids_differences_and_features()
    {
        var json = Json("circuit", Text, "--target", " States", "--target", " States/ Kingdom", "--target", "#5", "--paths", "1", "--json");
        string[] names = [.. json.GetProperty("targets").EnumerateArray().Select(one => one.GetProperty("name").GetString()!)];
        Assert.Equal(["\" States\"", "\" States\" over \" Kingdom\""], names[..2]);
        Assert.True(json.GetProperty("identity_holds").GetBoolean());

        var graph = _folder.File("graph.json");
        CommandLine.Run("circuit", Text, "--out", graph, "--node-share", "1", "--no-check");
        var document = GraphDocument.Read(graph);
        var node = document.Nodes.First(one => one.Kind == GraphNodeKind.Feature);
        var (layer, index) = document.FeatureOf(node)!.Value;
        var feature = Json("circuit", Text, "--target", $"feature:{layer}/{index}@{node.Position}", "--json");
        Assert.Equal(node.Activation!.Value, feature.GetProperty("targets")[0].GetProperty("value").GetDouble(), 1e-3);
    }

    [Fact]
    public void a_killed_trace_goes_on_to_the_same_graph_and_leaves_nothing_behind()
    {
        string[] Arguments(string file, string budget = "300") =>
            ["circuit", "--file", _folder.File("text.txt"), "--budget", budget, "--out", file];
        _folder.Write("text.txt", string.Join(' ', Enumerable.Range(0, 25).Select(i => $"The people of the {i}. United States.")));
        var (whole, file) = (_folder.File("whole.json"), _folder.File(Path.Combine("killed", "graph.json")));
        Assert.Equal(0, CommandLine.Run(Arguments(whole)).Code);
        Killing.InTheMiddle(
            Path.GetDirectoryName(file)!,
            () =>
                Process.Start(
                    new ProcessStartInfo(
                        Environment.ProcessPath!,
                        [Path.Combine(AppContext.BaseDirectory, "gemmascope.dll"), .. Arguments(file)]
                    )
                    {
                        RedirectStandardOutput = true,
                        RedirectStandardError = true,
                    }
                )!,
            // The targets and the first features.
            () => new FileInfo(file + ".rows") is { Exists: true, Length: > 1 << 16 },
            () => File.Exists(file)
        );
        Assert.Equal([file + ".rows"], Directory.GetFiles(Path.GetDirectoryName(file)!));

        Assert.Contains("another budget", Refused(Arguments(file, "301")).Error);
        var run = CommandLine.Run(Arguments(file));
        Assert.Equal(0, run.Code);
        Assert.Contains("goes on with", run.Error);
        Assert.Equal(File.ReadAllText(whole), File.ReadAllText(file));
        Assert.Equal([file], Directory.GetFiles(Path.GetDirectoryName(file)!));
    }

    [Theory]
    [InlineData("--budget", "--budget", "0")]
    [InlineData("--node-share", "--node-share", "0")]
    [InlineData("--mass", "--mass", "1.5")]
    [InlineData("--site", "--site", "resid_post")]
    [InlineData("--target", "--target", "two words")]
    [InlineData("--target", "--target", "#99999999")]
    [InlineData("--target", "--target", "feature:3")]
    [InlineData("does not fire", "--target", "feature:3/0@1")]
    [InlineData("sparse autoencoder", "--transcoders", "demo-scope/resid_post/layer_3_width_2k_l0_32")]
    [InlineData("--zero-positions", "--zero-positions", "0")]
    public void what_cannot_be_is_said_in_the_words_of_the_command(string words, string option, string value)
    {
        var file = _folder.File("graph.json");
        var run = Refused("circuit", Text, option, value, "--out", file);
        Assert.Contains(words, run.Error);
        Assert.DoesNotContain("internal error", run.Error);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public void a_text_of_one_token_and_a_damaged_graph_are_refused()
    {
        Assert.Contains("longer text", Refused("circuit", "The", "--no-bos").Error);
        Assert.Contains("cut short", Refused("circuit", "show", _folder.Write("cut.json", "{\"metadata\":")).Error);
    }

    [Fact]
    public void a_folder_without_known_transcoders_says_what_is_missing()
    {
        var folder = Fixtures.Path("attribution", "transcoders", "gemma2-scope1");
        Assert.Contains("--site", Refused("circuit", Text, "--transcoders", folder).Error);
        Assert.Contains("belongs to another model", Refused("circuit", Text, "--transcoders", folder, "--site", "ln2_normalized").Error);
    }

    [Fact]
    public void predictions_are_checked_by_turning_features_off()
    {
        var run = CommandLine.Run("circuit", "check", Text, "--strongest", "4", "--random", "3");
        Assert.Matches(@"attention, norms, MLPs\s+strongest\s+12\s+1\.000\s+1\.000 of 12", run.Out);
        Assert.Matches(@"nothing\s+random\s+9", run.Out);
        var json = Json("circuit", "check", Text, "--strongest", "1", "--random", "0", "--json");
        Assert.Equal("constrained", json.GetProperty("agreement")[0].GetProperty("mode").GetString());
        Assert.Equal(3, json.GetProperty("effects").GetArrayLength());
        Assert.Contains("--random", Refused("circuit", "check", Text, "--strongest", "0", "--random", "0").Error);
    }

    [Fact]
    public void predictions_of_the_demo_hold_where_all_else_is_fixed()
    {
        foreach (var text in (string[])[Text, "She went to the", "In the year 1990, the president of"])
        {
            var constrained = Json("circuit", "check", text, "--strongest", "20", "--random", "20", "--json").GetProperty("agreement")[0];
            foreach (var side in (string[])["strongest", "random"])
                Assert.True(constrained.GetProperty(side).GetProperty("spearman").GetDouble() >= 0.9, text);
        }
    }

    [Fact]
    public void circuits_of_rising_size_are_measured_beside_random_ones_and_neurons()
    {
        var texts = _folder.Write("texts.txt", "The river rose in spring, and the fields were under water for a week.");
        string[] check = ["circuit", "check", Text, "--target", " States/ Kingdom", "--strongest", "1", "--random", "0", "--curve"];
        var run = CommandLine.Run([.. check, "--reference", texts, "--random-circuits", "2"]);
        Assert.Matches(@"features\s+474\s", run.Out);
        Assert.Matches(@"random: CPR -?\d", run.Out);
        var json = Json([.. check, "--reference", texts, "--random-circuits", "2", "--json"]).GetProperty("faithfulness");
        string[] kinds = [.. json.GetProperty("curves").EnumerateArray().Select(curve => curve.GetProperty("kind").GetString()!)];
        Assert.Equal(
            ["features", "features_by_gradient", "random_features", "features_without_errors", "neurons", "as_many_neurons"],
            kinds
        );
        foreach (var curve in json.GetProperty("curves").EnumerateArray())
        {
            var points = curve.GetProperty("points").EnumerateArray().ToArray();
            Assert.Equal(10, points.Length);
            // The area, from the numbers that are reported.
            double Share(int i) => points[i].GetProperty("share").GetDouble();
            double F(int i) => points[i].GetProperty("helpful").GetDouble();
            var area = Enumerable.Range(1, 9).Sum(i => (Share(i) - Share(i - 1)) * (F(i) + F(i - 1)) / 2);
            Assert.Equal(area, curve.GetProperty("cpr").GetDouble(), 1e-9);
        }
        Assert.Equal(1, json.GetProperty("curves")[0].GetProperty("points")[9].GetProperty("helpful").GetDouble(), 1e-4);
        Assert.Contains("--random-circuits", Refused([.. check, "--random-circuits", "-1"]).Error);
        Assert.Contains("missing.txt", Refused([.. check, "--reference", _folder.File("missing.txt")]).Error);
        Assert.Contains("--reference", Refused([.. check, "--reference", _folder.Write("empty.txt", "")]).Error);
    }

    [Fact]
    public void a_saved_graph_carries_what_interventions_say_of_it()
    {
        var file = _folder.File("graph.json");
        var run = CommandLine.Run("circuit", Text, "--out", file, "--target", " States/ Kingdom", "--node-share", "1");
        Assert.Matches(@"fixed: attention, norms, MLPs\s+Spearman 1\.000 \(n 10\), signs 1\.000", run.Out);
        var shown = CommandLine.Run("circuit", "show", file).Out;
        Assert.Matches(@"features by gradient\s+CPR -?\d", shown);
        var check = Json("circuit", "show", file, "--json").GetProperty("check");
        Assert.Equal(3, check.GetProperty("agreement").GetArrayLength());
        Assert.Equal(6, check.GetProperty("faithfulness").GetProperty("curves").GetArrayLength());

        // Checked again from the file, its target as it was named.
        var again = Json("circuit", "check", file, "--strongest", "20", "--random", "20", "--json");
        Assert.True(again.GetProperty("agreement")[0].GetProperty("strongest").GetProperty("spearman").GetDouble() >= 0.9);
        var activations = again.GetProperty("activations");
        Assert.InRange(activations.GetProperty("firing").GetInt32(), 2, activations.GetProperty("features").GetInt32());
        Assert.InRange(activations.GetProperty("largest_difference").GetDouble(), 0, 1e-4);
        Assert.All(again.GetProperty("effects").EnumerateArray(), one => Assert.Contains(" over ", one.GetProperty("target").GetString()));

        Assert.DoesNotContain("Spearman", CommandLine.Run("circuit", Text).Out);
    }

    [Fact]
    public void a_graph_without_figures_says_so_and_gets_them_by_a_check()
    {
        var file = _folder.File("graph.json");
        CommandLine.Run("circuit", Text, "--out", file, "--no-check");
        Assert.Contains("none in this graph", CommandLine.Run("circuit", "show", file).Out);
        var checkedFile = _folder.File("checked.json");
        var run = CommandLine.Run("circuit", "check", file, "--curve", "--out", checkedFile);
        Assert.Matches(@"(\d+) of \1 fire here", run.Out);
        Assert.Contains("as many neurons", run.Out);
        Assert.Contains("CPR", CommandLine.Run("circuit", "show", checkedFile).Out);
        Assert.Equal(GraphDocument.Read(file).Links, GraphDocument.Read(checkedFile).Links);
        Assert.Contains("--force", Refused("circuit", "check", file, "--out", checkedFile).Error);
        Assert.Contains("--out", Refused("circuit", "check", Text, "--out", checkedFile).Error);
    }

    [Fact]
    public void a_graph_whose_model_or_transcoders_are_not_here_says_which()
    {
        var file = _folder.File("graph.json");
        CommandLine.Run("circuit", Text, "--out", file, "--no-check");
        var text = File.ReadAllText(file);
        string Changed(string old, string changed)
        {
            Assert.Contains(old, text);
            return _folder.Write("changed.json", text.Replace(old, changed));
        }
        Assert.Contains(
            "no_such_folder",
            Refused("circuit", "check", Changed("\"model\":\"demo-pt\"", "\"model\":\"./no_such_folder\"")).Error
        );
        Assert.Contains(
            "no_such_set",
            Refused("circuit", "check", Changed("\"transcoders\":[]", "\"transcoders\":[\"./no_such_set\"]")).Error
        );
        // Of another program, which says nothing of it.
        var foreign = Changed("\"origin\":", "\"other\":");
        File.WriteAllText(foreign, File.ReadAllText(foreign).Replace("\"scan\":\"demo-pt\"", "\"scan\":\"gemma-9-2b\""));
        Assert.Contains("--model", Refused("circuit", "check", foreign).Error);
        Assert.Matches(@"(\d+) of \1 fire here", CommandLine.Run("circuit", "check", foreign, "--model", "demo-pt").Out);
        // A whole path is not written into a file that others get.
        CommandLine.Run(
            "circuit",
            Text,
            "--out",
            file,
            "--no-check",
            "--force",
            "--transcoders",
            Fixtures.Model("demo-scope", "transcoder_all")
        );
        Assert.DoesNotContain(Fixtures.Repository, File.ReadAllText(file));
        Assert.Matches(@"(\d+) of \1 fire here", CommandLine.Run("circuit", "check", file).Out);
        // Another model has other tokens.
        Assert.Contains("another model", Refused("circuit", "check", Changed("\"prompt_ids\":[2,", "\"prompt_ids\":[3,")).Error);
        Assert.Contains("another model", Refused("circuit", "check", Changed("\"prompt_ids\":[2,", "\"prompt_ids\":[2,2,")).Error);
        Assert.Contains("another model", Refused("circuit", "check", Changed("\"prompt_ids\":[2,", "\"prompt_ids\":[99999999,")).Error);
        Assert.Contains("cut short", Refused("circuit", "check", _folder.Write("cut.json", "{\"metadata\":")).Error);
        Assert.Contains("missing.json", Refused("circuit", "check", _folder.File("missing.json")).Error);
    }

    [Fact]
    public void features_that_stand_in_for_each_other_are_proposed_as_supernodes_and_written_into_the_graph()
    {
        string[] settings = ["--node-share", "1", "--threshold", "0.25", "--least-stand-in", "0.05", "--tokens", "3000", "--controls", "3"];
        var grouped = _folder.File("grouped.json");
        var run = CommandLine.Run(["circuit", "group", Text, .. settings, "--out", grouped], []);
        Assert.True(run.Code == 0, run.Error);
        Assert.Matches(@"groups\s+\d+ proposed, [1-9]\d* validated", run.Out);
        var graph = GraphDocument.Read(grouped);
        var groups = graph.View.Supernodes.Select(one => one.EnumerateArray().Select(part => part.GetString()!).ToArray()).ToArray();
        Assert.NotEmpty(groups);
        Assert.All(groups, group => Assert.All(group[1..], id => Assert.Contains(graph.Nodes, node => node.NodeId == id)));
        Assert.Equal(groups.SelectMany(group => group[1..]).Order(), graph.View.PinnedIds.Order());

        // The same from the graph alone; what it has already is not proposed twice.
        var file = _folder.File("graph.json");
        CommandLine.Run("circuit", Text, "--node-share", "1", "--out", file);
        var json = Json(["circuit", "group", file, .. settings, "--json"]);
        string Members(JsonElement group) =>
            string.Join(' ', group.GetProperty("members").EnumerateArray().Select(member => member.GetProperty("node").GetString()));
        Assert.Equal(
            groups.Select(group => string.Join(' ', group[1..])).Order(),
            json.GetProperty("groups")
                .EnumerateArray()
                .Where(group => group.GetProperty("is_validated").GetBoolean())
                .Select(Members)
                .Order()
        );
        var again = _folder.File("again.json");
        CommandLine.Run(["circuit", "group", grouped, .. settings, "--out", again], []);
        Assert.Equal(groups.Length, GraphDocument.Read(again).View.Supernodes.Count);
    }

    [Theory]
    [InlineData("--threshold", "--threshold", "0")]
    [InlineData("--least-stand-in", "--least-stand-in", "2")]
    [InlineData("--most-features", "--most-features", "1")]
    [InlineData("--controls", "--controls", "0")]
    [InlineData("nowhere.txt", "--text", "nowhere.txt")]
    public void groups_that_cannot_be_made_are_refused_in_the_words_of_the_command(string words, string option, string value) =>
        Assert.Contains(words, Refused("circuit", "group", Text, option, value).Error);

    [Fact]
    public void a_graph_of_another_model_cannot_be_grouped()
    {
        var other = Fixtures.Path("attribution", "graphs", "gemma2-scope1-p0", "graph.json");
        Assert.Contains("another tokenizer", Refused("circuit", "group", other).Error);
    }

    [Fact]
    public void a_logit_is_split_into_parts_that_add_up()
    {
        var run = CommandLine.Run("circuit", "logits", Text, "--top", "3");
        Assert.Equal(0, run.Code);
        Assert.Contains("\" States\" after \" United\" at 5", run.Out);
        Assert.Matches(@"\d+ others\s+[+-]\d", run.Out);
        var json = Json("circuit", "logits", Text, "--target", " States/ Kingdom", "--top", "5", "--json");
        var parts = json.GetProperty("parts");
        Assert.Equal(5, parts.GetArrayLength());
        double Sum(string name) => json.GetProperty(name).EnumerateArray().Sum(part => part.GetProperty("value").GetDouble());
        var value = json.GetProperty("value").GetDouble();
        Assert.Equal(value, Sum("components"), 1e-4);
        Assert.Equal(value, Sum("parts") + json.GetProperty("other_value").GetDouble(), 1e-4);
        // At position 1 another word comes next.
        var early = Json("circuit", "logits", Text, "--position", "1", "--json");
        Assert.NotEqual("\" States\"", early.GetProperty("target").GetString());
        Assert.Contains("--position", Refused("circuit", "logits", Text, "--position", "6").Error);
        Assert.Contains("--top", Refused("circuit", "logits", Text, "--top", "-1").Error);
        Assert.Contains("--target", Refused("circuit", "logits", Text, "--target", "feature:3/1@5").Error);
    }

    [Fact]
    public void a_logit_of_a_model_without_transcoders_is_split_into_whole_mlps()
    {
        // By its folder the demo model is any model.
        var json = Json("circuit", "logits", Text, "--model", Fixtures.Model("demo-pt"), "--top", "5000", "--json");
        string[] kinds = [.. json.GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("kind").GetString()!)];
        Assert.Equal(["embedding", "head", "mlp", "soft_cap"], kinds.Distinct().Order());
        Assert.InRange(json.GetProperty("error").GetDouble(), 0, 1e-4);
        Assert.Equal(0, json.GetProperty("transcoders").GetArrayLength());
    }

    [Fact]
    public void a_heads_score_is_split_into_pairs()
    {
        var run = CommandLine.Run("circuit", "attention", Text, "--layer", "4", "--head", "0", "--key", "2", "--top", "4");
        Assert.Equal(0, run.Code);
        Assert.Contains("4/0: \" United\" at 5 looks at \" people\" at 2", run.Out);
        var json = Json("circuit", "attention", Text, "--layer", "0", "--head", "1", "--query", "3", "--key", "2", "--json");
        var pair = Assert.Single(json.GetProperty("pairs").EnumerateArray());
        Assert.Equal("token", pair.GetProperty("key").GetProperty("kind").GetString());
        Assert.Equal(json.GetProperty("score").GetDouble(), pair.GetProperty("value").GetDouble(), 1e-3);
        Assert.Contains("--head", Refused("circuit", "attention", Text, "--layer", "0", "--head", "99", "--key", "2").Error);
        Assert.Contains("--key", Refused("circuit", "attention", Text, "--layer", "0", "--head", "0", "--query", "2", "--key", "3").Error);
    }

    [Fact]
    public void an_edge_is_split_into_heads_that_add_up()
    {
        var graph = _folder.File("graph.json");
        CommandLine.Run("circuit", Text, "--target", " States", "--out", graph, "--node-share", "1", "--edge-share", "1");
        var document = GraphDocument.Read(graph);
        var nodes = document.Nodes.ToDictionary(node => node.NodeId);
        // The strongest of each kind; names of nodes are what the command takes.
        foreach (var kind in (GraphNodeKind[])[GraphNodeKind.Token, GraphNodeKind.Feature, GraphNodeKind.Error])
        {
            var link = document
                .Links.Where(one => nodes[one.Source].Kind == kind && nodes[one.Target].Kind == GraphNodeKind.Target)
                .MaxBy(one => Math.Abs(one.Weight))!;
            var (from, to) = (CircuitNodes.NameOf(document, nodes[link.Source])!, CircuitNodes.NameOf(document, nodes[link.Target])!);
            var json = Json("circuit", "edge", Text, "--from", from, "--to", to, "--top", "3", "--json");
            var heads = json.GetProperty("heads").EnumerateArray().ToArray();
            // Behind the last layer's MLP there is none.
            Assert.Equal(nodes[link.Source].Layer == "5" ? 0 : 3, heads.Length);
            foreach (var column in (string[])["last", "first"])
                Assert.Equal(
                    link.Weight,
                    json.GetProperty("direct").GetDouble()
                        + heads.Sum(head => head.GetProperty(column).GetDouble())
                        + json.GetProperty($"other_{column}").GetDouble(),
                    1e-4
                );
        }
        var run = CommandLine.Run("circuit", "edge", Text, "--from", "token@2", "--to", " States");
        Assert.Equal(0, run.Code);
        Assert.Contains("token@2 → \" States\"", run.Out);
        Assert.Matches(@"directly\s+0\.0000", run.Out);
        Assert.Contains("--from", Refused("circuit", "edge", Text, "--from", "1_2_3", "--to", " States").Error);
        Assert.Contains("--to", Refused("circuit", "edge", Text, "--from", "token@2", "--to", "two words").Error);
        Assert.Contains("does not fire", Refused("circuit", "edge", Text, "--from", "feature:3/0@1", "--to", " States").Error);
        Assert.Contains("positions 0 to 5", Refused("circuit", "edge", Text, "--from", "token@6", "--to", " States").Error);
    }

    [Fact]
    public void the_graphs_of_two_texts_are_compared_at_positions_that_belong_together()
    {
        const string longer = "The good people of the United";
        var run = CommandLine.Run("circuit", "compare", Text, longer, "--top", "3", "--transcoders", OneLayer);
        Assert.Equal(0, run.Code);
        Assert.Contains("in the second alone", run.Out);
        Assert.Equal(1, run.Error.Split("layers 0, 1, 2, 4, 5 have no transcoder").Length - 1);
        var json = Json("circuit", "compare", Text, longer, "--target", " States", "--top", "5000", "--json");
        var target = Assert.Single(json.GetProperty("targets").EnumerateArray());
        foreach (var (side, text) in new[] { ("first", Text), ("second", longer) })
        {
            var alone = Json("circuit", text, "--target", " States", "--json");
            Assert.Equal(alone.GetProperty("targets")[0].GetProperty("value").GetDouble(), target.GetProperty(side).GetDouble(), 1e-6);
            // Every feature is in one list.
            var only = json.GetProperty($"only_{side}").EnumerateArray().Count(node => node.GetProperty("kind").GetString() == "feature");
            Assert.Equal(alone.GetProperty("active_features").GetInt32(), only + json.GetProperty("shared_features").GetInt32());
        }
        // The word that was put in is in the second alone; words after it keep together one position apart.
        var inserted = json.GetProperty("only_second")
            .EnumerateArray()
            .Where(node => node.GetProperty("kind").GetString() == "token")
            .Select(node => node.GetProperty("token").GetString());
        Assert.Equal([" good"], inserted);
        Assert.All(
            json.GetProperty("changed_activations").EnumerateArray(),
            pair =>
            {
                int At(string side) => pair.GetProperty(side).GetProperty("position").GetInt32();
                Assert.Equal(At("first") < 2 ? At("first") : At("first") + 1, At("second"));
                Assert.Equal(
                    pair.GetProperty("second").GetProperty("activation").GetDouble()
                        - pair.GetProperty("first").GetProperty("activation").GetDouble(),
                    pair.GetProperty("activation_change").GetDouble(),
                    1e-5
                );
            }
        );
        Assert.NotEmpty(json.GetProperty("changed_activations").EnumerateArray());
        Assert.Contains("same text", Refused("circuit", "compare", Text, Text).Error);
    }

    [Fact]
    public void a_budget_leaves_influence_out_but_not_features()
    {
        var json = Json("circuit", "compare", Text, "The people of the world", "--budget", "20", "--top", "5000", "--json");
        var nodes = json.GetProperty("only_first").EnumerateArray().Where(node => node.GetProperty("kind").GetString() == "feature");
        Assert.Contains(nodes, node => node.GetProperty("share").ValueKind == JsonValueKind.Null);
        var tokens = json.GetProperty("only_first").EnumerateArray().Where(node => node.GetProperty("kind").GetString() == "token");
        Assert.Equal(" United", Assert.Single(tokens).GetProperty("token").GetString());
    }

    /// <summary>The JSON of a run that also has something to say.</summary>
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
