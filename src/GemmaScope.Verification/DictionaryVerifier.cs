using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder of dictionary cases (cases.json): loading, what is reported about each, features, L0, reconstructions, ties; and what
/// lies
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
        if (!File.Exists(file))
            return false;
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
        {
            var name = one.Text("name") ?? throw one.Missing("name");
            foreach (var check in VerificationRunner.Guarded($"{name}.load", Case(folder, one, name)))
                yield return check;
        }
        foreach (var (part, verify) in Parts)
            if (File.Exists(Path.Combine(folder, part, "expected.json")))
                foreach (var check in VerificationRunner.Guarded("files", verify(folder)))
                    yield return check with
                    {
                        Name = $"{part}.{check.Name}",
                    };
    }

    private static (string Folder, Func<string, IEnumerable<Check>> Verify)[] Parts { get; } =
    [
        ("malformed", MalformedDictionaryChecks.Verify),
        ("folding", FoldingChecks.Verify),
        ("metrics", MetricChecks.Verify),
        ("sparse", SparseKernelChecks.Verify),
    ];

    private static IEnumerable<Check> Case(string folder, JsonSection one, string name)
    {
        using var dictionary = SparseDictionary.Load(
            Path.Combine(folder, one.Text("path") ?? throw one.Missing("path")),
            new DictionaryLoadOptions { CheckWeights = true }
        );
        using var golden = SafetensorsFile.Open(Path.Combine(folder, one.Text("golden") ?? throw one.Missing("golden")));
        foreach (var check in new DictionaryCase(name, one, dictionary, golden).Checks())
            yield return check;
    }
}
