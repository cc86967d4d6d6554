using System.Buffers.Binary;
using System.Text;
using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed unsafe class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void every_type_and_shape_survives_writing_and_reading()
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach (var type in Enum.GetValues<DType>().Where(type => !type.IsBlockType()))
        {
            var tensor = Tensor.Allocate(type, [3, 5]);
            for (var i = 0; i < tensor.ByteLength; i++)
                tensor.Pointer[i] = (byte)(i * 7 + (int)type);
            tensors[$"ü \"{type}\""] = tensor;
        }
        tensors["scalar"] = Tensor.From([2.5f]);
        tensors["empty"] = Tensor.Zeros(0, 4);
        var metadata = new Dictionary<string, string> { ["format"] = "pt", ["note"] = "é\n" };
        var path = _folder.File("sub/all.safetensors");

        SafetensorsWriter.Write(path, tensors, metadata);

        using var file = SafetensorsFile.Open(path);
        Assert.Equal(metadata.OrderBy(p => p.Key), file.Metadata.OrderBy(p => p.Key));
        Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal), file.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, expected) in tensors)
        {
            Assert.Equal(expected.Type, file[name].Type);
            Assert.Equal(expected.Shape.ToArray(), file[name].Shape.ToArray());
            Assert.Equal(Bytes(expected), Bytes(file[name]));
            Assert.Equal(0, (long)file[name].Pointer % expected.Type.Size());
        }
        Assert.Equal(0ul, BinaryPrimitives.ReadUInt64LittleEndian(File.ReadAllBytes(path)) % 8);
    }

    [Fact]
    public void the_same_tensors_in_another_order_give_the_same_bytes()
    {
        var (a, b) = (Tensor.From([1, 2], 2), Tensor.From([3], 1));
        SafetensorsWriter.Write(_folder.File("1"), new KeyValuePair<string, Tensor>[] { new("a", a), new("b", b) });
        SafetensorsWriter.Write(_folder.File("2"), new KeyValuePair<string, Tensor>[] { new("b", b), new("a", a) });
        Assert.Equal(File.ReadAllBytes(_folder.File("1")), File.ReadAllBytes(_folder.File("2")));
    }

    [Fact]
    public void a_tensor_at_an_odd_address_is_read_in_place()
    {
        var path = Craft(
            """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}""",
            [9, .. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)]
        );
        using var file = SafetensorsFile.Open(path);
        Assert.Equal([1.5f, -2f], file["b"].AsSpan().ToArray());
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}""", "F4")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}""", "dimension")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", "two numbers, found 3")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1]}}""", "data_offsets is missing")]
    [InlineData("""{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", "dtype is given twice")]
    [InlineData("""{"__metadata__":{"k":1},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", "'k' must be a string")]
    [InlineData("""{"__metadata__":{},"__metadata__":{},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", "__metadata__ twice")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", "not valid JSON")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}} x""", "not valid JSON")]
    [InlineData("""{"a":{"dtype":"U8","shape":[9223372036854775807,3,0],"data_offsets":[0,1]}}""", "overflows")]
    [InlineData("[1]", "begin with '{'")]
    public void a_header_that_breaks_a_rule_is_refused(string header, string fact)
    {
        var error = Assert.Throws<FileFormatException>(() => SafetensorsFile.Open(Craft(header, [0])));
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void a_file_that_cannot_be_opened_is_told_apart()
    {
        File.WriteAllBytes(_folder.File("empty"), []);
        AssertProblem("does not exist", _folder.File("absent"));
        AssertProblem("is a folder", _folder.Path);
        AssertProblem("is empty", _folder.File("empty"));
    }

    [Fact]
    public void a_link_as_the_hub_cache_makes_them_is_followed()
    {
        SafetensorsWriter.Write(_folder.File("blob"), new Dictionary<string, Tensor> { ["a"] = Tensor.Zeros(1000) });
        File.CreateSymbolicLink(_folder.File("model.safetensors"), "blob");
        using var file = SafetensorsFile.Open(_folder.File("model.safetensors"));
        Assert.Equal(1000, file["a"].Length);
    }

    [Fact]
    public void an_existing_file_is_replaced_only_when_that_is_allowed()
    {
        var (path, tensors) = (_folder.File("x"), new Dictionary<string, Tensor> { ["a"] = Tensor.Zeros(1) });
        File.WriteAllText(path, "old");
        Assert.Throws<GemmaScopeException>(() => SafetensorsWriter.Write(path, tensors));
        Assert.Equal("old", File.ReadAllText(path));
        SafetensorsWriter.Write(path, tensors, overwrite: true);
        using var file = SafetensorsFile.Open(path);
        Assert.Single(file.Tensors);
    }

    [Fact]
    public void a_write_that_fails_or_is_stopped_leaves_nothing_behind()
    {
        using var stop = new CancellationTokenSource();
        var stopping = new TensorSource(
            "a",
            DType.U8,
            [2],
            stream =>
            {
                stop.Cancel();
                stream.Write([1, 2]);
            }
        );
        Assert.Throws<OperationCanceledException>(() =>
            SafetensorsWriter.Write(_folder.File("x"), [stopping], cancellationToken: stop.Token)
        );
        var tooShort = new TensorSource("a", DType.U8, [2], stream => stream.Write([1]));
        Assert.Throws<InvalidOperationException>(() => SafetensorsWriter.Write(_folder.File("x"), [tooShort]));
        var twice = new KeyValuePair<string, Tensor>("a", Tensor.Zeros(1));
        Assert.Throws<ArgumentProblemException>(() => SafetensorsWriter.Write(_folder.File("x"), [twice, twice]));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    private static byte[] Bytes(Tensor tensor) => new ReadOnlySpan<byte>(tensor.Pointer, (int)tensor.ByteLength).ToArray();

    private static void AssertProblem(string fact, string path)
    {
        var error = Assert.Throws<FileFormatException>(() => SafetensorsFile.Open(path));
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
        Assert.Equal(path, error.Location);
    }

    private string Craft(string header, byte[] data)
    {
        var (path, json) = (_folder.File("crafted.safetensors"), Encoding.UTF8.GetBytes(header));
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. data]);
        return path;
    }
}
