using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed class JsonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void values_are_read_by_type_and_absent_and_null_are_alike()
    {
        var config = Read("""{"text_config":{"hidden_size":24,"eps":1e-6,"act":"gelu","tied":true,"eos":[1,106],"bos":2,"cap":null}}""")
            .Section("text_config")!;
        Assert.Equal(24, config.Integer("hidden_size"));
        Assert.Equal(24.0, config.Number("hidden_size"));
        Assert.Equal(1e-6, config.Number("eps"));
        Assert.Equal("gelu", config.Text("act"));
        Assert.True(config.Flag("tied"));
        Assert.Equal([1, 106], config.Integers("eos"));
        Assert.Equal([2], config.Integers("bos"));
        Assert.Null(config.Number("cap"));
        Assert.Null(config.Number("absent"));
        Assert.False(config.Has("cap"));
        Assert.Equal("'text_config.absent' is missing", config.Missing("absent").Message[(config.File.Length + 2)..]);
    }

    [Theory]
    [InlineData("""{"a":"24"}""", "'a' must be a whole number, found \"24\"")]
    [InlineData("""{"a":2.5}""", "'a' must be a whole number, found 2.5")]
    [InlineData("""{"a":99999999999}""", "'a' must be a whole number")]
    [InlineData("""{"a":1,}""", "not valid JSON")]
    [InlineData("""{"a":1} // x""", "not valid JSON")]
    [InlineData("""{"a":"\ud800"}""", "not valid Unicode")]
    [InlineData("""[1]""", "object is needed")]
    [InlineData("", "is empty")]
    public void a_wrong_value_or_file_is_named(string json, string fact)
    {
        var error = Assert.Throws<FileFormatException>(() => Read(json).Integer("a"));
        Assert.Equal(_folder.File("config.json"), error.Location);
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
    }

    private JsonSection Read(string json)
    {
        File.WriteAllText(_folder.File("config.json"), json);
        return JsonFile.Read(_folder.File("config.json"));
    }
}
