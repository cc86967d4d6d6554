using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>
/// Checks training steps: a folder with cases.json, whose objects name a safetensors file each, hyper-parameters and the losses of every
/// step.
/// Losses, gradients, projected gradients, variants of the loss, features, reconstructions, and parameters after some steps.
/// </summary>
public sealed class TrainingVerifier : IVerifier
{
    /// <inheritdoc/>
    public string Form => "training";

    /// <inheritdoc/>
    public bool Recognizes(string folder)
    {
        var file = Path.Combine(folder, "cases.json");
        if (!File.Exists(file))
            return false;
        try
        {
            var cases = JsonFile.ReadList(file);
            return cases.Count > 0 && cases.All(one => one.Has("hyper") && one.Has("steps") && one.Has("shapes"));
        }
        catch (FileFormatException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        foreach (var section in JsonFile.ReadList(Path.Combine(folder, "cases.json")))
        {
            var name = section.Text("name") ?? throw section.Missing("name");
            var file = Path.Combine(folder, section.Text("file") ?? throw section.Missing("file"));
            // A case that cannot be read does not hide the ones after it.
            foreach (var check in VerificationRunner.Guarded("case", Verify(section, file)))
                yield return check with
                {
                    Name = $"{name}.{check.Name}",
                };
        }
    }

    private static IEnumerable<Check> Verify(JsonSection section, string file)
    {
        using var data = SafetensorsFile.Open(file);
        var one = new TrainingCase(section, data.Tensors.ContainsKey("y"));
        foreach (var check in new TrainingChecks(one, data).All())
            yield return check;
    }
}
