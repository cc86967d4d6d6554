using System.IO.Compression;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

public sealed class TextDocumentsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_file_is_one_document_and_each_json_line_is_one()
    {
        var (plain, lines) = (Write("a.txt", "whole\ntext"), Write("b.jsonl", "{\"text\":\"one\"}\n\n{\"n\":1,\"text\":\"two\"}\n"));
        Assert.Equal(["whole\ntext", "one", "two"], TextDocuments.Read([plain, lines]));
    }

    [Fact]
    public void another_field_is_named_behind_the_path()
    {
        var lines = Write("b.jsonl", "{\"text\":\"one\",\"body\":\"other\"}\n");
        Assert.Equal(["other"], TextDocuments.Read([$"{lines}#body"]));
        Assert.Equal(["other"], TextDocuments.Read([$"{_folder.Path}#body"]));
    }

    [Fact]
    public void a_name_that_has_the_mark_itself_is_taken_as_it_is()
    {
        var file = Write("c#1.jsonl", "{\"text\":\"one\",\"body\":\"other\"}\n");
        Assert.Equal(["one"], TextDocuments.Read([file]));
        Assert.Equal(["other"], TextDocuments.Read([$"{file}#body"]));
    }

    [Fact]
    public void a_missing_field_is_told_with_those_that_are_there()
    {
        var file = Write("b.jsonl", "{\"text\":\"one\"}\n{\"id\":1,\"title\":\"a\",\"body\":\"b\"}\n");
        var problem = Assert.Throws<FileFormatException>(() => TextDocuments.Read([file]).Count());
        Assert.Contains("line 2 has no string 'text'; it has title, body: name one as b.jsonl#COLUMN", problem.Message);
    }

    [Fact]
    public void plain_text_has_no_column()
    {
        Assert.Contains(
            "has no column 'body'",
            Assert.Throws<FileFormatException>(() => TextDocuments.Check([Write("a.txt", "x") + "#body"])).Message
        );
        // The page that lies beside the tables of a data set is not meant.
        Write("b.jsonl", "{\"body\":\"b\"}\n");
        Assert.Equal(["b"], TextDocuments.Read([_folder.Path + "#body"]));
    }

    [Fact]
    public void a_packed_file_is_read_as_what_it_holds()
    {
        Assert.Equal(["plain ü"], TextDocuments.Read([Packed("a.txt.gz", "plain ü"u8)]));
        Assert.Equal(["one"], TextDocuments.Read([Packed("b.jsonl.gz", "{\"text\":\"one\"}\n"u8)]));
    }

    [Fact]
    public void a_packed_file_that_is_cut_short_or_not_packed_is_refused()
    {
        var packed = File.ReadAllBytes(Packed("a.txt.gz", "a text that is long enough to be cut somewhere in the midst of it"u8));
        for (var length = 1; length < packed.Length; length++)
        {
            var cut = _folder.File("cut.txt.gz");
            File.WriteAllBytes(cut, packed[..length]);
            Assert.Contains("cut short", Assert.Throws<FileFormatException>(() => TextDocuments.Read([cut]).Count()).Message);
        }
        Assert.Throws<FileFormatException>(() => TextDocuments.Read([Write("c.jsonl.gz", "not packed")]).Count());
    }

    [Fact]
    public void what_is_not_utf_8_is_refused()
    {
        var file = _folder.File("a.txt");
        File.WriteAllBytes(file, [0x61, 0xff, 0xfe, 0x62]);
        Assert.Contains("UTF-8", Assert.Throws<FileFormatException>(() => TextDocuments.Read([file]).Count()).Message);
    }

    [Fact]
    public void what_is_missing_is_found_out_before_anything_is_read()
    {
        Assert.Throws<FileFormatException>(() => TextDocuments.Check([_folder.File("nothing.txt")]));
        Assert.Throws<FileFormatException>(() => TextDocuments.Check([_folder.File("nothing.jsonl#body")]));
        Assert.Contains(".jsonl", Assert.Throws<FileFormatException>(() => TextDocuments.Check([_folder.Path])).Message);
    }

    private string Write(string name, string text)
    {
        File.WriteAllText(_folder.File(name), text);
        return _folder.File(name);
    }

    private string Packed(string name, ReadOnlySpan<byte> content)
    {
        using var packed = new GZipStream(File.Create(_folder.File(name)), CompressionLevel.Optimal);
        packed.Write(content);
        return _folder.File(name);
    }
}
