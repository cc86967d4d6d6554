using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder of dictionary cases (cases.json): loading, what is reported about each, features, L0, reconstructions, ties; and what lies
/// beside them: malformed files, folding rules, metrics, sparse kernels. Tolerance 1e-5 of the largest golden value of each row.
/// </summary>
public sealed class DictionaryVerifier : IVerifier
{
    internal const double Tolerance = 1e-5;

    private static readonly string[] Keys = ["name", "format", "path", "golden"];

    /// <inheritdoc/>
    public string Form => "dictionary";

    /// <inheritdoc/>
    public bool Recognizes(string folder)
    {
        var file = Path.Combine(folder, "cases.json");
        if (!File.Exists(file)) return false;
        try
        {
            return JsonFile.ReadList(file) is [var first, ..] && Keys.All(first.Has);
        }
        catch (FileFormatException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        foreach (var one in JsonFile.ReadList(Path.Combine(folder, "cases.json")))
            foreach (var check in Case(folder, one)) yield return check;
        foreach (var (part, verify) in Parts)
            if (File.Exists(Path.Combine(folder, part, "expected.json")))
                foreach (var check in verify(folder)) yield return check with { Name = $"{part}.{check.Name}" };
    }

    private static (string Folder, Func<string, IEnumerable<Check>> Verify)[] Parts { get; } =
    [
        ("malformed", MalformedDictionaryChecks.Verify), ("folding", FoldingChecks.Verify), ("metrics", MetricChecks.Verify), ("sparse", SparseKernelChecks.Verify),
    ];

    private static IEnumerable<Check> Case(string folder, JsonSection one)
    {
        var name = one.Text("name") ?? throw one.Missing("name");
        var (dictionary, problem) = Load(Path.Combine(folder, one.Text("path") ?? throw one.Missing("path")));
        if (dictionary is null) return [Check.That($"{name}.load", false, problem)];
        using (dictionary)
        using (var golden = SafetensorsFile.Open(Path.Combine(folder, one.Text("golden") ?? throw one.Missing("golden"))))
            return [.. new DictionaryCase(name, one, dictionary, golden).Checks()];
    }

    private static (SparseDictionary? Dictionary, string? Problem) Load(string path)
    {
        try
        {
            return (SparseDictionary.Load(path, new DictionaryLoadOptions { CheckWeights = true }), null);
        }
        catch (GemmaScopeException problem)
        {
            return (null, problem.Message);
        }
    }
}
