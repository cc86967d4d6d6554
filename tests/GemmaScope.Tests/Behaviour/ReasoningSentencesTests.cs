using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Behaviour;

public class ReasoningSentencesTests
{
    [Theory]
    [InlineData("One. Two! Three? Four", "One.|Two!|Three?|Four")]
    [InlineData("It costs 3.50 dollars. We pay 1,000.5 in all.", "It costs 3.50 dollars.|We pay 1,000.5 in all.")]
    [InlineData("Dr. Smith met Mrs. Jones. They talked.", "Dr. Smith met Mrs. Jones.|They talked.")]
    [InlineData("Use fruit, e.g. apples. Then stop.", "Use fruit, e.g. apples.|Then stop.")]
    [InlineData("We need eggs, milk, etc. Then we bake.", "We need eggs, milk, etc.|Then we bake.")]
    [InlineData("The works of J. K. Rowling sell. Yes.", "The works of J. K. Rowling sell.|Yes.")]
    [InlineData("So the answer is B. That is all.", "So the answer is B.|That is all.")]
    [InlineData("1. First we add. 2. Then we stop.", "1. First we add.|2. Then we stop.")]
    [InlineData("First line\nSecond line\n\nThird line.", "First line|Second line|Third line.")]
    [InlineData("He said \"Stop.\" Then he left.", "He said \"Stop.\"|Then he left.")]
    [InlineData("Wait... what? No.", "Wait...|what?|No.")]
    [InlineData("The answer is (B).", "The answer is (B).")]
    [InlineData("  ", "")]
    [InlineData("...", "")]
    [InlineData("", "")]
    public void a_text_is_split_where_sentences_end(string text, string sentences) =>
        Assert.Equal(sentences.Length == 0 ? [] : sentences.Split('|'), ReasoningSentences.Of(text));

    [Fact]
    public void sentences_joined_are_the_text()
    {
        const string text = " A first one.  A second… and a third!\n\nLast ";
        var ends = ReasoningSentences.Ends(text);
        Assert.Equal(text.Length, ends[^1]);
        Assert.Equal(ends.Order(), ends);
        Assert.Equal(ends.Distinct(), ends);
    }

    [Fact]
    public void tokens_are_divided_without_being_tokenized_again()
    {
        var tokenizer = Tokenizer.Load(Fixtures.Model("demo-it"));
        // Pieces that the tokenizer itself would never choose.
        int[] ids =
        [
            .. tokenizer.Encode("First we"),
            .. tokenizer.Encode(" l"),
            .. tokenizer.Encode("ook.\nThen"),
            .. tokenizer.Encode(" it is 2.5 and B! Done"),
        ];
        var ends = ReasoningSentences.TokenEnds(tokenizer, ids);
        Assert.Equal(3, ends.Count);
        Assert.Equal(ids.Length, ends[^1]);
        Assert.Equal("First we look.", tokenizer.Decode(ids.AsSpan(0, ends[0])).Trim());
        Assert.Equal("Then it is 2.5 and B!", tokenizer.Decode(ids.AsSpan(ends[0]..ends[1])).Trim());
        Assert.Empty(ReasoningSentences.TokenEnds(tokenizer, []));
    }
}
