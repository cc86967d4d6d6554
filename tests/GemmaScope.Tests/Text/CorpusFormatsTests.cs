using System.Text;
using System.Text.Json.Serialization;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Parquet;
using Parquet.Schema;
using Parquet.Serialization;
using Xunit;
using ZstdSharp;

namespace GemmaScope.Tests.Text;

public sealed class CorpusFormatsTests : IDisposable
{
    private static readonly byte[] Lines = Encoding.UTF8.GetBytes(
        string.Concat(Enumerable.Range(0, 500).Select(i => $"{{\"id\":{i},\"text\":\"document {i} of {i * 7919 % 1009}\"}}\n"))
    );

    private readonly TemporaryFolder _folder = new();

    public CorpusFormatsTests() => CorpusFormats.Register();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task a_column_of_parquet_is_read_over_all_row_groups_and_a_missing_value_is_a_bad_row()
    {
        var file = await Parquet();
        Assert.Equal(["t0", "", "x0", "t1", "", "x1", "t2", "", "x2"], TextDocuments.Read([file]));
        Assert.Contains("row 2 has no text in 'body'", Refused($"{file}#body").Message);
        var corpus = new TextCorpus([file], new() { TextColumn = "body", SkipBadRows = true });
        Assert.Equal(["b0", "ü0", "b1", "ü1", "b2", "ü2"], corpus.Texts());
        Assert.Equal(3, corpus.Skipped.Count);
    }

    [Fact]
    public async Task a_folder_of_shards_is_one_corpus()
    {
        await Parquet("shard-0.parquet");
        await Parquet("shard-1.parquet");
        Assert.Equal(18, TextDocuments.Read([$"{_folder.Path}#text"]).Count());
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("id")]
    public async Task a_wrong_column_of_parquet_is_told_with_those_of_text(string column)
    {
        var problem = Refused(await Parquet() + "#" + column);
        Assert.Contains($"no text column '{column}'; it has body, text: name one as a.parquet#COLUMN", problem.Message);
    }

    [Fact]
    public async Task parquet_that_is_cut_short_is_refused_wherever_it_is_cut()
    {
        var whole = await File.ReadAllBytesAsync(await Parquet(), TestContext.Current.CancellationToken);
        for (var length = 0; length < whole.Length; length++)
            Refused(Bytes("cut.parquet", whole.AsSpan()[..length]));
    }

    [Fact]
    public async Task parquet_with_damaged_pages_is_read_or_refused_and_nothing_else()
    {
        var whole = await File.ReadAllBytesAsync(await Parquet(), TestContext.Current.CancellationToken);
        var footer = BitConverter.ToInt32(whole, whole.Length - 8);
        var random = new Random(7);
        for (var round = 0; round < 500; round++)
        {
            var damaged = whole.ToArray();
            for (var i = 0; i <= round % 4; i++)
                damaged[random.Next(whole.Length - footer - 8)] = (byte)random.Next(256);
            var file = Bytes("damaged.parquet", damaged);
            try
            {
                Assert.InRange(TextDocuments.Read([file]).Count(), 0, 9);
            }
            catch (FileFormatException) { }
        }
    }

    [Fact]
    public async Task lists_of_ids_and_conversations_of_parquet_are_documents()
    {
        var file = _folder.File("lists.parquet");
        ListsRow[] rows =
        [
            new([1, 2, 3], [new("user", "Hi"), new("assistant", "Yes?")]),
            new([], []),
            new(null, null),
            new([7], [new("tool", "x")]),
            new([8, null], [new("user", null)]),
        ];
        await ParquetSerializer.SerializeAsync(rows, file, cancellationToken: TestContext.Current.CancellationToken);
        var ids = new TextCorpus([file], new() { TextColumn = "input_ids", SkipBadRows = true });
        Assert.Equal(["1 2 3", "", "7"], ids.Rows().Select(row => string.Join(' ', row.Ids!)));
        Assert.Equal(2, ids.Skipped.Count);
        var chats = new TextCorpus([file], new() { SkipBadRows = true });
        var messages = chats.Rows().Single(row => row.Messages is not null).Messages!;
        Assert.Equal(["user: Hi", "assistant: Yes?"], messages.Select(one => $"{one.Role}: {one.Parts[0].Text}"));
        Assert.Equal(3, chats.Skipped.Count);
        Assert.Contains("it has input_ids, messages", Refused(file + "#body").Message);
    }

    [Fact]
    public async Task packed_parquet_is_told_to_be_unpacked() =>
        Assert.Contains("unpack it", Refused(Packed("a.parquet.zst", await File.ReadAllBytesAsync(await Parquet()))).Message);

    [Fact]
    public void zstandard_packs_any_format()
    {
        Assert.Equal(500, TextDocuments.Read([Packed("a.jsonl.zst", Lines)]).Count());
        Assert.Equal(["plain ü"], TextDocuments.Read([Packed("a.txt.zst", "plain ü"u8)]));
        Assert.Equal(["1", "2"], TextDocuments.Read([Packed("a.csv.zst", "id,text\n1,a\n2,b\n"u8) + "#id"]));
    }

    [Fact]
    public void zstandard_that_is_cut_short_or_is_none_is_refused()
    {
        var whole = File.ReadAllBytes(Packed("a.jsonl.zst", Lines));
        for (var length = 1; length < whole.Length; length += 97)
            Refused(Bytes("cut.jsonl.zst", whole.AsSpan()[..length]));
        Refused(Bytes("b.jsonl.zst", "not packed"u8));
    }

    [Fact]
    public void a_table_has_quotes_lines_and_separators_within_fields()
    {
        var file = Bytes("a.csv", "id,text\n1,\"a, b\"\n2,\"two\nlines \"\"q\"\"\"\n3,x;y\n4,\n"u8);
        Assert.Equal(["a, b", "two\nlines \"q\"", "x;y", ""], TextDocuments.Read([file]));
        Assert.Equal(["1", "2", "3", "4"], TextDocuments.Read([$"{file}#id"]));
        Assert.Equal(["a, b"], TextDocuments.Read([Bytes("b.tsv", "id\ttext\n1\ta, b\n"u8)]));
    }

    [Fact]
    public void a_table_of_one_column_may_hold_other_separators() =>
        Assert.Equal(["hello; you", "a\tb"], TextDocuments.Read([Bytes("a.csv", "text\nhello; you\na\tb\n"u8)]));

    [Fact]
    public void a_table_that_is_wrong_is_refused_with_the_reason()
    {
        Assert.Contains("no text column 'text'; it has id, body", Refused(Bytes("a.csv", "id,body\n1,2\n"u8)).Message);
        Assert.Contains("line 2 has 3 fields, the first line 2", Refused(Bytes("b.csv", "id,text\n1,2,3\n"u8)).Message);
        Assert.Contains("UTF-8", Refused(Bytes("c.csv", [.. "id,text\n1,a"u8, 0xff, 0xfe, .. "\n"u8])).Message);
        Refused(Bytes("d.csv", []));
    }

    private sealed class ListsRow
    {
        public ListsRow() { }

        public ListsRow(List<long?>? ids, List<Message>? messages) => (InputIds, Messages) = (ids, messages);

        [JsonPropertyName("input_ids")]
        public List<long?>? InputIds { get; set; }

        [JsonPropertyName("messages")]
        public List<Message>? Messages { get; set; }
    }

    private sealed class Message
    {
        public Message() { }

        public Message(string? role, string? content) => (Role, Content) = (role, content);

        public string? Role { get; set; }

        public string? Content { get; set; }
    }

    private static FileFormatException Refused(string path) => Assert.Throws<FileFormatException>(() => TextDocuments.Read([path]).Count());

    private string Bytes(string name, ReadOnlySpan<byte> content)
    {
        File.WriteAllBytes(_folder.File(name), content);
        return _folder.File(name);
    }

    private string Packed(string name, ReadOnlySpan<byte> content)
    {
        using var compressor = new Compressor();
        return Bytes(name, compressor.Wrap(content));
    }

    /// <summary>Three row groups of three rows: a number, a text that may be missing, a text.</summary>
    private async Task<string> Parquet(string name = "a.parquet")
    {
        var (id, body, text) = (new DataField<int>("id"), new DataField<string>("body"), new DataField<string>("text"));
        await using var file = File.Create(_folder.File(name));
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(id, body, text), file);
        for (var i = 0; i < 3; i++)
        {
            using var group = writer.CreateRowGroup();
            await group.WriteAsync<int>(id, new[] { 1, 2, 3 }.AsMemory());
            await group.WriteAsync(body, new string?[] { $"b{i}", null, $"ü{i}" });
            await group.WriteAsync(text, new string?[] { $"t{i}", "", $"x{i}" });
        }
        return _folder.File(name);
    }
}
