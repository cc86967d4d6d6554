using GemmaScope.Text;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Text;

public class ChatTemplateTests
{
    private static readonly ChatMessage s_hello = new("user", " Hello\n");

    [Fact]
    public void the_golden_conversations_give_the_golden_texts_errors_and_ids()
    {
        var checks = new ChatVerifier().Verify(Fixtures.Path("chat"), VerifyOptions.Default).ToList();
        Assert.DoesNotContain(checks, check => check.Outcome == Outcome.Failed);
        // Two families with texts and errors, and Gemma 4 with those in two forms.
        Assert.Equal(8, checks.Count(check => check.Outcome == Outcome.Passed && !check.Name.EndsWith("ids")));
        foreach (var skipped in checks.Where(check => check.Outcome == Outcome.Skipped))
            Assert.Skip($"{skipped.Name}: {skipped.Detail}");
    }

    [Fact]
    public void a_tokenizer_model_gets_one_bos_and_whole_markers()
    {
        var ids = ChatTemplate.Gemma2.Encode(Vocabularies.Demo, [s_hello], addGenerationPrompt: true);
        Assert.Equal(Vocabularies.Demo.BosId, ids[0]);
        Assert.Equal("<start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n", Vocabularies.Demo.Decode(ids));
    }

    [Fact]
    public void by_default_a_system_message_is_treated_as_the_published_template_does()
    {
        ChatMessage[] messages = [new("system", "Be brief. "), s_hello];
        Assert.Equal(
            "System role not supported",
            Assert.Throws<ArgumentProblemException>(() => ChatTemplate.Gemma2.Render(messages, false)).Message
        );
        Assert.Equal("<bos><start_of_turn>user\nBe brief. \n\nHello<end_of_turn>\n", ChatTemplate.Gemma3.Render(messages, false));
        Assert.Equal(ChatTemplate.Gemma3.Render(messages, true), ChatTemplate.Gemma2.Render(messages, true, SystemHandling.Fold));
    }

    [Fact]
    public void what_no_template_can_write_is_an_error()
    {
        Assert.Throws<ArgumentProblemException>(() => ChatTemplate.Gemma3.Render([], true));
        Assert.Throws<ArgumentProblemException>(() => ChatTemplate.Gemma3.Render([new("system", [new ChatPart("image")]), s_hello], true));
        Assert.Throws<ArgumentProblemException>(() => ChatTemplate.Gemma2.Render([new("user", [new ChatPart("image")])], true));
    }

    [Fact]
    public void the_model_type_of_a_config_picks_the_template()
    {
        Assert.Same(ChatTemplate.Gemma2, ChatTemplate.ForModelType("gemma2"));
        Assert.Same(ChatTemplate.Gemma3, ChatTemplate.ForModelType("gemma3"));
        Assert.Same(ChatTemplate.Gemma3, ChatTemplate.ForModelType("gemma3_text"));
        Assert.Contains("llama", Assert.Throws<ArgumentProblemException>(() => ChatTemplate.ForModelType("llama")).Message);
    }
}
