using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Verification;

/// <summary>
/// Checks GGUF fixtures: models (config, tensors of every type, residuals, logits without a cache and token by token, cross-entropy,
/// vocabulary), files of tensors alone, and damaged files, each of which must be refused in words.
/// </summary>
public sealed class GgufVerifier : IVerifier
{
    private const string Expected = "expected.json";

    /// <inheritdoc/>
    public string Form => "gguf";

    /// <inheritdoc/>
    public bool Recognizes(string folder) =>
        File.Exists(Path.Combine(folder, Expected)) && Directory.EnumerateFiles(folder, "*" + GgufFile.Extension).Any();

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        var expected = JsonFile.Read(Path.Combine(folder, Expected));
        return expected.Has("damaged") ? new MalformedGgufChecks(folder, expected).Run() : Contents(folder, expected);
    }

    private static IEnumerable<Check> Contents(string folder, JsonSection expected)
    {
        var files = expected.Texts("files") ?? throw expected.Missing("files");
        var first = Path.Combine(folder, files[0]);
        using (var file = GgufFile.Open(first))
        {
            yield return Check.That("files", file.Files.Select(Path.GetFileName).SequenceEqual(files), $"{files.Count} files");
            using var golden = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
            foreach (var check in new GgufTensorChecks(file, golden, expected).Run())
                yield return check;
        }
        if (expected.Section("config") is not { } config)
            yield break;
        using var model = GemmaModel.Load(first);
        foreach (var check in new GgufModelChecks(folder, model, config, expected).Run())
            yield return check;
        var vocabulary = Path.Combine(folder, "tokenizer-expected.json");
        if (File.Exists(vocabulary))
            foreach (var check in new GgufVocabularyChecks(model, JsonFile.Read(vocabulary)).Run())
                yield return check;
    }
}
