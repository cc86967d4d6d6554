using System.IO.Compression;
using System.Text;
using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed class NpzTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(0)] // every size and offset in zip64 records
    public unsafe void arrays_survive_writing_and_reading_and_lie_aligned(long zip64From)
    {
        var half = Tensor.Allocate(DType.F16, [3]);
        ((Half*)half.Pointer)[1] = (Half)0.5f;
        var arrays = new (string Name, Tensor Tensor)[]
        {
            ("W_dec", Tensor.From([1, 2, 3, 4, 5, 6], 2, 3)),
            ("scalar", Tensor.From([7])),
            ("empty", Tensor.Zeros(0)),
            ("half", half),
            ("ü", Tensor.From([1, 2], 2)),
        };
        var path = _folder.File("a.npz");
        NpzWriter.Write(path, arrays.Select(a => new TensorSource(a.Name, a.Tensor)), zip64From, overwrite: false, default);

        using var file = NpzFile.Open(path);
        file.Verify();
        Assert.Equal(arrays.Select(a => a.Name), file.Arrays.Keys);
        foreach (var (name, expected) in arrays)
        {
            var tensor = file[name];
            Assert.Equal(expected.Shape.ToArray(), tensor.Shape.ToArray());
            Assert.Equal(expected.ToF32().AsSpan().ToArray(), tensor.ToF32().AsSpan().ToArray());
            Assert.Equal(0, (long)tensor.Pointer % 64);
        }
    }

    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(0)]
    public void archives_are_read_by_the_zip_library_of_the_platform(long zip64From)
    {
        var path = _folder.File("a.npz");
        NpzWriter.Write(path, [new TensorSource("a", Tensor.From([1, 2], 2))], zip64From, overwrite: false, default);
        using var zip = ZipFile.OpenRead(path);
        using var content = new MemoryStream();
        zip.GetEntry("a.npy")!.Open().CopyTo(content);
        var text = Encoding.Latin1.GetString(content.ToArray());
        Assert.Contains("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", text, StringComparison.Ordinal);
        Assert.Equal(128 + 8, content.Length);
    }

    [Fact]
    public void a_deflated_archive_is_decompressed_and_its_checksum_taken()
    {
        var path = Zip(
            ("a.npy", Npy("<f8", "False", "(50,)", [.. Enumerable.Range(0, 50).SelectMany(i => BitConverter.GetBytes((double)i))]))
        );
        using (var file = NpzFile.Open(path))
        {
            Assert.Equal(DType.F64, file["a"].Type);
            Assert.Equal(Enumerable.Range(0, 50).Select(i => (float)i), file["a"].ToF32().AsSpan().ToArray());
        }
        var bytes = File.ReadAllBytes(path);
        bytes[14] ^= 1; // the checksum, in the header in front of the member and in the central directory
        bytes[bytes.AsSpan().LastIndexOf("PK\u0001\u0002"u8) + 16] ^= 1;
        File.WriteAllBytes(path, bytes);
        using var damaged = NpzFile.Open(path);
        Assert.Contains(
            "checksum of member a.npy",
            Assert.Throws<FileFormatException>(() => damaged["a"]).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("<f4", "True", "(2, 3)")]
    [InlineData(">f4", "True", "(2, 3)")]
    [InlineData(">f4", "False", "(2, 3)")]
    [InlineData("=f4", "False", "(2L, 3L,)")]
    public void any_order_and_byte_order_gives_the_same_row_major_tensor(string description, string fortranOrder, string shape)
    {
        float[] values = fortranOrder == "True" ? [1, 4, 2, 5, 3, 6] : [1, 2, 3, 4, 5, 6];
        byte[] data = [.. values.SelectMany(v => description[0] == '>' ? BitConverter.GetBytes(v).Reverse() : BitConverter.GetBytes(v))];
        File.WriteAllBytes(_folder.File("a.npy"), Npy(description, fortranOrder, shape, data));
        using var file = NpyFile.Open(_folder.File("a.npy"));
        Assert.Equal([2L, 3L], file.Tensor.Shape.ToArray());
        Assert.Equal([1, 2, 3, 4, 5, 6], file.Tensor.AsSpan().ToArray());
    }

    [Fact]
    public void a_column_major_array_of_four_axes_is_turned_right()
    {
        int[] n = [3, 2, 4, 35];
        var data = new float[n[0] * n[1] * n[2] * n[3]];
        Visit(n, (at, i) => data[i[0] + n[0] * (i[1] + n[1] * (i[2] + n[2] * i[3]))] = at);
        File.WriteAllBytes(_folder.File("a.npy"), Npy("<f4", "True", "(3, 2, 4, 35)", [.. data.SelectMany(BitConverter.GetBytes)]));
        using var file = NpyFile.Open(_folder.File("a.npy"));
        Assert.Equal(Enumerable.Range(0, data.Length).Select(i => (float)i), file.Tensor.AsSpan().ToArray());
    }

    [Theory]
    [InlineData("|O", "(1,)", "object")]
    [InlineData("<U5", "(1,)", "<U5")]
    [InlineData("|V2", "(1,)", "bfloat16")]
    [InlineData("<f4", "(-1,)", "negative")]
    [InlineData("<f4", "(1", "no dimension")]
    [InlineData("<f4", "(2,)", "needs 8, there are 4")]
    [InlineData("<f4", "()[", "comma is missing")]
    [InlineData("<f2", "(1,)", "2 unused bytes")]
    [InlineData("<f4", "(99999999999999999999,)", "no dimension")]
    public void an_array_that_cannot_be_trusted_is_refused(string description, string shape, string fact)
    {
        File.WriteAllBytes(_folder.File("a.npy"), Npy(description, "False", shape, [0, 0, 0, 0]));
        var error = Assert.Throws<FileFormatException>(() => NpyFile.Open(_folder.File("a.npy")));
        Assert.Contains(fact, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void a_structured_type_is_refused_by_name()
    {
        var npy = Npy("", "False", "(1,)", [0]);
        File.WriteAllBytes(
            _folder.File("a.npy"),
            Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(npy).Replace("''", "[]", StringComparison.Ordinal))
        );
        Assert.Contains(
            "structured",
            Assert.Throws<FileFormatException>(() => NpyFile.Open(_folder.File("a.npy"))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void two_members_of_one_name_are_refused()
    {
        var npy = Npy("|u1", "False", "(1,)", [5]);
        var path = Zip(("a.npy", npy), ("a.npy", npy));
        Assert.Contains("a.npy twice", Assert.Throws<FileFormatException>(() => NpzFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void a_type_that_numpy_lacks_is_not_written()
    {
        var arrays = new Dictionary<string, Tensor> { ["a"] = Tensor.Allocate(DType.BF16, [1]) };
        Assert.Throws<ArgumentProblemException>(() => NpzWriter.Write(_folder.File("a.npz"), arrays));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void an_npy_file_survives_writing_and_reading()
    {
        NpyWriter.Write(_folder.File("a.npy"), Tensor.From([1, 2, 3], 3, 1));
        using var file = NpyFile.Open(_folder.File("a.npy"));
        Assert.Equal([3L, 1L], file.Tensor.Shape.ToArray());
        Assert.Equal([1, 2, 3], file.Tensor.AsSpan().ToArray());
    }

    private static void Visit(int[] n, Action<int, int[]> visit)
    {
        for (var at = 0; at < n[0] * n[1] * n[2] * n[3]; at++)
        {
            visit(at, [at / (n[1] * n[2] * n[3]), at / (n[2] * n[3]) % n[1], at / n[3] % n[2], at % n[3]]);
        }
    }

    internal static byte[] Npy(string description, string fortranOrder, string shape, byte[] data)
    {
        var text = $"{{'descr': '{description}', 'fortran_order': {fortranOrder}, 'shape': {shape}, }}\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)text.Length, (byte)(text.Length >> 8), .. Encoding.Latin1.GetBytes(text), .. data];
    }

    private string Zip(params (string Name, byte[] Content)[] members)
    {
        var path = _folder.File("made.npz");
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var (name, content) in members)
        {
            using var stream = zip.CreateEntry(name, CompressionLevel.Optimal).Open();
            stream.Write(content);
        }
        return path;
    }
}
