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
    public void demo_models_and_dictionaries_are_found_by_name_wherever_a_program_runs()
    {
        using var model = GemmaScope.Models.GemmaModel.Load("demo-pt");
        using var sae = GemmaScope.Dictionaries.SparseDictionary.Load("demo-sae/resid_post/layer_3/width_2k/average_l0_35");
        Assert.Equal(sae.InputWidth, model.Config.Width);
        Assert.Equal("demo-it", Path.GetFileName(Hub.ResolveModel("demo-it").Path));
        Assert.Null(DemoFiles.FindPath("demo-sae/../demo-pt"));
        Assert.Null(DemoFiles.FindPath("models"));
    }

    [Theory]
    [InlineData("demo-sae/layer_99", "holds no such file or folder")]
    [InlineData("gemma-2-2b", "did you mean 'google/gemma-2-2b'?")]
    [InlineData("shieldgemma-2b", "did you mean 'google/shieldgemma-2b'?")]
    public void a_name_that_leads_nowhere_is_answered_with_what_was_meant(string name, string says) =>
        Assert.Contains(says, Assert.ThrowsAny<GemmaScopeException>(() => Hub.ResolveModel(name)).Message);

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
