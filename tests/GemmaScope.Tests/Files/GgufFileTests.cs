using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed class GgufFileTests : IDisposable
{
    private static readonly string Split = Fixtures.Path("gguf", "gemma2-wide-Q4_K_M-sharded");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void shapes_have_their_rows_first_and_keys_their_values()
    {
        using var file = GgufFile.Open(Fixtures.Path("gguf", "types", "model.gguf"));
        Assert.Equal([3, 512], file["type.Q4_K.weight"].Shape.ToArray());
        Assert.Equal(DType.Q4_K, file["type.Q4_K.weight"].Type);
        Assert.Equal(3 * 2 * 144, file["type.Q4_K.weight"].ByteLength);
        Assert.Equal(3, file.Version);
        Assert.Null(file.Find("nothing"));
        Assert.Contains("'nothing'", Assert.Throws<FileFormatException>(() => file["nothing"]).Message);
    }

    [Fact]
    public void a_split_file_is_one_set_of_tensors_whichever_shard_is_named()
    {
        var shards = Directory.GetFiles(Split, "*.gguf").Order(StringComparer.Ordinal).ToArray();
        using var first = GgufFile.Open(shards[0]);
        using var second = GgufFile.Open(shards[1]);
        Assert.Equal(shards, first.Files);
        Assert.Equal(first.Names.Order(), second.Names.Order());
        Assert.Equal("gemma2", second.Keys.ToDictionary()["general.architecture"]);
        Assert.Equal(shards[1], first.FileOf(first.Names.Last()));
    }

    [Fact]
    public void a_shard_that_lies_alone_says_what_is_missing()
    {
        var shards = Directory.GetFiles(Split, "*.gguf").Order(StringComparer.Ordinal).ToArray();
        File.Copy(shards[0], _folder.File(Path.GetFileName(shards[0])));
        Assert.Contains(Path.GetFileName(shards[1]), Refusal(_folder.File(Path.GetFileName(shards[0]))), StringComparison.Ordinal);
        File.Copy(shards[0], _folder.File("renamed.gguf"));
        Assert.Contains("split.count", Refusal(_folder.File("renamed.gguf")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(16u, "IQ2_XXS")]
    [InlineData(4u, "removed")]
    [InlineData(77u, "does not have")]
    public void a_type_that_is_not_read_is_named_with_what_to_do(uint type, string said)
    {
        var bytes = File.ReadAllBytes(Fixtures.Path("gguf", "malformed", "valid.gguf"));
        var name = "blk.0.attn_q.weight"u8;
        var at = bytes.AsSpan().IndexOf(name) + name.Length;
        // Dimensions, two of them, then the type.
        BitConverter.TryWriteBytes(bytes.AsSpan(at + 4 + 16), type);
        File.WriteAllBytes(_folder.File("x.gguf"), bytes);
        var refusal = Refusal(_folder.File("x.gguf"));
        Assert.Contains(said, refusal, StringComparison.Ordinal);
        Assert.Contains("blk.0.attn_q.weight", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void an_inspection_lists_keys_and_tensors()
    {
        var report = FileInspector.Inspect(Fixtures.Path("gguf", "types", "model.gguf"), statistics: true);
        Assert.Equal(FileKind.Gguf, report.Kind);
        var tensor = report.Tensors.Single(tensor => tensor.Name == "type.Q6_K.weight");
        Assert.Equal((3 * 512, 3 * 2 * 210), (tensor.Elements, tensor.Bytes));
        Assert.Equal(0, tensor.Statistics!.NaNs);
        File.Copy(Fixtures.Path("gguf", "types", "model.gguf"), _folder.File("blob"));
        Assert.Equal(FileKind.Gguf, FileInspector.Inspect(_folder.File("blob")).Kind);
        var folder = FileInspector.Inspect(Split);
        Assert.Contains("gemma2", folder.Parts.Single(part => part.Kind == FileKind.Gguf).Metadata.ToDictionary()["general.architecture"]);
    }

    private static string Refusal(string path) => Assert.Throws<FileFormatException>(() => GgufFile.Open(path).Dispose()).Message;
}
