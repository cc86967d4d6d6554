using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder of spliced evaluations: models, their dictionaries, and for each model <c>expected.NAME.json</c> with
/// <c>expected.NAME.safetensors</c>. Every number of the JSON and every tensor is compared.
/// </summary>
public sealed class EvaluationVerifier : IVerifier
{
    private static readonly string[] Keys = ["model", "special_ids", "dictionaries", "ce_clean", "sets"];

    /// <inheritdoc/>
    public string Form => "evaluation";

    /// <inheritdoc/>
    public bool Recognizes(string folder) => Directory.Exists(Path.Combine(folder, "models")) && Hosts(folder).Any();

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        foreach (var (name, expected, tensors) in Hosts(folder))
        {
            using var golden = SafetensorsFile.Open(tensors);
            using var host = new SplicedHost(folder, expected, golden);
            foreach (var check in SplicedNumberChecks.Verify(host).Concat(SplicedTensorChecks.Verify(host)))
                yield return check with
                {
                    Name = $"{name}.{check.Name}",
                };
        }
    }

    private static IEnumerable<(string Name, JsonSection Expected, string Tensors)> Hosts(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "expected.*.json").Order(StringComparer.Ordinal))
        {
            var tensors = Path.ChangeExtension(file, ".safetensors");
            if (File.Exists(tensors) && Read(file) is { } expected)
                yield return (Path.GetFileName(file).Split('.')[1], expected, tensors);
        }
    }

    private static JsonSection? Read(string file)
    {
        try
        {
            var json = JsonFile.Read(file);
            return Keys.All(json.Has) ? json : null;
        }
        catch (FileFormatException)
        {
            return null;
        }
    }
}
