using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Dictionaries;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

/// <summary>Dictionary folders damaged at random: a loader loads them or refuses them with its own error, and what loads encodes.</summary>
public sealed class DictionaryFuzzTests : IDisposable
{
    private static readonly string[] Odd =
    [
        "null",
        "-1",
        "0",
        "3000000000",
        "1.5",
        "\"\"",
        "\"x\"",
        "[]",
        "{}",
        "true",
        "[\"\"]",
        "\"model.layers.1.output\"",
        "[1]",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Folders =>
        new(
            "gemma_scope_1/gemma-scope-2b-pt-res/layer_3/width_16k/average_l0_71",
            "gemma_scope_2/gemma-scope-2-1b-pt/transcoder_all/layer_5_width_16k_l0_big_affine",
            "gemma_scope_2/gemma-scope-2-1b-pt/clt/width_262k_l0_medium",
            "sae_lens/gated",
            "sae_lens/topk",
            "sae_lens/standard_expected_average"
        );

    [Theory]
    [MemberData(nameof(Folders))]
    public void damaged_bytes_are_loaded_or_refused(string path)
    {
        var files = Copy(path);
        Prop.ForAll<uint, uint, byte>(
                (which, place, value) =>
                {
                    var (file, whole) = files[(int)(which % files.Length)];
                    var damaged = (byte[])whole.Clone();
                    // Most of the structure is at the beginning; sometimes the file is cut instead.
                    var at = (int)(place % Math.Min(whole.Length, place % 2 == 0 ? 2048 : whole.Length));
                    damaged[at] ^= (byte)(value | 1);
                    if (value % 8 == 0)
                        damaged = damaged[..at];
                    File.WriteAllBytes(file, damaged);
                    LoadOrRefuse();
                    File.WriteAllBytes(file, whole);
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void configurations_with_odd_values_are_loaded_or_refused(string path)
    {
        foreach (var (file, whole) in Copy(path).Where(file => file.Name.EndsWith(".json", StringComparison.Ordinal)))
        {
            foreach (var key in JsonNode.Parse(whole)!.AsObject().Select(entry => entry.Key).ToArray())
            {
                foreach (var value in Odd)
                {
                    var config = JsonNode.Parse(whole)!.AsObject();
                    config[key] = JsonNode.Parse(value);
                    File.WriteAllText(file, config.ToJsonString());
                    LoadOrRefuse();
                }
            }
            File.WriteAllBytes(file, whole);
        }
    }

    private void LoadOrRefuse()
    {
        try
        {
            using var dictionary = SparseDictionary.Load(_folder.Path);
            using var x = Tensor.Zeros(2, dictionary.InputWidth);
            using var decoded = dictionary.Decode(dictionary.Encode(x.AsMatrix()), x.AsMatrix());
            Assert.Equal(dictionary.OutputWidth, decoded.Columns);
        }
        catch (GemmaScopeException problem)
        {
            Assert.NotEmpty(problem.Message);
        }
    }

    private (string Name, byte[] Bytes)[] Copy(string path)
    {
        foreach (var file in Directory.EnumerateFiles(Fixtures.Path(["dictionaries", .. path.Split('/')])))
            File.Copy(file, _folder.File(Path.GetFileName(file)), overwrite: true);
        return [.. Directory.EnumerateFiles(_folder.Path).Order().Select(file => (file, File.ReadAllBytes(file)))];
    }
}
