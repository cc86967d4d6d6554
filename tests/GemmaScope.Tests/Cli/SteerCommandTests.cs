using Xunit;

namespace GemmaScope.Tests.Cli;

public class SteerCommandTests
{
    private static readonly string[] Short = ["steer", "The people of", "--max-tokens", "6", "--temperature", "0"];

    [Fact]
    public void both_texts_stand_below_each_other_in_a_pipe_and_numbers_on_the_standard_error()
    {
        var run = CommandLine.Run([.. Short, "--feature", "681", "--strength", "60"]);
        Assert.Equal(0, run.Code);
        var normal = CommandLine
            .Run("generate", "The people of", "--max-tokens", "6", "--temperature", "0", "--frequency-penalty", "1")
            .Out.TrimEnd('\n');
        Assert.StartsWith($"normal\n{normal}\n\nsteered: 681 × 60, add at resid_post.3, all positions\n", run.Out);
        Assert.Contains("KL from normal", run.Error);
    }

    [Fact]
    public void both_texts_stand_side_by_side_on_a_terminal()
    {
        var run = CommandLine.Run([.. Short, "--feature", "681", "--mode", "ablate"], [], terminal: true);
        Assert.Equal(0, run.Code);
        var last = run.Out[run.Out.LastIndexOf('╭')..].Split('\n');
        Assert.Contains(last, line => line.Contains("normal") && line.Contains("steered: 681, ablate at resid_post.3"));
    }

    [Theory]
    [InlineData("add", "20")]
    [InlineData("add-unit", "40")]
    [InlineData("clamp", "30")]
    [InlineData("ablate", null)]
    [InlineData("directional", null)]
    [InlineData("everywhere", null)]
    [InlineData("orthogonal", "-3")]
    [InlineData("cap", "-5")]
    [InlineData("norm-matched", "80")]
    public void every_mode_changes_the_predictions_and_says_so_in_json(string mode, string? strength)
    {
        var json = CommandLine
            .Run([.. Short, "--feature", "681", "--mode", mode, .. strength is null ? (string[])[] : ["--strength", strength], "--json"])
            .Json();
        Assert.Equal(mode, json.GetProperty("mode").GetString());
        Assert.Equal(0, json.GetProperty("normal").GetProperty("kl").GetDouble());
        var steered = json.GetProperty("steered")[0];
        Assert.True(steered.GetProperty("kl").GetDouble() > 1e-6);
        Assert.Equal(6, steered.GetProperty("ids").GetArrayLength());
        Assert.Equal(
            strength is null ? [] : [double.Parse(strength)],
            steered.GetProperty("strengths").EnumerateArray().Select(value => value.GetDouble())
        );
    }

    [Fact]
    public void features_have_strengths_of_their_own()
    {
        var json = CommandLine
            .Run([.. Short, "--feature", "681:30", "--feature", "1221:0", "--feature", "12", "--strength", "-2", "--json"])
            .Json();
        Assert.Equal(
            [30.0, 0, -2],
            json.GetProperty("steered")[0].GetProperty("strengths").EnumerateArray().Select(value => value.GetDouble())
        );
    }

    [Fact]
    public void a_sweep_is_a_table_whose_numbers_grow_with_the_strength()
    {
        var run = CommandLine.Run([.. Short, "--feature", "681", "--sweep", "-200,0,10,200"]);
        Assert.Equal(["strength", "normal", "-200", "0", "10", "200"], run.Lines.Select(line => line.Trim().Split(' ')[0]));
        double[] kl = [.. run.Lines[1..].Select(line => double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]))];
        Assert.Equal((0, 0), (kl[0], kl[2]));
        Assert.True(kl[4] > kl[3] && kl[1] > kl[3]);
    }

    [Fact]
    public void only_new_tokens_leave_the_first_as_it_is_and_bos_counts_only_when_asked_for()
    {
        (int First, double Kl) Steered(params string[] more)
        {
            var json = CommandLine
                .Run([.. Short, "--feature", "681", "--strength", "200", "--json", .. more])
                .Json()
                .GetProperty("steered")[0];
            return (json.GetProperty("ids")[0].GetInt32(), json.GetProperty("kl").GetDouble());
        }
        var normal = CommandLine
            .Run([.. Short, "--feature", "681", "--json"])
            .Json()
            .GetProperty("normal")
            .GetProperty("ids")[0]
            .GetInt32();
        Assert.Equal(normal, Steered("--positions", "new").First);
        Assert.NotEqual(normal, Steered("--positions", "last").First);
        Assert.NotEqual(Steered().Kl, Steered("--bos").Kl);
    }

    [Fact]
    public void a_contrast_vector_needs_no_dictionary()
    {
        using var folder = new TemporaryFolder();
        var pairs = Path.Combine(folder.Path, "pairs.jsonl");
        File.WriteAllText(
            pairs,
            "{\"prompt\":\"This is\",\"positive\":\" good\",\"negative\":\" bad\"}\n{\"positive\":\"Yes\",\"negative\":\"No\"}\n"
        );
        var json = CommandLine.Run([.. Short, "--contrast", pairs, "--layer", "3", "--strength", "8", "--json"]);
        Assert.Equal(0, json.Code);
        var root = (json with { Error = "" }).Json();
        Assert.Equal(("new", 2), (root.GetProperty("positions").GetString(), root.GetProperty("contrast").GetProperty("pairs").GetInt32()));
        Assert.True(root.GetProperty("contrast").GetProperty("norm").GetDouble() > 0);
        CommandLine.Run([.. Short, "--contrast", pairs]).IsRefused("--layer");
        CommandLine.Run([.. Short, "--contrast", pairs, "--layer", "3", "--feature", "1"]).IsRefused("--contrast");
        CommandLine.Run([.. Short, "--contrast", pairs, "--layer", "99"]).IsRefused("layers 0 to");
    }

    [Fact]
    public void a_chat_is_answered_in_the_model_s_turn()
    {
        string[] chat = ["steer", "Hello", "--model", "demo-it", "--sae", "demo-sae", "--feature", "681", "--chat", "--max-tokens", "4"];
        var run = CommandLine.Run([.. chat, "--json"]);
        // The dictionary is the other model's, which is said and harms nothing.
        Assert.Contains("demo-pt", run.Error, StringComparison.Ordinal);
        var json = (run with { Error = "" }).Json();
        Assert.True(json.GetProperty("chat").GetBoolean());
        Assert.True(json.GetProperty("prompt_ids").GetArrayLength() > 6);
    }

    [Theory]
    [InlineData("--feature", "name a feature")]
    [InlineData("--feature", "no feature", "--feature", "six")]
    [InlineData("--feature", "no number", "--feature", "6:six")]
    [InlineData("feature", "0 to 2047", "--feature", "5000")]
    [InlineData("feature", "twice", "--feature", "5:1", "--feature", "5:2")]
    [InlineData("--mode", "norm-matched", "--feature", "6", "--mode", "more")]
    [InlineData("--strength", "no strength", "--feature", "6", "--mode", "ablate", "--strength", "3")]
    [InlineData("--feature", "no strength", "--feature", "6:2", "--mode", "everywhere")]
    [InlineData("--strength", "needed for cap", "--feature", "6", "--mode", "cap")]
    [InlineData("--sweep", "not both", "--feature", "6", "--sweep", "1,2", "--strength", "3")]
    [InlineData("--sweep", "no number", "--feature", "6", "--sweep", "1,,2")]
    [InlineData("--sweep", "single features", "--feature", "6:1", "--sweep", "1,2")]
    [InlineData("--positions", "all, last, new", "--feature", "6", "--positions", "some")]
    [InlineData("temperature", "greedy", "--feature", "6", "--temperature", "-1")]
    public void what_makes_no_sense_is_refused(string where, string says, params string[] arguments) =>
        CommandLine.Run(["steer", "The people of", "--max-tokens", "2", .. arguments]).IsRefused(where, says);
}
