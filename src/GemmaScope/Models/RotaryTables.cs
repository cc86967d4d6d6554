namespace GemmaScope.Models;

/// <summary>The rotary tables of a model: one for its sliding layers, one for the others.</summary>
internal sealed class RotaryTables(GemmaConfig config)
{
    private readonly RotaryTable? _sliding = Make(config, sliding: true),
        _full = Make(config, sliding: false);

    /// <summary>The table of a layer.</summary>
    public RotaryTable Of(int layer) => (config.Shapes[layer].Sliding ? _sliding : _full)!;

    private static RotaryTable? Make(GemmaConfig config, bool sliding)
    {
        for (var layer = 0; layer < config.Layers; layer++)
            if (config.Shapes[layer].Sliding == sliding)
                return new(config.Rope(layer), config.Shapes[layer].HeadSize, config.MaxPositions);
        return null;
    }
}
