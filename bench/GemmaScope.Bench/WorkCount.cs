using GemmaScope.Models;

namespace GemmaScope.Bench;

/// <summary>How much work a run is. Only matrices and attention count, so that time spent on anything else lowers the rate.</summary>
internal static class WorkCount
{
    /// <summary>Operations of y = x · W: a multiplication and an addition for each weight and row.</summary>
    public static double Product(double rows, double inputs, double outputs) => 2 * rows * inputs * outputs;

    /// <summary>
    /// Operations of a forward pass over one new sequence with the logits of its last position:
    /// L · (2 T (2 d H h + 2 d K h + 3 d M) + 4 H h P) + 2 d V, where P is the number of visible query-key pairs of a layer.
    /// </summary>
    public static double Prefill(GemmaConfig config, int tokens)
    {
        double d = config.Width,
            query = config.Heads * config.HeadSize,
            keyValue = config.KeyValueHeads * config.HeadSize;
        var layer = Product(tokens, d, 2 * query + 2 * keyValue + 3.0 * config.MlpWidth);
        var attention = config.Sliding.Sum(sliding => 4 * query * VisiblePairs(tokens, sliding ? config.Window : int.MaxValue));
        return config.Layers * layer + attention + Product(1, d, config.VocabularyRows);
    }

    /// <summary>Pairs (query, key) with query − window &lt; key ≤ query.</summary>
    private static double VisiblePairs(int tokens, int window)
    {
        double within = Math.Min(tokens, window);
        return within * (within + 1) / 2 + (tokens - within) * within;
    }
}
