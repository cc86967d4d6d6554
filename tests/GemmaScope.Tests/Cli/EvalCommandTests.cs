using System.Text.RegularExpressions;
using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class EvalCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public EvalCommandTests()
    {
        File.WriteAllText(_folder.File("a.txt"), "The cat sat on the mat. It looked at the dog, and the dog looked back.");
        File.WriteAllText(
            _folder.File("b.jsonl"),
            "{\"text\": \"Paris is the capital of France.\"}\n\n{\"text\": \"Two and two are four.\", \"id\": 7}\n"
        );
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void json_has_every_metric()
    {
        var json = Eval("--json").Json();
        Assert.Equal(
            json.GetProperty("tokens").GetInt64(),
            json.GetProperty("counted_tokens").GetInt64() + json.GetProperty("excluded_tokens").GetInt64()
        );
        var one = json.GetProperty("dictionaries")[0];
        foreach (
            var name in new[]
            {
                "l0",
                "fvu",
                "ev",
                "mse",
                "cosine",
                "reconstruction_bias",
                "uniformity",
                "delta_loss",
                "loss_recovered",
                "kl_score",
            }
        )
            Assert.True(double.IsFinite(one.GetProperty(name).GetDouble()), name);
        Assert.Equal(
            one.GetProperty("width").GetInt32(),
            one.GetProperty("dead_features").GetInt32()
                + one.GetProperty("density_histogram").GetProperty("counts").EnumerateArray().Sum(count => count.GetInt32())
        );
        Assert.Equal(0, one.GetProperty("by_position")[0].GetProperty("rows").GetInt32());
        Assert.Equal(
            ["spliced", "zero_ablated", "spliced_bos_too"],
            Eval("--also", "bos-too", "--json")
                .Json()
                .GetProperty("dictionaries")[0]
                .GetProperty("runs")
                .EnumerateArray()
                .Select(run => run.GetProperty("run").GetString())
        );
    }

    [Fact]
    public void the_table_says_how_many_tokens_are_left_out_and_labels_what_is_only_to_compare()
    {
        var found = Eval("--no-losses");
        Assert.Equal(0, found.Code);
        Assert.Contains("are left out: position 0", found.Out);
        Assert.Contains("only to compare", found.Out);
        Assert.Contains("not measured", found.Out);
    }

    [Fact]
    public void an_evaluation_in_two_parts_is_that_of_the_whole()
    {
        var state = _folder.File("state");
        Eval("--tokens", "20", "--batch", "1", "--resume", state, "--json").Json();
        var resumed = Eval("--resume", state, "--batch", "1", "--json").Json();
        var whole = Eval("--batch", "1", "--json").Json();
        Assert.Equal(whole.ToString(), resumed.ToString());
    }

    [Fact]
    public void a_state_of_another_evaluation_is_refused()
    {
        var state = _folder.File("state");
        Eval("--resume", state, "--json").Json();
        Eval("--resume", state, "--no-losses").IsRefused(state, "another runs");
    }

    [Fact]
    public void an_interrupted_evaluation_keeps_what_it_has()
    {
        var state = _folder.File("state");
        Eval("--tokens", "20", "--resume", state, "--json").Json();
        var interrupted = CommandLine.Run(Arguments("--resume", state), [], cancellationToken: new CancellationToken(canceled: true));
        Assert.Equal(130, interrupted.Code);
        Assert.Contains($"go on with --resume {state}", interrupted.Error);
        Eval("--resume", state, "--json").Json();
    }

    [Fact]
    public void several_dictionaries_share_a_pass_and_are_spliced_together()
    {
        var fixture = Fixtures.Path("evaluation", "spliced", "dictionaries");
        // The same one twice, under its path.
        var demo = Fixtures.Model("demo-sae");
        var json = Eval("--sae", demo, "--sae", demo, "--splice-all", "--json").Json();
        Assert.Equal(2, json.GetProperty("dictionaries").GetArrayLength());
        Assert.Equal(2, json.GetProperty("together")[0].GetProperty("inside_spliced_run").GetArrayLength());
        Eval("--sae", fixture).IsRefused("gemma-scope");
    }

    [Fact]
    public void the_page_needs_nothing_else_and_has_plots()
    {
        var page = _folder.File("page.html");
        Assert.Equal(0, Eval("--html", page).Code);
        var html = File.ReadAllText(page);
        Assert.DoesNotMatch(new Regex("<script|src=|https?://", RegexOptions.IgnoreCase), html);
        foreach (var title in new[] { "Delta loss against L0", "Density,", "FVU by position" })
            Assert.Contains(title, html);
        Assert.DoesNotContain("NaN", html);
    }

    [Theory]
    [InlineData("no 'text'", "{\"txt\": 1}")]
    [InlineData("line 1 is not valid JSON", "{")]
    public void a_bad_line_is_refused(string says, string line)
    {
        File.WriteAllText(_folder.File("b.jsonl"), line);
        CommandLine.Run("eval", "--text", _folder.File("b.jsonl")).IsRefused("b.jsonl", says.Replace("no '", "no string '"));
    }

    [Theory]
    [InlineData("--window", "1", "BOS and a token")]
    [InlineData("--batch", "0", "--batch")]
    [InlineData("--tokens", "0", "--tokens")]
    [InlineData("--text", "no-such-folder", "does not exist")]
    public void bad_input_is_refused(string option, string value, string says) => Eval(option, value).IsRefused(says);

    private CommandLine Eval(params string[] more) => CommandLine.Run(Arguments(more));

    private string[] Arguments(params string[] more) =>
        [
            .. (string[])
                [
                    "eval",
                    .. more.Contains("--text") ? [] : (string[])["--text", _folder.File("a.txt"), _folder.File("b.jsonl")],
                    .. more.Contains("--window") ? [] : (string[])["--window", "16"],
                    .. more,
                ],
        ];
}
