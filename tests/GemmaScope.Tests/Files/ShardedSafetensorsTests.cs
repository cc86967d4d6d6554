using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed class ShardedSafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gemma2-bf16-sharded")]
    [InlineData("gemma3-multimodal-v5-prefix")]
    public void every_tensor_of_the_index_is_found_in_its_shard(string model)
    {
        var folder = Fixtures.Path("host", model);
        using var weights = ShardedSafetensors.Open(folder);
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, ShardedSafetensors.IndexName)));
        var map = json.RootElement.GetProperty("weight_map").EnumerateObject().ToList();
        Assert.Equal(map.Count, weights.Names.Count);
        Assert.All(
            map,
            entry =>
            {
                Assert.Equal(Path.Combine(folder, entry.Value.GetString()!), weights.FileOf(entry.Name));
                Assert.True(weights[entry.Name].Length > 0);
            }
        );
        Assert.Null(weights.Find("absent"));
        Assert.Contains(
            "'absent' is missing",
            Assert.Throws<FileFormatException>(() => weights["absent"]).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void a_single_file_opens_by_its_folder_and_by_its_name()
    {
        var folder = Fixtures.Path("host", "gemma2-f32-smallcaps");
        using var byFolder = ShardedSafetensors.Open(folder);
        using var byName = ShardedSafetensors.Open(Path.Combine(folder, ShardedSafetensors.SingleName));
        Assert.Equal(byFolder.Names, byName.Names);
        Assert.Single(byFolder.Files);
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}""", "2.safetensors is missing; it should hold b")]
    [InlineData("""{"weight_map":{"a":"1.safetensors","c":"1.safetensors"}}""", "1.safetensors holds tensor c, but it does not")]
    [InlineData("""{"weight_map":{"a":"../1.safetensors"}}""", "not a plain file name")]
    [InlineData("""{"weight_map":{"a":".."}}""", "not a plain file name")]
    [InlineData("""{"weight_map":{"a":7}}""", "'weight_map.a' must be a string, found 7")]
    [InlineData("""{"weight_map":[]}""", "'weight_map' must be an object")]
    [InlineData("""{}""", "'weight_map' is missing")]
    [InlineData("""{"weight_map":""", "not valid JSON")]
    public void an_index_that_does_not_fit_its_shards_is_refused(string index, string fact)
    {
        SafetensorsWriter.Write(_folder.File("1.safetensors"), new Dictionary<string, Tensor> { ["a"] = Tensor.Zeros(1) });
        File.WriteAllText(_folder.File(ShardedSafetensors.IndexName), index);
        var error = Assert.Throws<FileFormatException>(() => ShardedSafetensors.Open(_folder.Path));
        Assert.Equal(_folder.File(ShardedSafetensors.IndexName), error.Location);
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void a_folder_without_weights_says_which_files_it_needs()
    {
        var error = Assert.Throws<FileFormatException>(() => ShardedSafetensors.Open(_folder.Path));
        Assert.Contains(ShardedSafetensors.SingleName, error.Message, StringComparison.Ordinal);
    }
}
