using GemmaScope.Models;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

public class ChatTokensTests
{
    private static readonly Tokenizer Words = Tokenizer.Load(Fixtures.Model("demo-it"));

    [Theory]
    [InlineData("What is the capital of France?")]
    [InlineData("a")]
    [InlineData("7")]
    [InlineData("a7")]
    [InlineData("7 and a")]
    [InlineData("I said a\n\nand 7.")]
    public void a_span_holds_the_tokens_of_its_message(string text)
    {
        var tokens = ChatTokens.Of(ChatTemplate.Gemma2, Words, [new ChatMessage("user", text)]);
        var span = Assert.Single(tokens.Spans);
        Assert.Equal("user", span.Role);
        Assert.Equal(text, Words.Decode(tokens.Ids.AsSpan(span.Start..span.End)));
        Assert.Equal("<end_of_turn>\n<start_of_turn>model\n", Words.Decode(tokens.PostInstruction.ToArray()));
    }

    [Fact]
    public void each_message_has_a_span_of_its_own()
    {
        var tokens = ChatTokens.Of(
            ChatTemplate.Gemma2,
            Words,
            [new ChatMessage("user", "Hello there"), new ChatMessage("assistant", "Hello there"), new ChatMessage("user", "Go on")]
        );
        Assert.Equal(
            ["Hello there", "Hello there", "Go on"],
            tokens.Spans.Select(span => Words.Decode(tokens.Ids.AsSpan(span.Start..span.End)))
        );
        Assert.Equal(["user", "assistant", "user"], tokens.Spans.Select(span => span.Role));
    }

    [Fact]
    public void an_empty_message_has_an_empty_span()
    {
        var span = ChatTokens.Of(ChatTemplate.Gemma2, Words, [new ChatMessage("user", "")]).Spans[0];
        Assert.Equal(span.Start, span.End);
    }
}
