using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

public class ChannelTokensTests
{
    private static readonly Lazy<Tokenizer> s_marked = new(() =>
    {
        using var folder = new TemporaryFolder();
        MarkedVocabulary.Write(folder.Path, MarkedVocabulary.Thoughts);
        return Tokenizer.Load(folder.Path);
    });

    private static string Of(int[] ids, ChannelPart[] parts, ChannelPart wanted) =>
        s_marked.Value.Decode([.. ids.Where((_, i) => parts[i] == wanted)]);

    [Theory]
    [InlineData("<|channel>thought\nlet me see\n<channel|>It is 4.")]
    [InlineData("<|channel>thought\n<channel|>Hello")]
    [InlineData("No thoughts < | > here\n")]
    [InlineData("<|channel>thought\na\n\nb\n<channel|>c<|channel>thought\nd<channel|>e")]
    [InlineData("<|channel>thought\nnever closed\n")]
    [InlineData("<|channel>tho")]
    [InlineData("")]
    public void tokens_are_told_apart_as_the_text_is(string text)
    {
        var ids = s_marked.Value.Encode(text);
        var parts = ChannelTokens.PartsOf(s_marked.Value, ids);
        Assert.Equal(
            ThinkingSplitter.Split(text),
            new ThoughtAndAnswer(Of(ids, parts, ChannelPart.Thoughts), Of(ids, parts, ChannelPart.Outside))
        );
    }

    [Fact]
    public void thoughts_that_were_not_closed_end_with_their_turn()
    {
        var ids = s_marked.Value.Encode("<|channel>thought\nso<end_of_turn>\n<start_of_turn>user\nHi");
        var parts = ChannelTokens.PartsOf(s_marked.Value, ids);
        Assert.Equal("so", Of(ids, parts, ChannelPart.Thoughts));
        Assert.EndsWith("user\nHi", Of(ids, parts, ChannelPart.Outside));
    }

    [Fact]
    public void a_vocabulary_without_the_marks_has_no_thoughts()
    {
        var ids = Vocabularies.Demo.Encode("<|channel>thought\na<channel|>b");
        Assert.All(ChannelTokens.PartsOf(Vocabularies.Demo, ids), part => Assert.Equal(ChannelPart.Outside, part));
    }
}
