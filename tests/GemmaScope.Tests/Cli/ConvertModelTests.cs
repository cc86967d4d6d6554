using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class ConvertModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_light_model_is_written_and_used_like_any()
    {
        var target = _folder.File("light");
        var result = CommandLine.Run("convert", Fixtures.Model("demo-pt"), "--weights", "int8", "--out", target, "--json").Json();
        Assert.Equal("Q8_0", result.GetProperty("block_type").GetString());
        Assert.Equal(42, result.GetProperty("matrices").GetInt32());
        var inspected = CommandLine.Run("inspect", Path.Combine(target, "model.safetensors"));
        Assert.Contains(inspected.Lines, line => line.Contains("down_proj") && line.Contains("Q8_0") && line.Contains("[256, 1024]"));
        Assert.Contains(CommandLine.Run("info", target).Lines, line => line.StartsWith("weights") && line.Contains("Q8_0"));
        CommandLine.Run("convert", Fixtures.Model("demo-pt"), target, "--weights", "int4").IsRefused("exists already");
    }

    [Fact]
    public void it_must_be_clear_what_is_written_and_whereto()
    {
        CommandLine.Run("convert", "demo-pt", "x").IsRefused("--to");
        CommandLine.Run("convert", "demo-pt", "x", "--weights", "int8", "--to", "scope1").IsRefused("--weights");
        CommandLine.Run("convert", "demo-pt", "x", "--weights", "int8", "--out", "y").IsRefused("--out");
        CommandLine.Run("convert", "demo-sae", "--to", "scope1").IsRefused("target");
    }
}
