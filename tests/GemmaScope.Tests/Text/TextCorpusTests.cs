using GemmaScope.Features;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

public sealed class TextCorpusTests : IDisposable
{
    private static readonly Tokenizer Tokenizer = Tokenizer.Load(Fixtures.Model("demo-pt"));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_bad_row_is_an_error_that_names_file_line_and_cure()
    {
        var file = Write("mix.jsonl", "{\"text\":\"\"}\n{\"text\":\"a river\"}\n{\"text\":null}\n");
        var problem = Assert.Throws<FileFormatException>(() => new TextCorpus([file]).Texts().Count());
        Assert.Contains($"{file}: line 3 has no text in 'text', but null", problem.Message);
        Assert.Equal("SkipBadRows", problem.Remedy?.Settings.Single().Name);
    }

    [Fact]
    public void bad_rows_are_left_out_and_counted_by_choice()
    {
        var file = Write(
            "mix.jsonl",
            [
                .. "{\"text\":\"one\"}\n{\"text\":null}\n{\"id\":1}\n{\"text\":5}\n{\"text\":\"\\ud83d\"}\n{text}\n[1]\n{\"text\":\"caf"u8,
                0xE9,
                .. "\"}\n{\"text\":\"two\",\"loss\":NaN}\n"u8,
            ]
        );
        var table = Write("mix.csv", [.. "id,text\n1,three\n2\n3,caf"u8, 0xE9, .. "\n4,four\n"u8]);
        var corpus = new TextCorpus([file, table], new() { SkipBadRows = true });
        Assert.Equal(["one", "two", "three", "four"], corpus.Texts());
        Assert.Equal(9, corpus.Skipped.Count);
        Assert.Contains("9 rows were left out; the first: ", corpus.Skipped.Note);
        Assert.Contains("mix.jsonl: line 2 ", corpus.Skipped.Note);
        // Another reading finds the same.
        Assert.Equal(4, corpus.Texts().Count());
        Assert.Equal(9, corpus.Skipped.Count);
    }

    [Fact]
    public void headlines_too_are_read_without_bad_rows_by_choice()
    {
        var lines = Write("h.jsonl", "{\"title\":\"one\"}\n{\"title\":null}\n{\"title\":\"\\ud83d\"}\n");
        var table = Write("h.csv", [.. "title,topic\ntwo,a\nthree\ncaf"u8, 0xE9, .. ",b\nfour,b\n"u8]);
        var problem = Assert.Throws<FileFormatException>(() => Headline.Load(table));
        Assert.Contains("line 3 has 1 fields", problem.Message);
        Assert.Equal("SkipBadRows", problem.Remedy?.Settings.Single().Name);
        Assert.Contains("line 2", Assert.Throws<FileFormatException>(() => Headline.Load(lines)).Message);
        var skipped = new SkippedRows();
        Assert.Equal(
            ["one", "two", "four"],
            ((string[])[lines, table]).SelectMany(file => Headline.Load(file, skipped: skipped)).Select(one => one.Text)
        );
        Assert.Equal(4, skipped.Count);
    }

    [Fact]
    public void where_no_row_can_be_read_it_says_so()
    {
        var file = Write("bad.jsonl", "{\"text\":null}\n");
        var problem = Assert.Throws<FileFormatException>(() => new TextCorpus([file], new() { SkipBadRows = true }).Texts().Count());
        Assert.Contains("no row that can be read; 1 row was left out", problem.Message);
    }

    [Fact]
    public void a_row_longer_than_the_limit_is_named_or_left_out()
    {
        var file = Write("long.jsonl", $"{{\"text\":\"{new string('x', 1000)}\"}}\n{{\"text\":\"b\"}}\n");
        var reading = new TextReading { LongestLine = 100 };
        Assert.Contains(
            "line 1 has more than 100 bytes",
            Assert.Throws<FileFormatException>(() => new TextCorpus([file], reading).Texts().Count()).Message
        );
        Assert.Equal(["b"], new TextCorpus([file], reading with { SkipBadRows = true }).Texts());
    }

    [Fact]
    public void a_column_is_chosen_for_all_files_and_one_named_with_a_path_wins()
    {
        var (lines, table) = (Write("a.jsonl", "{\"body\":\"1\",\"title\":\"t\"}\n"), Write("a.csv", "title,body\nu,2\n"));
        var reading = new TextReading { TextColumn = "body" };
        Assert.Equal(["1", "2"], new TextCorpus([lines, table], reading).Texts());
        Assert.Equal(["t", "2"], new TextCorpus([lines + "#title", table], reading).Texts());
    }

    [Fact]
    public void a_json_file_is_a_list_of_rows_or_lines_where_it_is_named_itself()
    {
        var list = Write("a.json", "\n[{\"text\":\"1\"}, \"2\", {\"text\":\"\\ud83d\"}, 3, {\"text\":\"4\",\"x\":NaN}]");
        var corpus = new TextCorpus([list, Write("b.json", "{\"text\":\"5\"}\n")], new() { SkipBadRows = true });
        Assert.Equal(["1", "2", "4", "5"], corpus.Texts());
        Assert.Equal(2, corpus.Skipped.Count);
        Assert.Contains("entry 3", corpus.Skipped.First);
        Write("c.txt", "c");
        Assert.Equal(["c"], new TextCorpus([_folder.Path]).Texts());
        Assert.Contains(
            "not valid JSON",
            Assert.Throws<FileFormatException>(() => new TextCorpus([Write("d.json", "[1")]).Texts().Count()).Message
        );
    }

    [Fact]
    public void token_ids_are_taken_as_they_are_and_checked()
    {
        var ids = Tokenizer.Encode("the cat sat");
        var row = string.Join(',', ids);
        var file = Write(
            "ids.jsonl",
            $"{{\"input_ids\":[{Tokenizer.BosId},{row},{Tokenizer.EosId},{Tokenizer.PadId},{Tokenizer.PadId}]}}\n{{\"input_ids\":[{row}]}}\n"
        );
        int[] whole = [Tokenizer.BosId!.Value, .. ids, Tokenizer.EosId!.Value, .. ids];
        Assert.Equal(whole, new TextCorpus([file]).Windows(Tokenizer, 64).Single());
        var wrong = Write("wrong.jsonl", $"{{\"input_ids\":[1]}}\n{{\"input_ids\":[{Tokenizer.VocabularySize}]}}\n");
        var problem = Assert.Throws<FileFormatException>(() => new TextCorpus([wrong]).Windows(Tokenizer, 64).Count());
        Assert.Contains($"line 2: has the token id {Tokenizer.VocabularySize}", problem.Message);
        Assert.Contains("no text in 'input_ids'", Bad("{\"input_ids\":[1,2.5]}"));
    }

    [Theory]
    [InlineData(
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Yes?\"}]}]}"
    )]
    [InlineData("{\"conversations\":[{\"from\":\"human\",\"value\":\"Hi\"},{\"from\":\"gpt\",\"value\":\"Yes?\"}]}")]
    public void conversations_are_written_by_the_template(string row)
    {
        var expected = ChatTemplate.Gemma2.Encode(
            Tokenizer,
            [new ChatMessage("user", "Hi"), new ChatMessage("assistant", "Yes?")],
            addGenerationPrompt: false
        );
        var corpus = new TextCorpus([Write("chat.jsonl", row)]);
        Assert.Equal(expected, corpus.Windows(Tokenizer, 64, () => ChatTemplate.Gemma2).Single());
        Assert.Contains(
            "line 1: is a conversation",
            Assert.Throws<FileFormatException>(() => corpus.Windows(Tokenizer, 64).Count()).Message
        );
    }

    [Theory]
    [InlineData("{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", "role \"tool\"")]
    [InlineData("{\"messages\":[{\"role\":\"user\"}]}", "no text in 'messages'")]
    [InlineData("{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]}", "line 1: Conversation roles must alternate")]
    [InlineData("{\"messages\":\"\",\"text\":{}}", "no text in 'text', but {}")]
    public void a_conversation_of_another_form_is_a_bad_row(string row, string problem) => Assert.Contains(problem, Bad(row));

    [Fact]
    public void documents_are_joined_or_begin_windows_of_their_own()
    {
        var file = Write("a.jsonl", "{\"text\":\"one two three four\"}\n{\"text\":\"five\"}\n{\"text\":\"\"}\n");
        var (bos, first, second) = (Tokenizer.BosId!.Value, Tokenizer.Encode("one two three four"), Tokenizer.Encode("five"));
        Assert.Equal(
            [
                [bos, .. first, Tokenizer.EosId!.Value, .. second],
            ],
            new TextCorpus([file]).Windows(Tokenizer, 64)
        );
        Assert.Equal(
            [
                [bos, .. first[..3]],
                [bos, .. first[3..]],
                [bos, .. second],
            ],
            new TextCorpus([file], new() { SeparateDocuments = true }).Windows(Tokenizer, 4).Where(window => window.Length > 0)
        );
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(10, 10)]
    [InlineData(16, 16)]
    [InlineData(17, 16)]
    [InlineData(20, 20)]
    [InlineData(1, 0)]
    public void as_many_tokens_are_taken_as_wanted_but_no_window_of_bos_alone(int wanted, int taken)
    {
        var windows = Enumerable.Repeat(Enumerable.Range(0, 8).ToArray(), 10);
        Assert.Equal(taken, TokenWindows.Within(windows, wanted).Sum(window => window.Length));
    }

    private string Bad(string row) =>
        Assert
            .Throws<FileFormatException>(() =>
                new TextCorpus([Write("bad.jsonl", row)]).Windows(Tokenizer, 64, () => ChatTemplate.Gemma2).Count()
            )
            .Message;

    private string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    private string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(_folder.File(name), bytes);
        return _folder.File(name);
    }
}
