using System.Text.Json;

namespace GemmaScope.Verification;

/// <summary>Compares every number of a golden evaluation with what was found; a number that was not found fails. <c>null</c> stands for
/// undefined, which is NaN here.</summary>
internal static class SplicedNumberChecks
{
    // Wrong formulas, and what the maker of the fixture knows about its own rounding.
    private static readonly string[] NotOurs = ["traps", "checks", "threshold_margin", "model", "special_ids", "dictionaries"];

    public static IEnumerable<Check> Verify(SplicedHost host)
    {
        var found = SplicedNumbers.Of(host, host.Evaluate(host.Means()));
        var wanted = Leaves(host.Expected.Element, "").ToArray();
        yield return Check.That("there are numbers to compare", wanted.Length > 0, $"{wanted.Length}");
        foreach (var group in wanted.GroupBy(leaf => Group(leaf.Path)))
            yield return Compare(group.Key, group, found);
    }

    private static IEnumerable<(string Path, double Value)> Leaves(JsonElement element, string path)
    {
        IEnumerable<(string, JsonElement)> parts = element.ValueKind switch
        {
            JsonValueKind.Object => element
                .EnumerateObject()
                .Where(part => !NotOurs.Contains(part.Name))
                .Select(part => (part.Name, part.Value)),
            JsonValueKind.Array => element.EnumerateArray().Select((item, i) => ($"{i}", item)),
            _ => [],
        };
        if (element.ValueKind is JsonValueKind.Number or JsonValueKind.Null)
            return [(path, element.ValueKind == JsonValueKind.Null ? double.NaN : element.GetDouble())];
        return parts.SelectMany(part => Leaves(part.Item2, path.Length == 0 ? part.Item1 : $"{path}.{part.Item1}"));
    }

    /// <summary>One check for each quantity of a set, and one for what stands outside.</summary>
    private static string Group(string path)
    {
        var parts = path.Split('.');
        if (parts[0] != "sets")
            return parts[0];
        var depth = parts[2] is "reconstruction" or "inside_spliced_run" ? 4 : 3;
        return string.Join('.', parts.Skip(1).Take(depth - 1));
    }

    private static Check Compare(string name, IEnumerable<(string Path, double Value)> wanted, Dictionary<string, double> found)
    {
        Check? worst = null;
        var count = 0;
        foreach (var (path, want) in wanted)
        {
            count++;
            if (!found.TryGetValue(path, out var got))
                return Check.That(name, false, $"{path} is expected and not known");
            var check = Compare(name, path, got, want);
            if (worst is null || Severity(check) > Severity(worst))
                worst = check;
        }
        return worst! with { Detail = $"{count} numbers; {worst.Detail}" };
    }

    private static double Severity(Check check) =>
        check.Outcome == Outcome.Failed ? double.PositiveInfinity
        : check.Tolerance > 0 ? check.Error!.Value / check.Tolerance.Value
        : 0;

    private static Check Compare(string name, string path, double got, double want)
    {
        var detail = $"{path.Split('.')[^1]} {got:g9}, expected {want:g9}";
        if (double.IsNaN(want) || double.IsNaN(got))
            return Check.That(name, double.IsNaN(want) && double.IsNaN(got), detail);
        var (tolerance, relative) = Tolerance(path, want);
        var error = Math.Abs(got - want) / (relative ? Math.Max(Math.Abs(want), double.Epsilon) : 1);
        return Check.Within(name, got == want ? 0 : error, tolerance, detail);
    }

    /// <summary>Tolerances of the fixtures' README; what an identity dictionary leaves exactly 0 or 1 is exact.</summary>
    private static (double Tolerance, bool Relative) Tolerance(string path, double want)
    {
        if (want is 0 or 1)
            return (0, false);
        var parts = path.Split('.');
        bool Has(params ReadOnlySpan<string> names)
        {
            foreach (var name in names)
                if (parts.Contains(name))
                    return true;
            return false;
        }
        // A mean of counts: the count is exact, the division is not.
        if (Has("rows", "predictions", "dead_latents", "dense_latents_above_10_percent", "uniformity_rows", "position"))
            return (0, false);
        if (Has("L0"))
            return (1e-12, true);
        if (Has("uniformity", "kl_score") || parts.Any(part => part.StartsWith("loss_recovered", StringComparison.Ordinal)))
            return (1e-4, false);
        return Has("ce_clean", "ce_spliced", "ce", "delta_loss", "kl_from_clean") ? (2e-5, false) : (1e-4, true);
    }
}
