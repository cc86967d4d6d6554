using System.IO.Compression;
using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Files;

public class DemoFilesTests
{
    [Fact]
    public void the_texts_that_come_along_are_two_that_share_nothing()
    {
        var texts = GemmaScope.Text.TextDocuments.Read([DemoFiles.Texts]).ToHashSet();
        var heldOut = GemmaScope.Text.TextDocuments.Read([DemoFiles.HeldOutTexts]).ToHashSet();
        Assert.True(texts.Count > 200 && heldOut.Count > 200);
        Assert.False(texts.Overlaps(heldOut));
        Assert.Null(DemoFiles.FindTexts("demo-other"));
    }

    [Fact]
    public void a_file_of_that_name_counts_before_the_texts_that_come_along()
    {
        using var folder = new TemporaryFolder();
        var own = folder.Write("demo", "my own");
        Assert.Equal(["my own"], GemmaScope.Text.TextDocuments.Read([own]));
    }

    [Fact]
    public void a_copy_is_made_once_where_it_can_be_written_and_anew_for_another_file()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("features.db", "one");
        var blocked = Path.Combine(folder.Write("a-file", ""), "below");
        var first = DemoFiles.WritableCopy(file, null, blocked, folder.File("cache"))!;
        Assert.StartsWith(folder.File("cache"), first);
        File.WriteAllText(first, "notes of the user");
        Assert.Equal(first, DemoFiles.WritableCopy(file, folder.File("cache")));
        Assert.Equal("notes of the user", File.ReadAllText(first));
        folder.Write("features.db", "two");
        Assert.Equal("two", File.ReadAllText(DemoFiles.WritableCopy(file, folder.File("cache"))!));
        Assert.Null(DemoFiles.WritableCopy(file, null, blocked));
    }

    [Fact]
    public void a_packed_file_is_unpacked_where_it_is_copied()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("features.db.br");
        using (var packed = new BrotliStream(File.Create(file), CompressionLevel.Optimal))
            packed.Write("what is in it"u8);
        var copy = DemoFiles.WritableCopy(file, folder.File("cache"))!;
        Assert.EndsWith(".db", copy);
        Assert.Equal("what is in it", File.ReadAllText(copy));
        Assert.Equal(copy, DemoFiles.WritableCopy(file, folder.File("cache")));
    }
}
