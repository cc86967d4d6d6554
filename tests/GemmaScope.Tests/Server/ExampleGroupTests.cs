using GemmaScope.Features.Statistics;
using GemmaScope.Server.Pages;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Which examples stand as one: those whose token and the token before it are the same to a reader.</summary>
public class ExampleGroupTests
{
    private static readonly string[] Pieces = ["▁of", "▁the", "▁The", "the", "▁cat", "▁dog", "1", "9", "<0x01>", "<0x02>", "▁", "▁▁"];

    private static FeatureExample Example(int position, params int[] tokens) =>
        new(-1, 0, position, tokens, [.. tokens.Select((_, i) => i == position ? 1f : 0f)]);

    /// <summary>The groups as the first tokens of their examples, which name them here.</summary>
    private static string Grouped(params FeatureExample[] examples) =>
        string.Join(
            " | ",
            ExampleGroup
                .Of(examples, token => Pieces[token])
                .Select(group => string.Join(' ', group.Alike.Prepend(group.First).Select(example => Array.IndexOf(examples, example))))
        );

    [Fact]
    public void the_same_token_after_the_same_token_is_the_same_example_whatever_comes_next() =>
        Assert.Equal("0 1", Grouped(Example(1, 0, 1, 4), Example(1, 0, 1, 5)));

    [Fact]
    public void another_token_or_another_one_before_it_is_another_example() =>
        Assert.Equal("0 | 1 | 2", Grouped(Example(1, 0, 1, 4), Example(1, 0, 4, 4), Example(1, 4, 1, 4)));

    [Fact]
    public void case_spaces_and_digits_make_no_difference() =>
        Assert.Equal(
            "0 1 2 | 3 4 | 5 6",
            Grouped(
                Example(1, 0, 1),
                Example(1, 0, 2),
                Example(1, 0, 3),
                Example(1, 4, 6),
                Example(1, 4, 7),
                Example(1, 4, 10),
                Example(1, 4, 11)
            )
        );

    [Fact]
    public void bytes_are_what_they_are() => Assert.Equal("0 | 1", Grouped(Example(1, 4, 8), Example(1, 4, 9)));

    [Fact]
    public void the_beginning_of_a_text_is_no_token() =>
        Assert.Equal("0 2 | 1", Grouped(Example(0, 1, 4), Example(1, 10, 1), Example(0, 2, 5)));

    [Fact]
    public void a_group_stands_where_its_first_example_stood_and_keeps_all_of_them() =>
        Assert.Equal("0 2 4 | 1 3", Grouped(Example(1, 0, 1), Example(1, 0, 4), Example(1, 0, 1), Example(1, 0, 4), Example(1, 0, 1)));
}
