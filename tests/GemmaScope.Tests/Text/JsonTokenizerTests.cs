using System.Text.Json.Nodes;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

public class JsonTokenizerTests
{
    [Fact]
    public void the_lowest_rank_merges_first_wherever_it_stands() => Assert.Equal(["a", "bc"], Pieces(Without("a", "bc"), "abc"));

    [Fact]
    public void equal_ranks_merge_from_the_left() => Assert.Equal(["😀😀", "😀"], Pieces(Vocabularies.TinyJson, "😀😀😀"));

    [Fact]
    public void a_character_without_a_piece_becomes_its_bytes() =>
        Assert.Equal(["a", "<0xC3>", "<0xA9>", "<0xF0>", "<0x9F>", "<0x90>", "<0x88>"], Pieces(Vocabularies.TinyJson, "aé🐈"));

    [Fact]
    public void added_tokens_are_cut_out_first_and_the_longest_wins() =>
        Assert.Equal(["<bos>", "\n\n", "\n", "a", "<image>", "<0x3C>", "b"], Pieces(Vocabularies.TinyJson, "<bos>\n\n\na<image><b"));

    [Fact]
    public void a_byte_written_in_a_text_is_plain_text() => Assert.DoesNotContain("<0x41>", Pieces(Vocabularies.TinyJson, "<0x41>"));

    [Fact]
    public void spaces_become_their_mark_and_come_back()
    {
        Assert.Equal(["▁▁", "▁a"], Pieces(Vocabularies.TinyJson, "   a"));
        Assert.Equal("   a", Decoded(Vocabularies.TinyJson, "   a"));
        Assert.Equal(" a", Decoded(Vocabularies.TinyJson, "▁a"));
    }

    [Fact]
    public void merges_may_be_strings_and_may_come_before_the_vocabulary()
    {
        var json = Vocabularies.Tiny();
        var model = json["model"]!.AsObject();
        var merges = model["merges"]!.AsArray().Select(m => (JsonNode)$"{m![0]} {m[1]}").ToArray();
        model.Remove("merges");
        model.Insert(0, "merges", new JsonArray(merges));
        const string text = "abc lo\n\n\n😀😀 <bos>x";
        Assert.Equal(Vocabularies.TinyJson.Encode(text), Vocabularies.Read(json).Encode(text));
    }

    [Fact]
    public void an_added_token_behind_the_vocabulary_counts_apart()
    {
        Assert.Equal(Vocabularies.TinyJson.BaseVocabularySize + 1, Vocabularies.TinyJson.VocabularySize);
        Assert.True(Vocabularies.TinyJson.IsSpecial(Vocabularies.TinyJson.Id("<image>")!.Value));
    }

    [Theory]
    [InlineData("normalizer", """{"type":"NFKC"}""", "NFKC")]
    [InlineData("normalizer", "null", "normalizer")]
    [InlineData("pre_tokenizer", """{"type":"ByteLevel","add_prefix_space":false}""", "ByteLevel")]
    [InlineData("decoder", """{"type":"ByteLevel"}""", "ByteLevel")]
    [InlineData("decoder", "null", "decoder")]
    public void a_component_of_another_form_is_named(string component, string value, string named)
    {
        var json = Vocabularies.Tiny();
        json[component] = JsonNode.Parse(value);
        AssertRefused(json, named);
    }

    [Theory]
    [InlineData("type", "\"WordPiece\"", "WordPiece")]
    [InlineData("byte_fallback", "false", "byte_fallback")]
    [InlineData("end_of_word_suffix", "\"</w>\"", "end_of_word_suffix")]
    [InlineData("dropout", "0.1", "dropout")]
    [InlineData("vocab", """{"a":0,"b":2}""", "ids 0 to 1")]
    [InlineData("merges", """[["a","x"]]""", "merge 0")]
    [InlineData("merges", """["abc"]""", "two pieces")]
    public void a_model_of_another_form_is_refused(string field, string value, string named)
    {
        var json = Vocabularies.Tiny();
        json["model"]![field] = JsonNode.Parse(value);
        AssertRefused(json, named);
    }

    [Theory]
    [InlineData("merges")]
    [InlineData("vocab")]
    [InlineData("byte_fallback")]
    public void a_model_that_lacks_a_part_is_refused(string field)
    {
        var json = Vocabularies.Tiny();
        json["model"]!.AsObject().Remove(field);
        AssertRefused(json, field);
    }

    [Theory]
    [InlineData("lstrip", "true", "lstrip")]
    [InlineData("id", "7", "\"<pad>\" has id 7")]
    [InlineData("content", "\"<new>\"", "\"<new>\" has id 0")]
    public void an_added_token_of_another_form_is_refused(string field, string value, string named)
    {
        var json = Vocabularies.Tiny();
        json["added_tokens"]![0]![field] = JsonNode.Parse(value);
        AssertRefused(json, named);
    }

    private static void AssertRefused(JsonNode json, string named) =>
        Assert.Contains(named, Assert.Throws<FileFormatException>(() => Vocabularies.Read(json)).Message);

    private static Tokenizer Without(string left, string right)
    {
        var json = Vocabularies.Tiny();
        var merges = json["model"]!["merges"]!.AsArray();
        merges.Remove(merges.First(m => (string?)m![0] == left && (string?)m[1] == right));
        return Vocabularies.Read(json);
    }

    private static IEnumerable<string> Pieces(Tokenizer tokenizer, string text) => tokenizer.Encode(text).Select(tokenizer.Piece);

    private static string Decoded(Tokenizer tokenizer, string text) => tokenizer.Decode(tokenizer.Encode(text));
}
