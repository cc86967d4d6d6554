using System.Text.Json;
using GemmaScope.Files;
using Xunit;

namespace GemmaScope.Tests.Files;

/// <summary>The fixtures' malformed files: those that break a rule of the format must be refused by the reader itself.</summary>
public class MalformedFileTests
{
    /// <summary>Entries whose structure is sound: only the dictionary loader can know what is wrong with their tensors.</summary>
    private static readonly string[] SoundStructure =
    [
        "missing_threshold",
        "transposed_w_enc",
        "short_threshold",
        "nan_w_dec",
        "inf_b_enc",
        "negative_threshold",
        "padded_header",
        "big_endian",
    ];

    public static TheoryData<string, bool, string> Entries(string folder)
    {
        var data = new TheoryData<string, bool, string>();
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("dictionaries", "malformed", "expected.json")));
        foreach (var entry in json.RootElement.EnumerateArray())
        {
            var path = entry.GetProperty("path").GetString()!;
            if (!path.StartsWith($"malformed/{folder}/", StringComparison.Ordinal))
                continue;
            var sound = SoundStructure.Contains(Path.GetFileNameWithoutExtension(path));
            data.Add(path, sound, entry.GetProperty("problem").GetString()!);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Entries), "safetensors")]
    public void safetensors_reader_refuses_what_breaks_the_format_and_says_why(string path, bool sound, string problem)
    {
        var file = Fixtures.Path("dictionaries", path);
        if (sound)
        {
            using var opened = SafetensorsFile.Open(file);
            Assert.NotEmpty(opened.Tensors);
            return;
        }
        var error = Assert.Throws<FileFormatException>(() => SafetensorsFile.Open(file));
        Assert.Equal(file, error.Location);
        AssertSaysTheSame(problem, error.Message);
    }

    [Theory]
    [MemberData(nameof(Entries), "npz")]
    public void npz_reader_refuses_what_breaks_the_format_and_says_why(string path, bool sound, string problem)
    {
        var file = Fixtures.Path("dictionaries", path);
        if (sound)
        {
            using var opened = NpzFile.Open(file);
            opened.Verify();
            Assert.Equal([6, 10], opened["W_dec"].Shape.ToArray().Order());
            return;
        }
        var error = Assert.Throws<FileFormatException>(() => ReadAll(file));
        Assert.Equal(file, error.Location);
        AssertSaysTheSame(problem, error.Message);
    }

    private static void ReadAll(string file)
    {
        using var opened = NpzFile.Open(file);
        opened.Verify();
    }

    /// <summary>The names and numbers of the expected problem must be in the message.</summary>
    internal static void AssertSaysTheSame(string problem, string message)
    {
        var words = problem.Split([' ', ',', ':', '(', ')'], StringSplitOptions.RemoveEmptyEntries);
        var facts = words.Where(w => w.Contains('_', StringComparison.Ordinal) || w.Any(char.IsAsciiDigit));
        Assert.All(facts, fact => Assert.Contains(fact, message, StringComparison.Ordinal));
    }
}
