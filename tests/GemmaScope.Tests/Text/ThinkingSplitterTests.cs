using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

public class ThinkingSplitterTests
{
    [Theory]
    [InlineData("<|channel>thought\nlet me see\n<channel|>It is 4.", "let me see", "It is 4.")]
    [InlineData("<|channel>thought\n<channel|>Hello", "", "Hello")]
    [InlineData("No thoughts < | > here\n", "", "No thoughts < | > here\n")]
    [InlineData("<|channel>thought\na\n\nb\n<channel|>c<|channel>thought\nd<channel|>e", "a\n\nbd", "ce")]
    [InlineData("<|channel>thought\nnever closed\n", "never closed\n", "")]
    [InlineData("<|channel>tho", "", "")]
    [InlineData("ends in <|chan", "", "ends in <|chan")]
    [InlineData("<|channel>thought\nends in\n<chan", "ends in\n<chan", "")]
    public void the_parts_are_the_same_however_the_text_is_cut(string text, string thinking, string answer)
    {
        Assert.Equal(new ThoughtAndAnswer(thinking, answer), ThinkingSplitter.Split(text));
        for (var size = 1; size <= text.Length; size++)
        {
            var splitter = new ThinkingSplitter();
            ThoughtAndAnswer[] pieces = [.. text.Chunk(size).Select(piece => splitter.Append(new string(piece))), splitter.Flush()];
            Assert.Equal(thinking, string.Concat(pieces.Select(piece => piece.Thinking)));
            Assert.Equal(answer, string.Concat(pieces.Select(piece => piece.Answer)));
        }
    }

    [Fact]
    public void what_is_certain_does_not_wait()
    {
        var splitter = new ThinkingSplitter();
        Assert.Equal(new("", "Hi "), splitter.Append("Hi <"));
        Assert.Equal(new("", "<b>"), splitter.Append("b>"));
        Assert.Equal(new("", ""), splitter.Append("<|channel>thou"));
        Assert.Equal(new("so", ""), splitter.Append("ght\nso"));
    }

    [Fact]
    public void a_text_goes_on_inside_thoughts_that_the_prompt_has_opened()
    {
        Assert.True(ThinkingSplitter.IsOpenAfter("<|turn>model\n<|channel>thought\n"));
        Assert.False(ThinkingSplitter.IsOpenAfter("<|turn>model\n<|channel>thought\n<channel|>"));
        Assert.False(ThinkingSplitter.IsOpenAfter("Hello"));
        Assert.Equal(new("so", "4"), ThinkingSplitter.Split("so\n<channel|>4", startsThinking: true));
    }
}
