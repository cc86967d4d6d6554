using GemmaScope.Models;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>Its files say whether a model was tuned to chat; its name does not.</summary>
public class ChatTuningTests
{
    private const string Turns = "{% for message in messages %}{{ '<start_of_turn>' + message['role'] }}{% endfor %}";

    [Theory]
    [InlineData("demo-pt", false)]
    [InlineData("demo-it", true)]
    public void the_demo_models_are_told_apart(string name, bool isTuned)
    {
        using var model = GemmaModel.Load(Fixtures.Model(name));
        Assert.Equal(isTuned, ChatTuning.IsTuned(model));
        Assert.Equal([1, model.Tokenizer.Id("<end_of_turn>")!.Value], ChatTuning.StopTokens(model));
    }

    [Theory]
    [InlineData("generation_config.json", "{\"eos_token_id\": [1, END]}", true)]
    [InlineData("generation_config.json", "{\"eos_token_id\": [1, 2]}", false)]
    [InlineData("chat_template.jinja", Turns, true)]
    [InlineData("chat_template.jinja", "{{ '[INST]' }}", false)]
    [InlineData("tokenizer_config.json", "{\"chat_template\": \"" + Turns + "\"}", true)]
    [InlineData("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\", \"template\": \"" + Turns + "\"}]}", true)]
    [InlineData("tokenizer_config.json", "{\"bos_token\": \"<bos>\"}", false)]
    public void a_file_says_so(string file, string content, bool isTuned)
    {
        using var folder = TemporaryFolder.CopyOf(Fixtures.Model("demo-pt"));
        File.WriteAllText(folder.File(file), content.Replace("END", $"{EndOfTurn()}"));
        using var model = GemmaModel.Load(folder.Path);
        Assert.Equal(isTuned, ChatTuning.IsTuned(model));
    }

    private static int EndOfTurn() => GemmaScope.Text.Tokenizer.Load(Fixtures.Model("demo-pt")).Id("<end_of_turn>")!.Value;
}
