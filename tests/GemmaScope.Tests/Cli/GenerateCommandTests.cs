using Xunit;

namespace GemmaScope.Tests.Cli;

public class GenerateCommandTests
{
    [Fact]
    public void the_text_goes_to_the_output_and_the_speed_to_the_errors()
    {
        var run = CommandLine.Run("generate", "The cat", "--max-tokens", "5", "--temperature", "0");
        Assert.Equal(0, run.Code);
        Assert.Single(run.Lines);
        Assert.Contains("5 tokens", run.Error);
        Assert.Contains("tokens/s", run.Error);
    }

    [Fact]
    public void a_seed_gives_the_same_text_again()
    {
        string[] arguments =
        [
            "generate",
            "The cat",
            "--max-tokens",
            "8",
            "--seed",
            "7",
            "--top-k",
            "50",
            "--top-p",
            "0.9",
            "--repetition-penalty",
            "1.1",
        ];
        Assert.Equal(CommandLine.Run(arguments).Out, CommandLine.Run(arguments).Out);
    }

    [Fact]
    public void json_has_prompt_ids_and_the_reason_to_stop()
    {
        var json = CommandLine.Run("generate", "The cat", "--max-tokens", "3", "--temperature", "0", "--json").Json();
        Assert.Equal([2, 469, 2740], json.GetProperty("prompt_ids").EnumerateArray().Select(id => id.GetInt32()));
        Assert.Equal(3, json.GetProperty("ids").GetArrayLength());
        Assert.Equal("max_tokens", json.GetProperty("stopped_by").GetString());
        Assert.Equal("exact", json.GetProperty("arithmetic").GetString());
    }

    [Fact]
    public void a_prompt_that_begins_with_the_bos_gets_no_second_one()
    {
        string[] rest = ["--max-tokens", "3", "--temperature", "0", "--json"];
        var plain = CommandLine.Run(["generate", "The cat", .. rest]).Json();
        var marked = CommandLine.Run(["generate", "<bos>The cat", .. rest]).Json();
        Assert.Equal(plain.GetProperty("prompt_ids").ToString(), marked.GetProperty("prompt_ids").ToString());
        Assert.Equal(plain.GetProperty("ids").ToString(), marked.GetProperty("ids").ToString());
    }

    [Fact]
    public void a_bos_inside_the_prompt_is_said()
    {
        using var folder = TemporaryFolder.CopyOf(Fixtures.Model("demo-pt"));
        folder.Write("chat_template.jinja", "{% for m in messages %}{{ m.content }}{{ bos_token }}{% endfor %}");
        var run = CommandLine.Run(
            "steer",
            "The cat",
            "--model",
            folder.Path,
            "--sae",
            "demo-sae",
            "--feature",
            "1",
            "--chat",
            "--max-tokens",
            "1"
        );
        Assert.Contains("is a BOS that is written in the text", run.Error);
    }

    [Fact]
    public void a_full_context_is_told_from_an_end()
    {
        var prompt = string.Concat(Enumerable.Repeat("the ", 509));
        Assert.Equal("context", CommandLine.Run("generate", prompt, "--ignore-end", "--json").Json().GetProperty("stopped_by").GetString());
    }

    [Fact]
    public void a_prompt_longer_than_the_context_is_refused() =>
        CommandLine.Run("generate", string.Concat(Enumerable.Repeat("the ", 600))).IsRefused("prompt", "tokens", "512");

    [Fact]
    public void an_unknown_model_is_refused() => CommandLine.Run("generate", "x", "--model", "nosuch").IsRefused("nosuch");

    [Fact]
    public void a_folder_without_a_model_is_refused() =>
        CommandLine.Run("generate", "x", "--model", Fixtures.Path("demo")).IsRefused("config.json");

    [Fact]
    public void options_out_of_range_are_refused() => CommandLine.Run("generate", "x", "--top-p", "0").IsRefused("top-p");
}
