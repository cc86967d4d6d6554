using GemmaScope.Text;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Text;

public sealed class TokenizerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void the_demo_model_has_the_usual_special_ids()
    {
        var tokenizer = Tokenizer.Load(Fixtures.Model("demo-pt"));
        Assert.Equal(
            (8192, 8192, 0, 1, 2, 3),
            (tokenizer.VocabularySize, tokenizer.BaseVocabularySize, tokenizer.PadId, tokenizer.EosId, tokenizer.BosId, tokenizer.UnkId)
        );
        Assert.True(tokenizer.IsSpecial(2));
        Assert.False(tokenizer.IsSpecial(tokenizer.Id("<start_of_turn>")!.Value));
    }

    [Fact]
    public void an_empty_text_has_no_tokens_but_the_bos()
    {
        Assert.Empty(Vocabularies.Demo.Encode(""));
        Assert.Equal([2], Vocabularies.Demo.Encode("", addBos: true));
        Assert.Equal("", Vocabularies.Demo.Decode([]));
    }

    [Theory]
    [InlineData("demo")]
    [InlineData("tiny")]
    public void a_text_that_begins_with_the_bos_gets_no_second_one(string which)
    {
        var tokenizer = which == "demo" ? Vocabularies.Demo : Vocabularies.TinyJson;
        foreach (var text in (string[])["abc", "a <bos> b", " <bos>", "<start_of_turn>user\nWhat is the river?<end_of_turn>\n", ""])
        {
            var plain = tokenizer.EncodeWithOffsets(text, addBos: true);
            foreach (var bos in (string[])["<bos>", "<bos><bos>"])
            {
                var marked = tokenizer.EncodeWithOffsets(bos + text, addBos: true);
                Assert.Equal(plain.Ids, marked.Ids);
                Assert.Equal(plain.Ids, tokenizer.Encode(bos + text, addBos: true));
                Assert.Equal(new(0, bos.Length), marked.Spans[0]);
                Assert.Equal(
                    plain.Spans.Skip(1).Select(span => text[span.Start..span.End]),
                    marked.Spans.Skip(1).Select(span => marked.Text[span.Start..span.End])
                );
                Assert.Equal(TokenWindows.Pack(tokenizer, [text, text], 4), TokenWindows.Pack(tokenizer, [bos + text, bos + text], 4));
                // Of a stranger it is a text like any other.
                var control = new ControlTokens(tokenizer);
                var strange = control.Encode(bos + text, [new(0, bos.Length + text.Length)], addBos: true);
                Assert.DoesNotContain(tokenizer.BosId!.Value, strange[1..]);
                Assert.Equal(plain.Ids, control.Encode(bos + text, [], addBos: true));
            }
        }
        // Without one in front it is what the file makes of it.
        Assert.Equal(which == "tiny", tokenizer.Encode("<bos>abc")[0] == tokenizer.BosId);
    }

    [Fact]
    public void half_a_surrogate_pair_reads_as_the_replacement_character() =>
        Assert.Equal(Vocabularies.Demo.Encode("a\uFFFDb\uFFFD😀\uFFFD"), Vocabularies.Demo.Encode("a\uD83Db\uDE00😀\uD83D"));

    [Fact]
    public void people_see_spaces_and_escapes_and_named_bytes()
    {
        Assert.Equal(" the", Vocabularies.Demo.Display(Vocabularies.Demo.Id("▁the")!.Value));
        Assert.Equal("\\n", Vocabularies.Demo.Display(Vocabularies.Demo.Id("\n")!.Value));
        Assert.Equal("<0xE2>", Vocabularies.Demo.Display(Vocabularies.Demo.Id("<0xE2>")!.Value));
        Assert.Equal("<bos>", Vocabularies.Demo.Display(2));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(8192)]
    public void an_id_outside_the_vocabulary_is_an_error_that_names_it(int id)
    {
        Assert.Contains($"{id}", Assert.Throws<ArgumentProblemException>(() => Vocabularies.Demo.Decode([id])).Message);
        Assert.Throws<ArgumentProblemException>(() => Vocabularies.Demo.IsSpecial(id));
    }

    [Fact]
    public void bytes_wait_until_their_character_is_certain()
    {
        // SentencePiece decodes character by character, tokenizer.json a run of bytes as a whole.
        var demo = Vocabularies.Demo.CreateStream();
        Assert.Equal(["", "", "", "😀", "", "\uFFFDA"], Stream(demo, Vocabularies.Demo, 0xF0, 0x9F, 0x98, 0x80, 0xF0, 0x41));
        var json = Vocabularies.TinyJson.CreateStream();
        Assert.Equal(["", "", "", "", ""], Stream(json, Vocabularies.TinyJson, 0xF0, 0x9F, 0x98, 0x80, 0xFF));
        Assert.Equal("\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDa", json.Append(Vocabularies.TinyJson.Id("a")!.Value));
    }

    [Fact]
    public void special_tokens_are_skipped_when_asked()
    {
        int[] ids = Vocabularies.TinyJson.Encode("<bos>ab<eos>");
        Assert.Equal("<bos>ab<eos>", Vocabularies.TinyJson.Decode(ids));
        Assert.Equal("ab", Vocabularies.TinyJson.Decode(ids, skipSpecial: true));
    }

    [Fact]
    public void many_threads_get_what_one_gets()
    {
        var texts = Enumerable.Range(0, 2000).Select(i => $"text number {i} of the capital {i * 7919 % 1000}").ToList();
        var alone = texts.ConvertAll(text => Vocabularies.Demo.Encode(text));
        Assert.Equal(alone, texts.AsParallel().AsOrdered().Select(text => Vocabularies.Demo.Encode(text)));
    }

    [Fact]
    public void a_folder_with_both_files_is_read_from_tokenizer_json()
    {
        File.Copy(Fixtures.Model("demo-pt", "tokenizer.model"), _folder.File("tokenizer.model"));
        Assert.Equal(8192, Tokenizer.Load(_folder.Path).VocabularySize);
        File.WriteAllText(_folder.File("tokenizer.json"), Vocabularies.Tiny().ToJsonString());
        Assert.Equal(Vocabularies.TinyJson.VocabularySize, Tokenizer.Load(_folder.Path).VocabularySize);
    }

    [Fact]
    public void a_missing_or_empty_vocabulary_is_an_error_that_says_where()
    {
        Assert.Contains(
            "neither tokenizer.json nor tokenizer.model",
            Assert.Throws<FileFormatException>(() => Tokenizer.Load(_folder.Path)).Message
        );
        Assert.Contains("nowhere.model", Assert.Throws<FileFormatException>(() => Tokenizer.Load(_folder.File("nowhere.model"))).Message);
        File.WriteAllText(_folder.File("empty.model"), "");
        Assert.Contains("empty", Assert.Throws<FileFormatException>(() => Tokenizer.Load(_folder.File("empty.model"))).Message);
    }

    private static IEnumerable<string> Stream(StreamingDecoder stream, Tokenizer tokenizer, params byte[] bytes) =>
        [.. bytes.Select(b => stream.Append(tokenizer.Id($"<0x{b:X2}>")!.Value))];
}
