using System.Text.Json;
using GemmaScope.Text;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Text;

public class Gemma4ChatTests
{
    [Fact]
    [Trait("Category", "Golden")]
    public void the_golden_conversations_are_written_as_the_reference_writes_them()
    {
        var checks = new ChatVerifier()
            .Verify(Fixtures.Path("chat"), VerifyOptions.Default)
            .Where(check => check.Name.Contains("gemma4"))
            .ToArray();
        Assert.Equal(4, checks.Length);
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.Detail));
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void the_whole_set_passes_by_the_rules_and_by_the_reference_template()
    {
        var folder = SharedData.Golden("gemma4", "chat", "gemma4");
        var checks = new ChatVerifier().Verify(folder, VerifyOptions.Default).ToArray();
        Assert.Equal(6, checks.Length);
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.Detail));
    }

    [Fact]
    public void the_small_models_have_layer_embeddings_and_a_form_of_their_own()
    {
        Assert.Same(ChatTemplate.Gemma4, ChatTemplate.ForModelType("gemma4_text"));
        Assert.Same(ChatTemplate.Gemma4, ChatTemplate.ForModelType("gemma4_unified"));
        Assert.Same(ChatTemplate.Gemma4Small, ChatTemplate.ForModelType("gemma4_text", hasLayerEmbeddings: true));
        Assert.EndsWith("<|turn>model\n", ChatTemplate.Gemma4Small.Render([new("user", "Hi")], addGenerationPrompt: true));
        Assert.EndsWith(
            "<|turn>model\n<|channel>thought\n<channel|>",
            ChatTemplate.Gemma4.Render([new("user", "Hi")], addGenerationPrompt: true)
        );
    }

    [Fact]
    public void other_families_neither_think_nor_call_tools()
    {
        Assert.Same(ChatTemplate.Gemma2, ChatTemplate.Gemma2.With(ChatSettings.Default));
        Assert.Throws<ArgumentProblemException>(() => ChatTemplate.Gemma3.With(new ChatSettings { Thinking = true }));
        Assert.Throws<ArgumentProblemException>(() => ChatTemplate.Gemma2.With(new ChatSettings { Tools = [JsonElement.Parse("{}")] }));
        Assert.Throws<ArgumentProblemException>(() =>
            ChatTemplate.Gemma4.With(new ChatSettings { Tools = [JsonElement.Parse("{}")] }).Render([new("user", "Hi")], true)
        );
    }

    [Fact]
    public void the_marks_are_single_tokens_and_spans_cover_what_each_message_says()
    {
        var tokenizer = Vocabularies.Gemma4();
        ChatMessage[] messages =
        [
            new("system", " Be brief. "),
            new("user", "Weather?"),
            new("assistant", "")
            {
                Reasoning = "look it up",
                ToolCalls = [new("get_weather", JsonElement.Parse("""{"city": "Paris"}"""), "c1")],
            },
            new("tool", "sunny") { ToolCallId = "c1" },
            new("assistant", "It is sunny."),
        ];
        var template = ChatTemplate.Gemma4.With(new() { Thinking = true });
        var tokens = ChatTokens.Of(template, tokenizer, messages, addGenerationPrompt: false);
        string[] said = [.. tokens.Spans.Select(span => tokenizer.Decode(tokens.Ids.AsSpan(span.Start, span.End - span.Start)))];
        Assert.Equal("Be brief.", said[0]);
        Assert.Equal("Weather?", said[1]);
        Assert.StartsWith("look it up", said[2]);
        Assert.Contains("city", said[2]);
        Assert.Contains("Paris", said[2]);
        Assert.Equal("sunny", said[3]);
        Assert.Equal("It is sunny.", said[4]);
        Assert.Equal(tokenizer.BosId, tokens.Ids[0]);
        Assert.NotEqual(tokenizer.BosId, tokens.Ids[1]);
        foreach (
            var mark in (string[])
                ["<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|tool_call>", "<tool_response|>", "<|\"|>", "<|think|>"]
        )
        {
            var id = Assert.Single(tokenizer.Encode(mark));
            Assert.Contains(id, tokens.Ids);
            Assert.True(new ControlTokens(tokenizer).Contains(id), mark);
        }
    }

    [Fact]
    public void a_models_own_template_that_writes_the_same_is_the_known_one()
    {
        var file = SharedData.Golden("gemma4", "chat", "gemma4", "template", "gemma4_e2b_chat_template.jinja2");
        using var folder = new TemporaryFolder();
        File.Copy(file, folder.File("chat_template.jinja"));
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"bos_token": "<bos>"}""");
        Assert.Same(ChatTemplate.Gemma4Small, ChatTemplate.ForModel(folder.Path, "gemma4_text", hasLayerEmbeddings: true));
        var other = ChatTemplate.ForModel(folder.Path, "gemma4_text");
        Assert.True(other.IsModelsOwn && other.WritesThinking);
    }
}
