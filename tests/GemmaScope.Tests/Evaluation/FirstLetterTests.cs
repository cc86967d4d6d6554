using GemmaScope.Evaluation;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public class FirstLetterTests
{
    private static readonly Tokenizer Tokenizer = Tokenizer.Load(Fixtures.Model("demo-pt"));

    [Fact]
    public void a_word_is_read_at_its_last_token_which_is_position_minus_6_of_the_protocol()
    {
        string[] words = ["water", "house", "people", "king"];
        foreach (var prompt in SpellingPrompts.Make(Tokenizer, words, examples: 2))
        {
            Assert.Equal(1, prompt.Tokens);
            Assert.Equal($" {prompt.Word}", Tokenizer.Display(prompt.Ids[^1]));
            var whole = Tokenizer.Encode($" {prompt.Word} has the first letter:", addBos: true);
            Assert.Equal(prompt.Ids[^1], whole[^6]);
        }
    }

    [Fact]
    public void examples_are_other_words_and_longer_words_are_left_out()
    {
        string[] words = ["water", "house", "people", "king", "antidisestablishmentarianism"];
        var prompts = SpellingPrompts.Make(Tokenizer, words, examples: 3);
        Assert.Equal(words[..4], prompts.Select(prompt => prompt.Word));
        Assert.All(
            prompts,
            prompt => Assert.Equal(1, Tokenizer.Decode(prompt.Ids, skipSpecial: true).Split(' ').Count(word => word == prompt.Word))
        );
        Assert.Equal(5, SpellingPrompts.Make(Tokenizer, words, maxTokens: 20).Count);
        Assert.Equal(
            prompts.Select(prompt => prompt.Ids),
            SpellingPrompts.Make(Tokenizer, words, examples: 3).Select(prompt => prompt.Ids)
        );
    }
}
