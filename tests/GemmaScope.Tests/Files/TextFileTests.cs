using System.IO.Compression;
using System.Text;
using GemmaScope.Evaluation;
using GemmaScope.Features;
using GemmaScope.Files;
using GemmaScope.Safety;
using GemmaScope.Workbench;
using Xunit;
using ZstdSharp;

namespace GemmaScope.Tests.Files;

public sealed class TextFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TextFileTests() => CorpusFormats.Register();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a.txt")]
    [InlineData("a.txt.gz")]
    [InlineData("a.zst")]
    public void a_packed_file_is_known_by_its_content_whatever_its_name(string name)
    {
        Assert.Equal("plain ü", TextFile.Read(Write(name.EndsWith("zst", StringComparison.Ordinal) ? "b.gz" : name, Gzip("plain ü"))));
        Assert.Equal("plain ü", TextFile.Read(Write(name, Zstandard("plain ü"))));
    }

    [Fact]
    public void a_byte_order_mark_is_taken_off_and_utf_16_with_one_is_read()
    {
        Assert.Equal("ü", TextFile.Read(Write("a", [0xEF, 0xBB, 0xBF, .. "ü"u8])));
        Assert.Equal("ü", TextFile.Read(Write("b", Gzip("\uFEFFü"))));
        Assert.Equal("ü𝄞", TextFile.Read(Write("c", [0xFF, 0xFE, .. Encoding.Unicode.GetBytes("ü𝄞")])));
        Assert.Equal("ü", TextFile.Read(Write("d", [0xFE, 0xFF, .. Encoding.BigEndianUnicode.GetBytes("ü")])));
    }

    [Fact]
    public void what_is_no_text_is_named_for_what_it_is()
    {
        Refuses(Write("a.gz", []), "empty");
        Refuses(Write("a.zst", "plain"u8.ToArray()), "is not packed with Zstandard, as its name says");
        Refuses(Write("b.gz", Gzip("abc")[..^9]), "cut short");
        Refuses(Write("c.jsonl", "PK\u0003\u0004…"u8.ToArray()), "zip");
        Refuses(Write("d.jsonl", "BZh91AY"u8.ToArray()), "bzip2");
        Refuses(Write("e.gz", GzipBytes(Gzip("twice"))), "packed once more");
        Refuses(Write("f.txt", "version https://git-lfs.github.com/spec/v1\n"u8.ToArray()), "git lfs pull");
        Refuses(Write("g.txt", Encoding.Unicode.GetBytes("plain")), "looks like UTF-16 without a byte order mark");
        Refuses(_folder.Path, "folder");
        Refuses(_folder.File("nothing"), "does not exist");
        File.CreateSymbolicLink(_folder.File("round"), _folder.File("about"));
        File.CreateSymbolicLink(_folder.File("about"), _folder.File("round"));
        Refuses(_folder.File("round"), "link");
        File.CreateSymbolicLink(_folder.File("dangling"), _folder.File("nothing"));
        Refuses(_folder.File("dangling"), "which does not exist");
    }

    [Theory]
    [InlineData(new byte[] { 0x61, 0xE9, 0x20 }, "byte E9 at offset 1 is not UTF-8; it looks like Latin-1: iconv -f latin1 -t utf-8")]
    [InlineData(new byte[] { 0x61, 0x92, 0x73 }, "it looks like Windows-1252: iconv -f cp1252 -t utf-8")]
    [InlineData(new byte[] { 0x61, 0xC3 }, "byte C3 at offset 1 is not UTF-8")]
    [InlineData(new byte[] { 0xFF, 0x00, 0x61 }, "byte FF at offset 0 is not UTF-8; save the text as UTF-8")]
    public void bytes_that_are_not_utf_8_are_named_with_their_place(byte[] bytes, string problem) => Refuses(Write("a", bytes), problem);

    [Fact]
    public void lines_end_with_either_break_and_a_long_one_costs_no_memory_and_not_the_others()
    {
        Assert.Equal(["a", "", "b", "c", "d"], TextFile.ReadLines(Write("a", "a\n\nb\r\nc\rd"u8.ToArray())));
        var stream = new MemoryStream(Encoding.UTF8.GetBytes("one\n" + new string('x', 1 << 20) + "\nthree"));
        var lines = TextLines.Read(stream, 100).Select(line => (line.Number, line.Problem, Encoding.UTF8.GetString(line.Bytes.Span)));
        Assert.Equal([(1, null, "one"), (2, "line 2 has more than 100 bytes", ""), (3, null, "three")], lines);
    }

    [Fact]
    public void lines_do_not_depend_on_the_pieces_they_come_in()
    {
        var bytes = "é1\r\n\r\n2\r3\n"u8.ToArray();
        Assert.Equal(["é1", "", "2", "3"], TextLines.Read(new OneByOne(bytes)).Select(line => Encoding.UTF8.GetString(line.Bytes.Span)));
    }

    [Fact]
    public void rows_of_a_table_are_told_apart_whatever_stands_in_quotes()
    {
        var bytes = "a,b\r\n\"1,\"\"\r\n\",2\n\n3\n\"\",\"x\"y\n"u8.ToArray();
        foreach (var stream in (Stream[])[new MemoryStream(bytes), new OneByOne(bytes)])
        {
            var rows = DelimitedRows.Read(stream, "t", ',').ToArray();
            Assert.Equal([1L, 2, 5, 6], rows.Select(row => row.Line));
            Assert.Equal(["1,\"\r\n", "2"], rows[1].Fields);
            Assert.Contains("line 5 has 1 fields, the first line 2", rows[2].Problem);
            Assert.Equal(["", "xy"], rows[3].Fields);
        }
        var open = Assert.Throws<FileFormatException>(() =>
            DelimitedRows.Read(new MemoryStream("a\n\"b\nc"u8.ToArray()), "t", ',').Count()
        );
        Assert.Contains("line 2: a quote is opened and never closed", open.Message);
        Assert.Throws<FileFormatException>(() => DelimitedRows.Read(new MemoryStream(new byte[1000]), "t", ',', 100).Count());
    }

    [Fact]
    public void numbers_that_python_writes_are_numbers_and_nothing_else()
    {
        var json = JsonFile.Read(Write("a.json", """{"a": NaN, "b":[-Infinity,1], "c":"NaN \" NaN", "d": Infinity, "e": 1}"""u8.ToArray()));
        Assert.Equal((double.NaN, double.PositiveInfinity, 1), (json.AnyNumber("a"), json.AnyNumber("d"), json.AnyNumber("e")));
        Assert.Equal("NaN \" NaN", json.Text("c"));
        Assert.Contains("'a' must be a number, found NaN", Assert.Throws<FileFormatException>(() => json.Number("a")).Message);
        Assert.Contains("'a' must be a string, found NaN", Assert.Throws<FileFormatException>(() => json.Text("a")).Message);
        Assert.Contains("found -Infinity", Assert.Throws<FileFormatException>(() => json.Numbers("b")).Message);
        Assert.Throws<FileFormatException>(() => JsonFile.Read(Write("b.json", """{"a": NaNa}"""u8.ToArray())));
        Assert.Throws<FileFormatException>(() => JsonFile.Read(Write("c.json", """{NaN: 1}"""u8.ToArray())));
    }

    [Theory]
    [InlineData("""{"a":"\ud83d\ude00 \\ud83d"}""", true)]
    [InlineData("""{"a":"\ud83d"}""", false)]
    [InlineData("""{"a":"\ude00\ud83d"}""", false)]
    [InlineData("""{"\ud83d":1}""", false)]
    [InlineData("""{"a":"\ud83d\ud83d\ude00"}""", false)]
    public void half_a_character_is_named(string json, bool isWhole)
    {
        var file = Write("a.json", Encoding.UTF8.GetBytes(json));
        if (isWhole)
            Assert.NotNull(JsonFile.Read(file).Text("a"));
        else
            Assert.Contains("lone surrogate", Assert.Throws<FileFormatException>(() => JsonFile.Read(file)).Message);
    }

    [Theory]
    [InlineData(".gz")]
    [InlineData(".zst")]
    public void every_reader_of_texts_takes_packed_files(string ending)
    {
        byte[] Pack(string text) => ending == ".gz" ? Gzip(text) : Zstandard(text);
        Assert.Equal("the word", FeatureLabels.Load(Write("a.jsonl" + ending, Pack("{\"feature\":1,\"label\":\"the word\"}\n")))[1]);
        Assert.Equal("b, c", FeatureLabels.Load(Write("a.csv" + ending, Pack("feature,label\n1,\"b, c\"\n")))[1]);
        Assert.Equal("b", FeatureLabels.Load(Write("a.json" + ending, Pack("\uFEFF{\"1\":\"b\"}")))[1]);
        Assert.Equal(["x", "y"], Headline.Load(Write("h.txt" + ending, Pack("x\ny\n"))).Select(one => one.Text));
        Assert.Equal(["x, y"], Headline.Load(Write("h.csv" + ending, Pack("title\n\"x, y\"\n"))).Select(one => one.Text));
        Assert.Equal(["x"], Headline.Load(Write("h.jsonl" + ending, Pack("{\"text\":\"x\"}"))).Select(one => one.Text));
        var set = LabelledSet.Load([Write("s.csv" + ending, Pack("text,label\na,1\nb,0\n"))]).Single();
        Assert.Equal(("s", 2), (set.Name, set.Rows.Count));
        Assert.Equal(
            2,
            LabelledSet
                .Load([Write("t.jsonl" + ending, Pack("{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\",\"label\":0}\n"))])
                .Single()
                .Rows.Count
        );
        var lists = ((string, string)[])[("l-a.json", "[\"x\"]"), ("l-b.json", "[\"y\"]")];
        Assert.Equal(2, LabelledSet.Load([.. lists.Select(list => Write(list.Item1 + ending, Pack(list.Item2)))]).Single().Rows.Count);
        Assert.Single(ShieldPolicyFile.Load(Write("p.yaml" + ending, Pack("version: '1'\npolicies:\n  - key: HATE\n"))));
        Assert.NotEmpty(CounterfactualFairness.Load(Write("f.txt" + ending, Pack("he,she\n"))).Swaps("he is"));
        Assert.Equal(["abc"], SpellingPrompts.ReadWords([Write("w.txt" + ending, Pack("abc\n"))]));
        Assert.Single(GemmaScope.Behaviour.ContrastPair.Load(Write("c.jsonl" + ending, Pack("{\"positive\":\"a\",\"negative\":\"b\"}"))));
    }

    private static void Refuses(string path, string problem) =>
        Assert.Contains(problem, Assert.Throws<FileFormatException>(() => TextFile.Read(path)).Message);

    private string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(_folder.File(name), bytes);
        return _folder.File(name);
    }

    private static byte[] Gzip(string text) => GzipBytes(Encoding.UTF8.GetBytes(text));

    private static byte[] GzipBytes(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    private static byte[] Zstandard(string text)
    {
        using var compressor = new Compressor();
        return compressor.Wrap(Encoding.UTF8.GetBytes(text)).ToArray();
    }

    /// <summary>A stream that hands out one byte at a time, as a slow pipe may.</summary>
    private sealed class OneByOne(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer.IsEmpty ? buffer : buffer[..1]);
    }
}
