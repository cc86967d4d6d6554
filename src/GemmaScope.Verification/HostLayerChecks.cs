using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Verification;

/// <summary>What a host folder says of single layers: sizes, and whose keys and values each reads. Nothing where it says nothing.</summary>
internal static class HostLayerChecks
{
    public static IEnumerable<Check> Verify(JsonSection expected, GemmaConfig config)
    {
        (string Key, Func<LayerShape, int, int> Found)[] quantities =
        [
            ("head_dim_per_layer", (shape, _) => shape.HeadSize),
            ("kv_heads_per_layer", (shape, _) => shape.KeyValueHeads),
            ("mlp_width_per_layer", (shape, _) => shape.MlpWidth),
            ("kv_source_layer", (shape, layer) => shape.KeyValueSource ?? layer),
            ("rotated_pairs_per_layer", (shape, layer) => (int)(config.Rope(layer).Rotated * (shape.HeadSize / 2))),
        ];
        foreach (var (key, found) in quantities)
            if (expected.Integers(key) is { } want)
                yield return Check.That($"config {key}", config.Shapes.Select(found).SequenceEqual(want));
        if (expected.Element.TryGetProperty("k_eq_v_per_layer", out var list))
            yield return Check.That(
                "config k_eq_v_per_layer",
                config.Shapes.Select(shape => shape.ValuesAreKeys).SequenceEqual(list.EnumerateArray().Select(flag => flag.GetBoolean()))
            );
    }
}
