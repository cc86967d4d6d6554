using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Verification;

/// <summary>Damaged GGUF files: each is refused, at the stage that it is said to be, with an error that names what the golden file lists, and
/// without memory for what a damaged number declares.</summary>
internal sealed class MalformedGgufChecks(string folder, JsonSection expected)
{
    private const long MostBytes = 16 << 20;

    public IEnumerable<Check> Run()
    {
        foreach (var name in expected.Texts("valid") ?? throw expected.Missing("valid"))
            yield return Check.That($"{name} opens", Refusal(name, asModel: true) is null, Refusal(name, asModel: true));
        var damaged = expected.Section("damaged") ?? throw expected.Missing("damaged");
        foreach (var name in damaged.Keys)
            yield return Refused(name, damaged.Section(name)!);
    }

    private Check Refused(string name, JsonSection entry)
    {
        var isModel = entry.Text("stage") == "model";
        var why = entry.Text("why");
        if (isModel && Refusal(name, asModel: false) is { } early)
            return Check.That(name, false, $"is a proper GGUF file ({why}), and was refused as none: {early}");
        var before = GC.GetAllocatedBytesForCurrentThread();
        if (Refusal(name, asModel: isModel) is not { } refusal)
            return Check.That(name, false, $"was not refused: {why}");
        if (GC.GetAllocatedBytesForCurrentThread() - before is var bytes && bytes > MostBytes)
            return Check.That(name, false, $"took {bytes} bytes of memory: {why}");
        var missing = (entry.Texts("mentions") ?? [])
            .Where(mention => !mention.Split('|').Any(word => refusal.Contains(word, StringComparison.OrdinalIgnoreCase)))
            .ToArray();
        return Check.That(name, missing.Length == 0, missing.Length == 0 ? refusal : $"{refusal} (without {string.Join(", ", missing)})");
    }

    /// <summary>The error, or null; any other exception breaks the check.</summary>
    private string? Refusal(string name, bool asModel)
    {
        var path = Path.Combine(folder, name);
        try
        {
            if (asModel)
                GemmaModel.Load(path).Dispose();
            else
                GgufFile.Open(path).Dispose();
            return null;
        }
        catch (FileFormatException problem)
        {
            return problem.Message;
        }
    }
}
