using System.IO.Compression;
using System.Text;
using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Files;

/// <summary>Files of torch.save: tensors are read, nothing is ever run.</summary>
public class TorchFileTests
{
    private static readonly string Real = Fixtures.Path("dictionaries_foreign", "dictionary_learning", "JumpReluAutoEncoder", "ae.pt");

    [Fact]
    public void tensors_are_found_by_name_and_a_transposed_one_is_brought_into_rows()
    {
        using var file = TorchFile.Open(Real);
        file.Verify();
        Assert.Equal(["W_dec", "W_enc", "b_dec", "b_enc", "threshold"], file.Names.Order(StringComparer.Ordinal));
        Assert.Equal([6L, 10], file["W_enc"].Shape.ToArray());
        Assert.Equal(DType.F32, file["W_enc"].Type);
    }

    [Theory]
    [InlineData("cposix\nsystem\n(X\u0002\0\0\0lstR.", "posix.system")]
    [InlineData("cbuiltins\neval\n(X\u0001\0\0\01tR.", "builtins.eval")]
    [InlineData("ctorch\nload\n)R.", "torch.load")]
    [InlineData("c__builtin__\ngetattr\n)R.", "__builtin__.getattr")]
    [InlineData("(iposix\nsystem\n.", "0x69")]
    [InlineData("(cposix\nsystem\no.", "posix.system")]
    public void a_pickle_that_asks_for_more_than_tensors_is_refused_by_name(string pickle, string named)
    {
        using var folder = new TemporaryFolder();
        var file = Archive(folder, pickle);
        var error = Assert.Throws<FileFormatException>(() => TorchFile.Open(file));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Equal(file, error.Location);
    }

    [Theory]
    [InlineData("", "cut off")]
    [InlineData("}", "cut off")]
    [InlineData("(((", "cut off")]
    [InlineData("h\u0007.", "never made")]
    [InlineData("K\u0001K\u0002.", "damaged")]
    [InlineData("t.", "damaged")]
    [InlineData("}K\u0001s.", "damaged")]
    public void a_damaged_pickle_is_an_error_of_the_file(string pickle, string named)
    {
        using var folder = new TemporaryFolder();
        var file = Archive(folder, pickle);
        Assert.Contains(named, Assert.Throws<FileFormatException>(() => TorchFile.Open(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void what_is_no_archive_of_torch_says_what_it_is()
    {
        using var folder = new TemporaryFolder();
        var old = folder.File("old.pt");
        File.WriteAllBytes(old, [0x80, 2, 0x8a, 10, 0x6c, 0xfc]);
        Assert.Contains("PyTorch 1.6", Assert.Throws<FileFormatException>(() => TorchFile.Open(old)).Message, StringComparison.Ordinal);
        var text = folder.Write("text.pt", "hello");
        Assert.Contains("torch.save", Assert.Throws<FileFormatException>(() => TorchFile.Open(text)).Message, StringComparison.Ordinal);
        var program = Archive(folder, "}.", ("archive/constants.pkl", "x"));
        Assert.Contains("TorchScript", Assert.Throws<FileFormatException>(() => TorchFile.Open(program)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void no_damage_to_a_file_does_more_than_refuse_it()
    {
        var bytes = File.ReadAllBytes(Real);
        using var folder = new TemporaryFolder();
        var random = new Random(12);
        for (var round = 0; round < 1500; round++)
        {
            var damaged = (byte[])bytes.Clone();
            for (var i = random.Next(1, 4); i > 0; i--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            if (random.Next(8) == 0)
                damaged = damaged[..random.Next(damaged.Length)];
            var file = folder.File("damaged.pt");
            File.WriteAllBytes(file, damaged);
            try
            {
                using var torch = TorchFile.Open(file);
                foreach (var name in torch.Names)
                    Assert.True(torch[name].ByteLength <= bytes.Length);
            }
            catch (FileFormatException problem)
            {
                Assert.Equal(file, problem.Location);
            }
        }
    }

    [Fact]
    public void a_direction_of_another_program_is_read()
    {
        var file = SharedData.File("artefacts", "refusal-direction-gemma-2b-it.pt");
        using var torch = TorchFile.Open(file);
        var tensor = torch[Assert.Single(torch.Names)];
        Assert.Equal(2048, tensor.Shape[^1]);
    }

    private static string Archive(TemporaryFolder folder, string pickle, params (string Name, string Text)[] more)
    {
        var path = folder.File($"{Guid.NewGuid():N}.pt");
        using var archive = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var (name, text) in ((string, string)[])[("archive/data.pkl", pickle), .. more])
        {
            using var stream = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
            stream.Write(Encoding.Latin1.GetBytes(text));
        }
        return path;
    }
}
