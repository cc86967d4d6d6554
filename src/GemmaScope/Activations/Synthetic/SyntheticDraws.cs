using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>The standard normal numbers that a synthetic model is made of. All its chance lies here, so a golden can bring its own.</summary>
/// <param name="Directions">[features, width].</param>
/// <param name="Bias">[width].</param>
/// <param name="Factors">[features · rank], a feature's side by side.</param>
/// <param name="Std">[features].</param>
internal sealed record SyntheticDraws(Tensor Directions, float[] Bias, float[] Factors, float[] Std)
{
    /// <summary>Numbers that follow from the config's seed.</summary>
    public static SyntheticDraws Of(SyntheticConfig config)
    {
        var directions = Tensor.Uninitialized(config.Features, config.Width);
        Workers.For(config.Features, new DrawRow(directions, config.Seed));
        return new(
            directions,
            Draw(config.Width, config.Seed, 1),
            Draw(checked(config.Features * config.CorrelationRank), config.Seed, 2),
            Draw(config.Features, config.Seed, 3)
        );
    }

    private static float[] Draw(int count, long seed, long stream)
    {
        var random = new SplitMix(seed, stream);
        var numbers = new float[count];
        foreach (ref var number in numbers.AsSpan())
            number = (float)random.Normal();
        return numbers;
    }

    private readonly struct DrawRow(Tensor rows, long seed) : IJob
    {
        public void Run(int index)
        {
            var random = new SplitMix(seed, 0, index);
            foreach (ref var number in rows.Row(index))
                number = (float)random.Normal();
        }
    }
}
