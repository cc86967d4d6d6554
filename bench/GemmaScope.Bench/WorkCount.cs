using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>How much work a run is. Only matrices and attention count, so that time spent on anything else lowers the rate.</summary>
internal static class WorkCount
{
    /// <summary>Operations of y = x · W: a multiplication and an addition for each weight and row.</summary>
    public static double Product(double rows, double inputs, double outputs) => 2 * rows * inputs * outputs;

    /// <summary>
    /// Operations of a forward pass over one new sequence with the logits of its last position, the sum over layers of
    /// 2 T (2 d H h + 2 d K h + 3 d M) + 4 H h P, + 2 d V, where P is the number of visible query-key pairs of a layer. Keys and values that a
    /// layer does not make are not counted; of experts those that a token uses, the router, and what embeddings of layers pass through are.
    /// </summary>
    public static double Prefill(GemmaConfig config, int tokens) =>
        Enumerable.Range(0, config.Layers).Sum(layer => Layer(config, layer, tokens))
        + Product(1, config.Width, config.VocabularyRows)
        + Product(tokens, config.Width, config.Layers * (config.PerLayer?.Width ?? 0));

    private static double Layer(GemmaConfig config, int layer, int tokens)
    {
        var shape = config.Shapes[layer];
        double d = config.Width,
            query = config.Heads * shape.HeadSize,
            keyValue = shape.KeyValueSource is not null ? 0 : shape.KeyValueWidth * (shape.ValuesAreKeys ? 1 : 2),
            inner =
                2 * (config.PerLayer?.Width ?? 0)
                + (config.Experts is { } experts ? experts.Count + 3.0 * experts.Active * experts.Width : 0);
        return Product(tokens, d, 2 * query + keyValue + 3.0 * shape.MlpWidth + inner)
            + 4 * query * VisiblePairs(tokens, shape.Sliding ? config.Window : int.MaxValue);
    }

    /// <summary>Bytes of weights that a decoded token needs: all but the experts that it does not use and the other rows of tables.</summary>
    /// <param name="config">The model.</param>
    /// <param name="type">The type of its matrices.</param>
    public static double DecodeBytes(GemmaConfig config, DType type)
    {
        double d = config.Width,
            perLayer = config.PerLayer?.Width ?? 0,
            weights = d * config.VocabularyRows + d * config.Layers * perLayer;
        foreach (var shape in config.Shapes)
        {
            var keyValue = shape.KeyValueSource is not null ? 0 : shape.KeyValueWidth * (shape.ValuesAreKeys ? 1 : 2);
            weights += d * (2.0 * config.Heads * shape.HeadSize + keyValue + 3.0 * shape.MlpWidth + 2 * perLayer);
            if (config.Experts is { } experts)
                weights += d * (experts.Count + 3.0 * experts.Active * experts.Width);
        }
        return weights * type.Size();
    }

    /// <summary>Pairs (query, key) with query − window &lt; key ≤ query.</summary>
    private static double VisiblePairs(int tokens, int window)
    {
        double within = Math.Min(tokens, window);
        return within * (within + 1) / 2 + (tokens - within) * within;
    }
}
