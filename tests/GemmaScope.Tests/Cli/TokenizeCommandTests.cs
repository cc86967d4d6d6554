using System.Text.Json;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class TokenizeCommandTests
{
    [Fact]
    public void a_text_is_cut_into_ids_pieces_and_places() =>
        Assert.Equal(
            """
            position    id  piece  start  end  text
                   0     2  <bos>      0    0  ""
                   1   469  The        0    3  "The"
                   2  2740  ▁cat       3    7  " cat"

            """,
            CommandLine.Run("tokenize", "The cat").Out
        );

    [Fact]
    public void an_interrupted_text_prints_nothing()
    {
        var run = CommandLine.Run(
            ["tokenize", string.Concat(Enumerable.Repeat("The cat sat on the mat. ", 20_000))],
            [],
            cancellationToken: new CancellationToken(canceled: true)
        );
        Assert.Equal(("", "interrupted"), (run.Out, run.Error.Trim()));
        Assert.NotEqual(0, run.Code);
    }

    [Fact]
    public void a_terminal_gets_a_ruled_table()
    {
        var run = CommandLine.Run(["tokenize", "The cat"], [], terminal: true);
        Assert.StartsWith("╭", run.Out);
        Assert.Contains("▁cat", run.Out);
    }

    [Fact]
    public void json_has_all_of_it()
    {
        var json = CommandLine.Run("tokenize", "The cat", "--no-bos", "--json").Json();
        var cat = json.GetProperty("tokens").EnumerateArray().Last();
        Assert.Equal("The cat", json.GetProperty("text").GetString());
        Assert.Equal("""{"position":1,"id":2740,"piece":"▁cat","start":3,"end":7}""", JsonSerializer.Serialize(cat, Relaxed));
    }

    [Fact]
    public void ids_are_decoded() => Assert.Equal("The cat\n", CommandLine.Run("tokenize", "--decode", "469, 2740").Out);

    [Fact]
    public void a_text_may_be_piped_in_and_loses_only_the_line_break_of_echo() =>
        Assert.Equal("The cat\n", CommandLine.Piped("The cat\n\n", "tokenize", "-", "--json").Json().GetProperty("text").GetString());

    [Fact]
    public void a_text_may_begin_with_an_at_sign() => Assert.Contains("\"@\"", CommandLine.Run("tokenize", "@home").Out);

    [Fact]
    public void a_tokenizer_file_may_stand_alone() =>
        Assert.Contains("2740", CommandLine.Run("tokenize", "The cat", "--tokenizer", Fixtures.Model("demo-pt", "tokenizer.model")).Out);

    [Fact]
    public void a_missing_text_on_a_terminal_is_explained() =>
        CommandLine.Run(["tokenize"], [], terminal: true).IsRefused("no text given", "--file", "'-'");

    [Fact]
    public void an_empty_text_is_refused() => CommandLine.Run("tokenize", "").IsRefused("the text is empty");

    [Fact]
    public void an_empty_pipe_is_refused() => CommandLine.Run("tokenize").IsRefused("standard input", "empty");

    [Fact]
    public void two_texts_are_refused() => CommandLine.Run("tokenize", "x", "--file", "y").IsRefused("not both");

    [Fact]
    public void a_missing_file_is_named() => CommandLine.Run("tokenize", "--file", "no-such.txt").IsRefused("no-such.txt");

    [Fact]
    public void bytes_that_are_no_utf8_are_refused() =>
        CommandLine.Run(["tokenize", "-"], [0x41, 0xFF]).IsRefused("byte FF at offset 1", "UTF-8");

    [Fact]
    public void an_id_outside_the_vocabulary_is_refused() => CommandLine.Run("tokenize", "--decode", "99999").IsRefused("99999");

    [Fact]
    public void a_word_among_the_ids_is_refused() => CommandLine.Run("tokenize", "--decode", "1 two").IsRefused("'two'");

    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
