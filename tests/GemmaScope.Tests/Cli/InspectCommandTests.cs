using Xunit;

namespace GemmaScope.Tests.Cli;

public class InspectCommandTests
{
    private static readonly string Dictionary = Fixtures.Model("demo-sae", "resid_post", "layer_3", "width_2k", "average_l0_35");

    [Fact]
    public void a_dictionary_file_is_listed_with_statistics()
    {
        var run = CommandLine.Run("inspect", Path.Combine(Dictionary, "params.npz"), "--stats");
        Assert.Equal(0, run.Code);
        Assert.Contains(run.Lines, line => line.StartsWith("W_dec") && line.Contains("[2048, 256]"));
        Assert.Equal("5 tensors, 1.1 M numbers, 4.0 MiB", run.Lines[^1]);
    }

    [Fact]
    public void a_folder_is_listed_file_by_file()
    {
        var parts = CommandLine.Run("inspect", Dictionary, "--json").Json().GetProperty("parts").EnumerateArray().ToArray();
        Assert.Equal(["npz", "JSON"], parts.Select(part => part.GetProperty("kind").GetString()));
        Assert.Equal(
            [2048L, 256],
            parts[0].GetProperty("tensors")[0].GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())
        );
    }

    [Fact]
    public void a_folder_of_folders_is_listed_with_what_is_below()
    {
        var parts = CommandLine.Run("inspect", Fixtures.Model("demo-sae"), "--json").Json().GetProperty("parts").EnumerateArray();
        Assert.Contains(Path.Combine(Dictionary, "params.npz"), parts.Select(part => part.GetProperty("path").GetString()));
    }

    [Fact]
    public void a_folder_without_any_such_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        CommandLine.Run("inspect", folder.Path).IsRefused(folder.Path);
    }

    [Fact]
    public void a_model_is_listed_with_its_types() =>
        Assert.Contains(" BF16 ", CommandLine.Run("inspect", Fixtures.Model("demo-pt", "model.safetensors")).Out);

    [Fact]
    public void a_missing_file_is_refused() => CommandLine.Run("inspect", "no-such.npz").IsRefused("no-such.npz");

    [Fact]
    public void a_file_of_no_known_kind_is_refused() =>
        CommandLine.Run("inspect", Fixtures.Model("demo-pt", "tokenizer.model")).IsRefused("tokenizer.model");
}
