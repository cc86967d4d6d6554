using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Lenses;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder of lens files: those that must be read have the values of the golden lens in a folder beside, those that must be refused
/// are, without large memory, and nothing in them is run.
/// </summary>
public sealed class LensFileVerifier : IVerifier
{
    private const string Listing = "files.json",
        Trace = "pwned";

    private const long MostBytes = 64L << 20;

    /// <inheritdoc/>
    public string Form => "lens files";

    /// <inheritdoc/>
    public bool Recognizes(string folder)
    {
        var file = Path.Combine(folder, Listing);
        if (!File.Exists(file))
            return false;
        try
        {
            var listing = JsonFile.Read(file);
            return listing.Keys.Any() && listing.Keys.All(name => name.EndsWith(".pt", StringComparison.Ordinal));
        }
        catch (FileFormatException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        var listing = JsonFile.Read(Path.Combine(folder, Listing));
        foreach (var name in listing.Keys)
        {
            if (listing.Section(name) is not { } entry || !entry.Element.TryGetProperty("readable", out var readable))
            {
                yield return Check.That(name, false, "'readable' is missing");
                continue;
            }
            var before = GC.GetAllocatedBytesForCurrentThread();
            JacobianLens? lens = null;
            string? refusal = null;
            try
            {
                lens = LensFile.ReadJacobian(Path.Combine(folder, name));
            }
            catch (GemmaScopeException problem)
            {
                refusal = problem.Message;
            }
            var small = GC.GetAllocatedBytesForCurrentThread() - before < MostBytes;
            using (lens)
            {
                yield return readable.ValueKind switch
                {
                    JsonValueKind.True when lens is not null => Compare(name, lens, folder),
                    JsonValueKind.True => Check.That(name, false, refusal),
                    JsonValueKind.False => Check.That(name, lens is null && small, lens is null ? refusal : "was read"),
                    _ => Check.That(name, small, refusal ?? "was read"),
                };
                if (lens is not null && readable.ValueKind == JsonValueKind.True && LackingLayer(lens) is { } lacking)
                    yield return Check.That($"{name}: layer {lacking}", Refuses(lens, lacking), "a layer that was not fitted is an error");
            }
            yield return Check.That($"{name}: nothing ran", !File.Exists(Trace));
        }
    }

    /// <summary>The values against the mean of a folder beside that has these layers and this width, to the precision of the type.</summary>
    private static Check Compare(string name, JacobianLens lens, string folder)
    {
        var parent = Path.GetDirectoryName(Path.GetFullPath(folder))!;
        double? nearest = null;
        foreach (
            var file in Directory
                .EnumerateDirectories(parent)
                .Select(beside => Path.Combine(beside, "expected.safetensors"))
                .Where(File.Exists)
        )
        {
            using var golden = SafetensorsFile.Open(file);
            var width = lens.Width!.Value;
            if (
                !lens.Layers.All(layer =>
                    golden.Tensors.TryGetValue($"J.mean.{layer}", out var mean) && mean.Shape.SequenceEqual([width, width])
                )
            )
                continue;
            double error = 0;
            foreach (var layer in lens.Layers)
            {
                using var wide = lens[layer].ToF32();
                error = Math.Max(error, Golden.Error(wide.AsSpan(), EvaluationPartVerifier.F32(golden, $"J.mean.{layer}").AsSpan()));
            }
            nearest = Math.Min(nearest ?? error, error);
        }
        var tolerance = lens[lens.Layers.First()].Type switch
        {
            DType.F16 => 1e-3,
            DType.BF16 => 4e-3,
            _ => 1e-6,
        };
        return nearest is { } found
            ? Check.Within(name, found, tolerance)
            : Check.Skip(name, "no folder beside it has the lens that it should hold");
    }

    private static int? LackingLayer(JacobianLens lens) =>
        Enumerable.Range(0, lens.Layers.Max()).Cast<int?>().FirstOrDefault(layer => !lens.Has(layer!.Value));

    private static bool Refuses(JacobianLens lens, int layer)
    {
        try
        {
            _ = lens[layer];
            return false;
        }
        catch (ArgumentProblemException)
        {
            return true;
        }
    }
}
