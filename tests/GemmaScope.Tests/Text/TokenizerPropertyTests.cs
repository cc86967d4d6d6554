using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

public class TokenizerPropertyTests
{
    private static readonly Gen<string> s_text = Gen.OneOf(
            Gen.Elements(
                " ",
                "  ",
                "\n",
                "\n\n\n",
                "\t",
                "the",
                " capital",
                "Hello",
                "123",
                "é",
                "😀",
                "🏽",
                "你好",
                "▁",
                "<bos>",
                "<start_of_turn>",
                "<0x41>",
                "\uD83D",
                "\uDE00"
            ),
            ArbMap.Default.GeneratorFor<string>().Select(s => s ?? "")
        )
        .ListOf()
        .Select(string.Concat);

    private static readonly Tokenizer[] s_tokenizers = [Vocabularies.Demo, Vocabularies.TinyJson];

    [Fact]
    public void decoding_what_was_encoded_gives_the_text_back() =>
        ForTexts((tokenizer, text) => tokenizer.Decode(tokenizer.Encode(text)) == WellFormed(text).Replace('▁', ' '));

    [Fact]
    public void spans_cover_the_text_from_left_to_right() =>
        ForTexts(
            (tokenizer, text) =>
            {
                var tokens = tokenizer.EncodeWithOffsets(text, addBos: true);
                var end = tokens.Spans[0].End;
                for (var i = 1; i < tokens.Ids.Count; i++)
                {
                    var span = tokens.Spans[i];
                    if (span.Length == 0 || (span.Start != end && span != tokens.Spans[i - 1]))
                        return false;
                    end = span.End;
                }
                return end == text.Length
                    && tokens.Spans[0].Start == 0
                    && text[..tokens.Spans[0].End].Replace("<bos>", "").Length == 0
                    && tokens.Ids.SequenceEqual(tokenizer.Encode(text, addBos: true));
            }
        );

    [Fact]
    public void each_span_holds_the_text_of_its_token() =>
        ForTexts(
            (tokenizer, text) =>
            {
                var (wellFormed, tokens) = (WellFormed(text).Replace('▁', ' '), tokenizer.EncodeWithOffsets(text));
                return tokens
                    .Ids.Zip(tokens.Spans)
                    .All(t =>
                        tokenizer.Piece(t.First).StartsWith("<0x", StringComparison.Ordinal)
                        || tokenizer.Piece(t.First).Replace('▁', ' ') == wellFormed[t.Second.Start..t.Second.End]
                    );
            }
        );

    [Fact]
    public void a_stream_gives_whole_characters_and_in_the_end_the_whole_text()
    {
        foreach (var tokenizer in s_tokenizers)
            Prop.ForAll(
                    Ids(tokenizer).ToArbitrary(),
                    Arb.From(Gen.Elements(true, false)),
                    (ids, skipSpecial) =>
                    {
                        var stream = tokenizer.CreateStream(skipSpecial);
                        var parts = ids.Select(stream.Append).ToList();
                        parts.Add(stream.Flush());
                        return parts.All(part => WellFormed(part) == part) && string.Concat(parts) == tokenizer.Decode(ids, skipSpecial);
                    }
                )
                .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void damaged_models_are_errors_or_still_work()
    {
        foreach (var folder in (string[])["spm-bpe-1024", "spm-unigram-1000"])
        {
            var bytes = File.ReadAllBytes(Fixtures.Path("tokenizers", folder, "tokenizer.model"));
            Survives(bytes, damaged => SentencePieceTokenizer.Read(damaged, "damaged.model"), 30);
        }
    }

    [Fact]
    public void damaged_json_is_an_error_or_still_works() =>
        Survives(JsonSerializer.SerializeToUtf8Bytes(Vocabularies.Tiny()), damaged => JsonTokenizer.Read(damaged, "damaged.json"), 300);

    private static void Survives(byte[] file, Func<byte[], Tokenizer> read, int times)
    {
        var damage =
            from cut in Gen.Choose(0, 3).Select(n => n == 0)
            from length in Gen.Choose(0, file.Length)
            from edits in Gen.Choose(0, Math.Min(file.Length, 20_000) - 1).Zip(Gen.Choose(0, 255)).ListOf(5)
            select (Length: cut ? length : file.Length, edits);
        Prop.ForAll(
                damage.ToArbitrary(),
                d =>
                {
                    var damaged = file.ToArray();
                    foreach (var (at, value) in d.edits)
                        damaged[at] = (byte)value;
                    try
                    {
                        var tokenizer = read(damaged[..d.Length]);
                        tokenizer.Decode(tokenizer.Encode("Hello  ﬁne wörld\n\n😀 <bos> abc"));
                    }
                    catch (GemmaScopeException)
                    {
                        // A clear refusal is as good as an answer; any other exception fails the test.
                    }
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(times));
    }

    private static Gen<int[]> Ids(Tokenizer tokenizer)
    {
        var bytes = "€é😀"u8
            .ToArray()
            .Concat([(byte)0xFF, (byte)0xC0, (byte)'A'])
            .Select(b => tokenizer.Id($"<0x{b:X2}>")!.Value)
            .ToArray();
        return Gen.Frequency((3, Gen.Elements(bytes)), (1, Gen.Choose(0, tokenizer.VocabularySize - 1)), (1, Gen.Choose(0, 4))).ArrayOf();
    }

    private static void ForTexts(Func<Tokenizer, string, bool> holds)
    {
        foreach (var tokenizer in s_tokenizers)
            Prop.ForAll(s_text.ToArbitrary(), text => holds(tokenizer, text)).QuickCheckThrowOnFailure();
    }

    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
