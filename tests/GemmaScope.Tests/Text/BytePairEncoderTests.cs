using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

public class BytePairEncoderTests
{
    // Letters, the space mark, a character beyond ASCII and one beyond the first plane.
    private static readonly string[] s_characters = ["a", "b", "c", "▁", "é", "😀"];

    [Fact]
    public void cutting_and_remembering_words_changes_nothing()
    {
        var merges = Gen.Choose(0, 1_000_000).Zip(Gen.Choose(0, 1_000_000)).ArrayOf();
        var texts = Gen.Elements(s_characters).ListOf().Select(string.Concat).ListOf();
        Prop.ForAll(
                merges.ToArbitrary(),
                texts.ToArbitrary(),
                (choices, words) =>
                {
                    var (pieces, rules) = Vocabulary(choices);
                    var encoder = Encoder(pieces, rules);
                    return words.Concat(words).All(text => Encode(encoder, text).SequenceEqual(Naive(text, pieces, rules)));
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void a_run_of_unknown_characters_is_one_token_even_across_words()
    {
        var (pieces, rules) = Vocabulary([(0, 1)]);
        var encoder = Encoder(pieces, rules);
        var unknown = pieces.Count;
        // Twice, so that the second time the words are remembered.
        for (var time = 0; time < 2; time++)
        {
            var sink = new TokenSink(null, unknown);
            encoder.Encode("ab\u0001\u0002ü\u0001c\u0002", 0, sink);
            sink.JoinUnknown();
            Assert.Equal([new(6, 0, 2), new(unknown, 2, 6), new(2, 6, 7), new(unknown, 7, 8)], sink.Tokens.ToArray());
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData("▁")]
    [InlineData("😀é")]
    public async Task a_long_word_takes_time_like_its_length(string repeated)
    {
        // One that takes time like the square of it would take hours.
        var text = string.Concat(Enumerable.Repeat(repeated, (1 << 20) / repeated.Length));
        var tokens = await Task.Run(() => Vocabularies.Demo.EncodeWithOffsets(text)).WaitAsync(Patience.Limit);
        Assert.Equal(text.Length, tokens.Spans[^1].End);
    }

    /// <summary>Grows a vocabulary by joining pairs of pieces picked by number.</summary>
    private static (List<string> Pieces, List<(int Left, int Right)> Rules) Vocabulary((int Left, int Right)[] choices)
    {
        var (pieces, rules) = (s_characters.ToList(), new List<(int, int)>());
        foreach (var (left, right) in choices)
        {
            var rule = (left % pieces.Count, right % pieces.Count);
            var piece = pieces[rule.Item1] + pieces[rule.Item2];
            if (rules.Contains(rule) || piece.Length > 20)
                continue;
            rules.Add(rule);
            if (!pieces.Contains(piece))
                pieces.Add(piece);
        }
        return (pieces, rules);
    }

    private static BytePairEncoder Encoder(List<string> pieces, List<(int Left, int Right)> rules)
    {
        var table = new MergeRules(rules.Count);
        for (var id = 0; id < s_characters.Length; id++)
            table.AddCharacter(char.ConvertToUtf32(pieces[id], 0), id);
        for (var rank = 0; rank < rules.Count; rank++)
        {
            var (left, right) = rules[rank];
            var piece = pieces[left] + pieces[right];
            table.Add(piece, pieces[left].Length, left, right, (uint)rank, pieces.IndexOf(piece));
        }
        return new(table, pieces.Count);
    }

    private static int[] Encode(BytePairEncoder encoder, string text)
    {
        var sink = new TokenSink(null, 0);
        encoder.Encode(text, 0, sink);
        return [.. sink.Tokens.ToArray().Select(token => token.Id)];
    }

    /// <summary>The definition: join the leftmost pair of lowest rank until there is none.</summary>
    private static List<int> Naive(string text, List<string> pieces, List<(int Left, int Right)> rules)
    {
        var ids = text.EnumerateRunes().Select(rune => pieces.IndexOf(rune.ToString())).ToList();
        while (true)
        {
            var pairs = ids.Zip(ids.Skip(1)).Select((pair, at) => (Rank: rules.IndexOf(pair), at)).Where(p => p.Rank >= 0).ToList();
            if (pairs.Count == 0)
                return ids;
            var (rank, at) = pairs.Min();
            ids[at] = pieces.IndexOf(pieces[rules[rank].Left] + pieces[rules[rank].Right]);
            ids.RemoveAt(at + 1);
        }
    }
}
