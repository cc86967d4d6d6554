using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class ChatCommandTests
{
    private static readonly string[] Short = ["--max-tokens", "4", "--temperature", "0"];

    [Fact]
    public void each_piped_line_is_a_turn_up_to_exit()
    {
        var run = CommandLine.Piped("Hello\nWho are you?\n/exit\nnever read\n", ["chat", .. Short, "--json"]);
        Assert.Contains("not tuned to chat", run.Error);
        var roles = (run with { Error = "" })
            .Json()
            .GetProperty("messages")
            .EnumerateArray()
            .Select(message => message.GetProperty("role").GetString());
        Assert.Equal(["user", "assistant", "user", "assistant"], roles);
    }

    [Theory]
    [InlineData("[{\"user\": \"Hello\", \"normal\": \"ANSWER\", \"steered\": \"Ahoy\"}]", "turns")]
    [InlineData("[{\"role\": \"user\", \"content\": \"Hello\"}, {\"role\": \"assistant\", \"content\": \"ANSWER\"}]", "messages")]
    public void a_conversation_in_a_file_goes_on_as_if_it_had_never_stopped(string said, string name)
    {
        using var folder = new TemporaryFolder();
        var whole = CommandLine.Run(["chat", .. Short, "--message", "Hello", "--message", "Why?", "--json"]) with { Error = "" };
        var messages = whole.Json().GetProperty("messages");
        var answer = JsonEncodedText.Encode(messages[1].GetProperty("content").GetString()!);
        File.WriteAllText(folder.File("chat.json"), $"{{\"{name}\": {said.Replace("ANSWER", $"{answer}")}}}");
        var resumed = CommandLine.Run(["chat", .. Short, "--resume", folder.File("chat.json"), "--message", "Why?", "--json"]);
        Assert.Equal($"{messages}", $"{(resumed with { Error = "" }).Json().GetProperty("messages")}");
    }

    [Theory]
    [InlineData("{}", "no conversation")]
    [InlineData("{\"turns\": [{\"user\": \"a\"}]}", "normal")]
    [InlineData("{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}", "does not end with an answer")]
    [InlineData("{\"messages\": [", "chat.json")]
    public void what_is_no_conversation_is_refused(string json, string told)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("chat.json"), json);
        var run = CommandLine.Run(["chat", "--resume", folder.File("chat.json"), "--message", "a"]);
        Assert.NotEqual(0, run.Code);
        Assert.Contains(told, run.Error);
    }

    [Fact]
    public void reset_forgets_what_was_said()
    {
        var run = CommandLine.Piped("Hello\n/reset\nHello\n", ["chat", .. Short]);
        Assert.Equal(2, run.Lines.Length);
        Assert.Equal(run.Lines[0], run.Lines[1]);
    }

    [Fact]
    public void a_conversation_continues_as_if_it_had_been_read_from_its_start()
    {
        var system = new[] { "--system", "Be brief." };
        var two = (
            CommandLine.Run(["chat", .. Short, .. system, "--message", "Hello", "--message", "Why?", "--json"]) with
            {
                Error = "",
            }
        ).Json();
        var messages = two.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("content").GetString()!).ToArray();
        Assert.Equal(["Be brief.", "Hello", "Why?"], [messages[0], messages[1], messages[3]]);

        var text =
            $"<start_of_turn>user\n{messages[0]}\n\n{messages[1]}<end_of_turn>\n<start_of_turn>model\n{messages[2]}<end_of_turn>\n<start_of_turn>user\n{messages[3]}<end_of_turn>\n<start_of_turn>model\n";
        var anew = CommandLine.Run(["generate", text, .. Short, "--json"]).Json();
        Assert.Equal(anew.GetProperty("text").GetString(), messages[4]);
    }

    [Fact]
    public void a_feature_is_watched_along_the_conversation()
    {
        using var folder = new TemporaryFolder();
        var page = folder.File("watched.html");
        string[] watch = ["--watch", "demo-sae:2037", "--report", page];
        var run = CommandLine.Run(["chat", .. Short, "--model", "demo-it", "--message", "Why is the sky blue?", .. watch]);
        Assert.Equal(0, run.Code);
        Assert.Matches(@"demo-sae:2037: user \d.* \(most .* at "".*""\), assistant", run.Error);
        Assert.Contains("<title>assistant</title>", File.ReadAllText(page), StringComparison.Ordinal);
        var ended = CommandLine.Run([
            "chat",
            .. Short,
            "--model",
            "demo-it",
            "--message",
            "Why is the sky blue?",
            .. watch,
            "--stop-above",
            "-1",
            "--json",
        ]);
        var stop = (ended with { Error = "" }).Json().GetProperty("watched").GetProperty("stops")[0];
        Assert.Equal("demo-sae:2037", stop.GetProperty("name").GetString());
        CommandLine.Run("chat", "--message", "Hello", "--stop-above", "3").IsRefused("--watch");
    }

    [Fact]
    public void a_conversation_longer_than_the_context_is_refused()
    {
        var run = CommandLine.Run(["chat", .. Short, "--message", string.Concat(Enumerable.Repeat("word ", 600))]);
        Assert.Equal(2, run.Code);
        Assert.Contains("/reset", run.Error);
    }

    [Fact]
    public void a_models_own_template_is_used_and_said()
    {
        using var folder = TemporaryFolder.CopyOf(Fixtures.Model("demo-it"));
        var jinja = folder.File("chat_template.jinja");
        File.Delete(jinja);
        var settings = folder.File("tokenizer_config.json");
        File.Copy(Fixtures.Path("trials", "chat_template_ignored", "tokenizer_config.json"), settings);
        string[] arguments = ["chat", "--model", folder.Path, "--message", "hi", .. Short, "--json"];
        var own = CommandLine.Run(arguments);
        Assert.Equal(0, own.Code);
        Assert.Contains("own chat template in tokenizer_config.json", own.Error);
        Assert.Contains("\"chat_template\": \"tokenizer_config.json\"", CommandLine.Run("info", folder.Path, "--json").Out);

        // The file of its own counts first, and this one refuses.
        File.Copy(Fixtures.Path("trials", "chat_template_ignored", "chat_template.jinja"), jinja);
        var refused = CommandLine.Run(arguments);
        Assert.Equal(2, refused.Code);
        Assert.Contains("chat_template.jinja: must not be used", refused.Error);
        Assert.Equal(2, CommandLine.Run("steer", "hi", "--model", folder.Path, "--sae", "demo-sae", "--feature", "1", "--chat").Code);

        // What a template of this kind cannot do is said with its place.
        File.WriteAllText(jinja, "{{ bos_token }}\n{% include 'x' %}");
        Assert.Contains("line 2 of the chat template: the tag 'include' is not supported", CommandLine.Run(arguments).Error);
    }

    [Fact]
    public void whoever_types_may_start_anew_when_the_context_is_full()
    {
        var lines = $"Hello\n{string.Concat(Enumerable.Repeat("word ", 600))}\n/reset\nHello\n";
        var run = CommandLine.Run(["chat", .. Short], Encoding.UTF8.GetBytes(lines), terminal: true);
        Assert.Equal(0, run.Code);
        Assert.Contains("error: chat:", run.Error);
        Assert.Equal(2, Regex.Count(run.Out, Regex.Escape(CommandLine.Piped("Hello\n", ["chat", .. Short]).Lines[0])));
    }
}
