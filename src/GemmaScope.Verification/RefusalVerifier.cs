using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder on refusal: a model, prompts, and what was measured on them: scores, directions, edits of runs and of weights, the
/// choice of a direction, the judge by words.
/// </summary>
public sealed class RefusalVerifier : IVerifier
{
    private static readonly string[] Keys = ["refusal_token_ids", "directions", "edited_direction", "substring_judge"];

    /// <inheritdoc/>
    public string Form => "refusal";

    /// <inheritdoc/>
    public bool Recognizes(string folder)
    {
        var file = Path.Combine(folder, "expected.json");
        if (!File.Exists(file) || !Directory.Exists(Path.Combine(folder, "model")))
            return false;
        try
        {
            var expected = JsonFile.Read(file);
            return Keys.All(expected.Has);
        }
        catch (FileFormatException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        var expected = JsonFile.Read(Path.Combine(folder, "expected.json"));
        using var golden = SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
        using var host = new RefusalHost(Path.Combine(folder, "model"), expected, golden);
        foreach (
            var check in RefusalWordChecks
                .Verify(expected)
                .Concat(RefusalDirectionChecks.Verify(host))
                .Concat(RefusalEditChecks.Verify(host))
        )
            yield return check;
    }
}
