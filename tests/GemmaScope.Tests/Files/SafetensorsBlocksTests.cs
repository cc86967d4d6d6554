using System.Text;
using GemmaScope.Files;
using GemmaScope.Numerics;
using GemmaScope.Tests.Numerics;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed unsafe class SafetensorsBlocksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void block_types_come_back_as_they_were_beside_other_tensors()
    {
        foreach (var type in RandomBlocks.Types)
        {
            using var blocks = RandomBlocks.Tensor(type, 3, 512);
            using var plain = Tensor.From([1, 2, 3], 3);
            var path = _folder.File($"{type}");
            SafetensorsWriter.Write(
                path,
                new Dictionary<string, Tensor> { ["w"] = blocks, ["gain"] = plain },
                new Dictionary<string, string> { ["format"] = "pt" }
            );
            using var file = SafetensorsFile.Open(path);
            Assert.Equal((type, 3, 512), (file["w"].Type, file["w"].Rows, file["w"].Columns));
            Assert.True(
                new ReadOnlySpan<byte>(blocks.Pointer, (int)blocks.ByteLength).SequenceEqual(
                    new ReadOnlySpan<byte>(file["w"].Pointer, (int)file["w"].ByteLength)
                )
            );
            Assert.Equal(DType.F32, file["gain"].Type);
            Assert.Equal("pt", file.Metadata["format"]);
            var header = Encoding.UTF8.GetString(File.ReadAllBytes(path).AsSpan(8, 400));
            Assert.Contains($"\"dtype\":\"U8\",\"shape\":[3,{type.ByteLength(512)}]", header, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void a_tensor_of_many_matrices_keeps_its_shape()
    {
        using var blocks = RandomBlocks.Tensor(DType.Q8_0, 6, 64);
        var path = _folder.File("experts");
        var source = new TensorSource(
            "w",
            DType.Q8_0,
            [2, 3, 64],
            stream => stream.Write(new ReadOnlySpan<byte>(blocks.Pointer, (int)blocks.ByteLength))
        );
        SafetensorsWriter.Write(path, [source]);
        using var file = SafetensorsFile.Open(path);
        Assert.Equal([2, 3, 64], file["w"].Shape);
        Assert.Equal((6, 64), (file["w"].Rows, file["w"].Columns));
        Assert.Equal("Q8_0 2 3 64", file.Metadata["gemmascope.blocks.w"]);
        Assert.Equal(blocks.ToF32().AsSpan().ToArray(), file["w"].ToF32().AsSpan().ToArray());
    }

    [Fact]
    public void only_whole_rows_of_blocks_are_written()
    {
        static void Nothing(Stream stream) { }
        Assert.Throws<ArgumentProblemException>(() => new TensorSource("w", DType.Q8_0, [64], Nothing));
        Assert.Throws<ArgumentProblemException>(() => new TensorSource("w", DType.Q8_0, [2, 33], Nothing));
        Assert.Throws<ArgumentProblemException>(() => new TensorSource("w", DType.Q8_0, [-1, 32], Nothing));
    }

    [Theory]
    [InlineData("gemmascope.blocks", "2", "version '2'")]
    [InlineData("gemmascope.blocks", null, "in which version")]
    [InlineData("gemmascope.blocks.other", "Q8_0 2 64", "no such tensor")]
    [InlineData("gemmascope.blocks.w", "Q8_0 2", "two sizes")]
    [InlineData("gemmascope.blocks.w", "Q8_0", "two sizes")]
    [InlineData("gemmascope.blocks.w", "Q8_0 2 -64", "with sizes")]
    [InlineData("gemmascope.blocks.w", "Q8_0 2 99999999999999999999", "with sizes")]
    [InlineData("gemmascope.blocks.w", "Q8_0 1 2 64", "U8 [rows, bytes]")]
    [InlineData("gemmascope.blocks.w", "q8_0 2 64", "no block type")]
    [InlineData("gemmascope.blocks.w", "17 2 64", "no block type")]
    [InlineData("gemmascope.blocks.w", "BF16 2 64", "no block type")]
    [InlineData("gemmascope.blocks.w", "Q8_0 2 63", "whole number of blocks")]
    [InlineData("gemmascope.blocks.w", "Q8_0 2 0", "whole number of blocks")]
    [InlineData("gemmascope.blocks.w", "Q8_0 2 9223372036854775776", "whole number of blocks")]
    [InlineData("gemmascope.blocks.w", "Q8_0 4 32", "bytes")]
    [InlineData("gemmascope.blocks.w", "Q4_0 2 64", "bytes")]
    [InlineData("gemmascope.blocks.gain", "Q8_0 3 32", "U8 [rows, bytes]")]
    public void what_the_metadata_says_must_fit_the_tensor(string key, string? value, string problem)
    {
        var metadata = new Dictionary<string, string> { ["gemmascope.blocks"] = "1", ["gemmascope.blocks.w"] = "Q8_0 2 64" };
        if (value is null)
            metadata.Remove(key);
        else
            metadata[key] = value;
        using var bytes = Tensor.Allocate(DType.U8, [2, 68]);
        using var gain = Tensor.From([1, 2, 3], 3);
        var path = _folder.File("damaged");
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor> { ["w"] = bytes, ["gain"] = gain }, metadata);
        var refusal = Assert.Throws<FileFormatException>(() => SafetensorsFile.Open(path));
        Assert.Contains(problem, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
    }
}
