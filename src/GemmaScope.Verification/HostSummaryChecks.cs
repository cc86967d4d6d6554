using System.Numerics.Tensors;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>What a host folder says about its run as a whole: the family, the largest values, how its generation ended. Nothing where it
/// says nothing.</summary>
internal static class HostSummaryChecks
{
    public static IEnumerable<Check> Verify(GemmaModel model, int[] prompt, JsonSection expected, double tolerance)
    {
        if (expected.Text("family") is { } family)
            yield return Check.That(
                "config family",
                Enum.TryParse<GemmaFamily>(family, ignoreCase: true, out var named) && named == model.Config.Family,
                $"{model.Config.Family} instead of {family}"
            );
        if (expected.Section("generation")?.Integer("greedy_over_rows") is { } rows)
            yield return Check.That(
                "generation, rows that can be chosen",
                rows == model.Config.RealVocabulary,
                $"{model.Config.RealVocabulary} instead of {rows}"
            );
        if (expected.Section("statistics") is { } statistics)
            foreach (var check in Statistics(model, prompt, statistics, tolerance))
                yield return check;
    }

    /// <summary>The largest values of a run; of the attention scores those that the mask lets through.</summary>
    private static IEnumerable<Check> Statistics(GemmaModel model, int[] prompt, JsonSection statistics, double tolerance)
    {
        var scores = Enumerable.Range(0, model.Config.Layers).Select(layer => new Site(SiteKind.AttnScoresRaw, layer)).ToArray();
        var residual = Site.ResidPost(model.Config.Layers - 1);
        var logits = new Site(SiteKind.LogitsRaw);
        using var run = model.Run(prompt, capture: [.. scores, residual, logits], logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        (string Key, Func<float> Largest)[] quantities =
        [
            ("max_abs_attn_score_raw", () => scores.Select((site, layer) => LargestVisible(run[site], model.Config.WindowOf(layer))).Max()),
            ("max_abs_logit_raw", () => Largest(run[logits].AsSpan())),
            ("max_abs_resid", () => Largest(run[residual].AsSpan())),
        ];
        foreach (var (key, largest) in quantities)
            if (statistics.Number(key) is { } want)
                yield return Check.Close($"statistics {key}", [largest()], [(float)want], tolerance);
    }

    /// <summary>Of scores [heads, queries, keys] the largest at keys that are neither ahead of their query nor out of its window.</summary>
    private static float LargestVisible(Tensor scores, int window)
    {
        var matrix = scores.AsMatrix();
        var (largest, length) = (0f, matrix.Columns);
        for (var row = 0; row < matrix.Rows; row++)
        {
            var query = row % length;
            var first = Math.Max(0, query - window + 1);
            largest = Math.Max(largest, Largest(matrix.Row(row)[first..(query + 1)]));
        }
        return largest;
    }

    private static float Largest(ReadOnlySpan<float> values) => Math.Abs(TensorPrimitives.MaxMagnitude(values));
}
