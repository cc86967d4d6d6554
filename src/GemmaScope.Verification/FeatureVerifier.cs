using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder of feature statistics: a host, dictionaries, a corpus, the golden activations and everything a dashboard shows of them.
/// In two stages:
/// activations from the host, then statistics from the golden activations (integers equal). Texts and exports follow.
/// </summary>
public sealed class FeatureVerifier : IVerifier
{
    /// <inheritdoc/>
    public string Form => "features";

    /// <inheritdoc/>
    public bool Recognizes(string folder)
    {
        if (!File.Exists(Path.Combine(folder, "corpus.safetensors")) || !Directory.Exists(Path.Combine(folder, "statistics")))
            return false;
        try
        {
            return JsonFile.Read(Path.Combine(folder, "expected.json")) is var json
                && json.Has("dictionaries")
                && json.Has("text_weightings");
        }
        catch (FileFormatException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        using var host = new FeatureHost(folder);
        yield return host.CheckMask();
        foreach (var one in host.Cases)
        {
            var checks = new FeatureActivationChecks(host, one)
                .Checks()
                .Concat(new FeatureStatisticsChecks(host, one).Checks())
                .Concat(new FeatureTextChecks(host, one).Checks());
            foreach (var check in VerificationRunner.Guarded("files", checks))
                yield return check with
                {
                    Name = $"{one.Name}.{check.Name}",
                };
        }
        yield return host.CheckAllTexts();
        foreach (var check in VerificationRunner.Guarded("exports", new FeatureExportChecks(host).Checks()))
            yield return check;
    }
}
