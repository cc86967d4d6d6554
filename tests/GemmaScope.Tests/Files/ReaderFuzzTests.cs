using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Files;

/// <summary>
/// Valid files, damaged at random: a reader must load them or refuse them with its own error, and never reserve
/// memory for what a damaged number declares. Whatever loads is read to its last byte, so that a range outside the
/// mapping would end the test run.
/// </summary>
public sealed class ReaderFuzzTests : IDisposable
{
    private const long AllocationLimit = 64 << 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void damaged_safetensors_files_are_loaded_or_refused() =>
        CheckDamaged(
            MakeSafetensors(),
            static bytes => bytes,
            path =>
            {
                using var file = SafetensorsFile.Open(path);
                return file.Tensors.Values.Sum(Touch);
            }
        );

    [Fact]
    public void safetensors_headers_edited_at_random_are_loaded_or_refused()
    {
        var whole = MakeSafetensors();
        var dataStart = 8 + (int)BitConverter.ToUInt64(whole);
        CheckDamaged(
            whole[8..dataStart],
            header => [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. whole[dataStart..]],
            path =>
            {
                using var file = SafetensorsFile.Open(path);
                return file.Tensors.Values.Sum(Touch);
            }
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void damaged_npz_files_are_loaded_or_refused(bool deflated) =>
        CheckDamaged(
            deflated ? MakeDeflatedNpz() : MakeStoredNpz(),
            static bytes => bytes,
            path =>
            {
                using var file = NpzFile.Open(path);
                var sum = file.Arrays.Keys.Sum(name => Touch(file[name]));
                file.Verify();
                return sum;
            }
        );

    [Fact]
    public void damaged_npy_files_are_loaded_or_refused() =>
        CheckDamaged(
            NpzTests.Npy(">f4", "True", "(2, 3)", new byte[24]),
            static bytes => bytes,
            path =>
            {
                using var file = NpyFile.Open(path);
                return Touch(file.Tensor);
            }
        );

    [Fact]
    public void damaged_indices_of_shards_are_loaded_or_refused()
    {
        File.WriteAllBytes(_folder.File("1.safetensors"), MakeSafetensors());
        CheckDamaged(
            """{"metadata":{"total_size":9},"weight_map":{"W_enc":"1.safetensors","b":"1.safetensors"}}"""u8.ToArray(),
            static bytes => bytes,
            path =>
            {
                File.Move(path, path + ".json", overwrite: true);
                using var shards = ShardedSafetensors.Open(path + ".json");
                return shards.Names.Sum(name => Touch(shards[name]));
            }
        );
    }

    [Fact]
    public void damaged_yaml_files_are_loaded_or_refused() =>
        CheckDamaged(
            """
            base: &base {rate: 7e-5, betas: [0, 0.999]}  # comment
            recipe: *base
            text: "a\u00e9\n"
            block: |
              lines
            list:
              - {a: !!str 1}
              - 'quoted'
            """u8.ToArray(),
            static bytes => bytes,
            path => YamlFile.Read(path).Element.GetRawText().Length
        );

    [Theory]
    [InlineData("valid.gguf")]
    [InlineData("split-valid-00001-of-00002.gguf")]
    public void damaged_gguf_files_are_loaded_or_refused(string name)
    {
        if (GgufFile.ShardsOf(Fixtures.Path("gguf", "malformed", name)) is [_, var second])
            File.Copy(second, _folder.File("damaged-00002-of-00002.gguf"));
        CheckDamaged(
            File.ReadAllBytes(Fixtures.Path("gguf", "malformed", name)),
            static bytes => bytes,
            path =>
            {
                File.Move(path, path += "-00001-of-00002.gguf", overwrite: true);
                using var file = GgufFile.Open(path);
                var sum = file.Names.Sum(name => Touch(file[name])) + file.Keys.Sum(pair => pair.Value.Length);
                using var model = GemmaScope.Models.GemmaModel.Load(path);
                return sum + model.WeightBytes;
            }
        );
    }

    private void CheckDamaged(byte[] valid, Func<byte[], byte[]> assemble, Func<string, long> load)
    {
        var path = _folder.File("damaged");
        var edits = Gen.Choose(0, int.MaxValue).ListOf(4).Select(list => list.ToArray());
        var several = edits.NonEmptyListOf().Resize(3);
        Prop.ForAll(
                Arb.From(several),
                list =>
                {
                    File.WriteAllBytes(path, assemble(list.Aggregate(valid, Damage)));
                    var before = GC.GetAllocatedBytesForCurrentThread();
                    try
                    {
                        load(path);
                    }
                    catch (FileFormatException)
                    {
                        // Refused in words: what a reader should do.
                    }
                    return GC.GetAllocatedBytesForCurrentThread() - before < AllocationLimit;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(400));
    }

    /// <summary>One edit: a changed byte, a cut, an insertion, a digit changed, a repeated piece, or a number at its largest.</summary>
    private static byte[] Damage(byte[] bytes, int[] edit)
    {
        if (bytes.Length == 0)
            return bytes;
        var (at, value) = (edit[1] % bytes.Length, (byte)edit[2]);
        var result = bytes.ToArray();
        switch (edit[0] % 6)
        {
            case 0:
                result[at] = value;
                return result;
            case 1:
                return bytes[..at];
            case 2:
                return [.. bytes[..at], .. Encoding.ASCII.GetBytes($"{edit[3]}"), .. bytes[at..]];
            case 3:
                var digits = Enumerable.Range(0, bytes.Length).Where(i => char.IsAsciiDigit((char)bytes[i])).ToArray();
                if (digits.Length > 0)
                    result[digits[edit[1] % digits.Length]] = (byte)('0' + value % 10);
                return result;
            case 4:
                var piece = bytes.AsSpan(at, Math.Min(edit[3] % 100, bytes.Length - at)).ToArray();
                return [.. bytes[..at], .. piece, .. bytes[at..]];
            default:
                result.AsSpan(at, Math.Min(1 << edit[3] % 4, bytes.Length - at)).Fill(0xFF);
                return result;
        }
    }

    private static unsafe long Touch(Tensor tensor)
    {
        Assert.InRange(tensor.ByteLength, 0, AllocationLimit);
        long sum = 0;
        foreach (var b in new ReadOnlySpan<byte>(tensor.Pointer, (int)tensor.ByteLength))
            sum += b;
        return sum;
    }

    private static Dictionary<string, Tensor> Arrays() =>
        new()
        {
            ["W_enc"] = Tensor.From([.. Enumerable.Range(0, 60).Select(i => i * 0.37f)], 6, 10),
            ["b"] = Tensor.From([1, 2, 3], 3),
            ["s"] = Tensor.From([4]),
        };

    private byte[] MakeSafetensors() =>
        Make(path =>
        {
            var tensors = Arrays();
            tensors["blocks"] = Tensor.Allocate(DType.Q8_0, [2, 64]);
            SafetensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });
        });

    private byte[] MakeStoredNpz() => Make(path => NpzWriter.Write(path, Arrays()));

    private byte[] MakeDeflatedNpz() =>
        Make(path =>
        {
            using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
            foreach (var name in (string[])["a.npy", "b.npy"])
            {
                using var stream = zip.CreateEntry(name).Open();
                stream.Write(NpzTests.Npy("<f8", name == "a.npy" ? "True" : "False", "(4, 5)", new byte[160]));
            }
        });

    private byte[] Make(Action<string> write)
    {
        var path = _folder.File("valid");
        write(path);
        var bytes = File.ReadAllBytes(path);
        File.Delete(path);
        return bytes;
    }
}
