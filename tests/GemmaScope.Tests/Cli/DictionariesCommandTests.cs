using GemmaScope.Dictionaries;
using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class DictionariesCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void the_list_shows_what_the_filters_leave()
    {
        var run = CommandLine.Run(
            "dictionaries",
            "list",
            "--model",
            "gemma-2-2b",
            "--site",
            "resid_post",
            "--layer",
            "20",
            "--width",
            "16k"
        );
        Assert.Equal(0, run.Code);
        Assert.Contains(
            run.Lines,
            line =>
                line.StartsWith("gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71 ", StringComparison.Ordinal)
                && line.Contains("288.1 MiB", StringComparison.Ordinal)
        );
        Assert.Equal($"{run.Lines.Length - 1} dictionaries\n", run.Error);
    }

    [Fact]
    public void one_is_shown_under_any_of_its_names()
    {
        foreach (
            var name in (string[])
                [
                    "gemma-scope-2b-pt-res-canonical/layer_20/width_16k",
                    "gemma-2-2b/20-gemmascope-res-16k",
                    "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71",
                ]
        )
        {
            var entry = CommandLine.Run("dictionaries", "show", name, "--json").Json();
            Assert.Equal("google/gemma-scope-2b-pt-res", entry.GetProperty("repository").GetString());
            Assert.Equal("resid_post.20", entry.GetProperty("reads")[0].GetString());
            Assert.Equal("listed", entry.GetProperty("source").GetString());
        }
        var derived = CommandLine.Run("dictionaries", "show", "gemma-scope-2-1b-pt/clt/width_262k_l0_big");
        Assert.Contains("the hub was not asked", derived.Out);
    }

    [Theory]
    [InlineData("dictionaries --help", "dictionaries", "list", "--layer", "first")]
    [InlineData("list, show, check, download, refresh", "dictionaries")]
    [InlineData("in no release", "dictionaries", "show", "someone/something")]
    [InlineData("did you mean gemma-scope-2b-pt-res", "dictionaries", "download", "gemma-scope-2b-pt-res-canonical/layer_20/width_17k")]
    [InlineData("did you mean gemma-scope-2b-pt-res", "analyze", "a", "--sae", "gemma-scope-2b-pt-res-canonical/layer_20/width_17k")]
    public void what_cannot_be_done_is_one_line(string says, params string[] arguments) =>
        CommandLine
            .Run(arguments)
            .IsRefused(says.Replace("dictionaries --help", "gemmascope dictionaries list --help", StringComparison.Ordinal));

    [Fact]
    public void a_dictionary_is_converted_and_found_again()
    {
        var target = Path.Combine(_folder.Path, "sae");
        var run = CommandLine.Run("convert", "demo-sae", target, "--to", "saelens", "--json").Json();
        Assert.Equal(("SAELens", "Sae"), (run.GetProperty("to").GetString(), run.GetProperty("kind").GetString()));
        using var written = SparseDictionary.Load(target);
        Assert.Equal(written.InputSite.ToString(), run.GetProperty("reads")[0].GetString());
        CommandLine.Run("convert", "demo-sae", target, "--to", "saelens").IsRefused("--force");
        Assert.Equal(0, CommandLine.Run("convert", "demo-sae", target, "--to", "saelens", "--force").Code);
        var one = CommandLine.Run("convert", target, Path.Combine(_folder.Path, "one"), "--to", "scope1");
        Assert.Equal(0, one.Code);
        Assert.Contains("--site resid_post", one.Error);
        CommandLine.Run("convert", "demo-sae", Path.Combine(_folder.Path, "x"), "--to", "scope1", "--dtype", "bf16").IsRefused("bfloat16");
        CommandLine.Run("convert", "demo-sae", Path.Combine(_folder.Path, "x"), "--to", "scope3").IsRefused("--help");
    }
}
