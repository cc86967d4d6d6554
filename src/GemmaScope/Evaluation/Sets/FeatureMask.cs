using System.Numerics.Tensors;

namespace GemmaScope.Evaluation;

/// <summary>
/// Learns which features carry an attribute (METHODS §6.2): a mask σ(θ / T) over the features, trained by Adam so that swapping the masked
/// part
/// moves the attribute and leaves the others, while T falls and the mask becomes binary. The features with θ above 0 are chosen.
/// </summary>
internal sealed class FeatureMask(Interchange interchange, int epochs, double rate, int seed)
{
    private const int Batch = 8;
    private const double FirstTemperature = 1,
        LastTemperature = 0.01,
        Beta1 = 0.9,
        Beta2 = 0.999,
        Epsilon = 1e-8;

    /// <summary>Trains on pairs and returns the chosen features.</summary>
    public IReadOnlySet<int> Train(IReadOnlyList<InterchangePair> pairs, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        Dictionary<int, (double Theta, double First, double Second)> state = [];
        var random = new Random(seed);
        InterchangePair[] order = [.. pairs];
        int step = 0,
            steps = epochs * ((order.Length + Batch - 1) / Batch),
            done = 0;
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            random.Shuffle(order);
            foreach (var batch in order.Chunk(Batch))
            {
                var temperature = FirstTemperature + (LastTemperature - FirstTemperature) * step / Math.Max(1, steps - 1);
                Update(state, Gradient(state, batch, temperature, cancellationToken), ++step);
                progress?.Report(done += batch.Length);
            }
        }
        return state.Where(pair => pair.Value.Theta > 0).Select(pair => pair.Key).ToHashSet();
    }

    private Dictionary<int, double> Gradient(
        Dictionary<int, (double Theta, double, double)> state,
        InterchangePair[] batch,
        double temperature,
        CancellationToken cancellationToken
    )
    {
        double Mask(int feature) => 1 / (1 + Math.Exp(-state.GetValueOrDefault(feature).Theta / temperature));
        Dictionary<int, double> gradient = [];
        foreach (var pair in batch)
        {
            var (_, slope) = interchange.Loss(pair, interchange.Swapped(pair, Mask), cancellationToken);
            foreach (var (feature, difference) in Interchange.Differences(pair))
            {
                // dL/dθ = ⟨dL/dx, W_dec⟩ Δf m (1 − m) / T.
                var mask = Mask(feature);
                var part =
                    TensorPrimitives.Dot<float>(slope, interchange.Decoder(feature))
                    * difference
                    * mask
                    * (1 - mask)
                    / temperature
                    / batch.Length;
                gradient[feature] = gradient.GetValueOrDefault(feature) + part;
            }
        }
        return gradient;
    }

    private void Update(Dictionary<int, (double Theta, double First, double Second)> state, Dictionary<int, double> gradient, int step)
    {
        foreach (var feature in state.Keys.Union(gradient.Keys).ToArray())
        {
            var (theta, first, second) = state.GetValueOrDefault(feature);
            var g = gradient.GetValueOrDefault(feature);
            (first, second) = (Beta1 * first + (1 - Beta1) * g, Beta2 * second + (1 - Beta2) * g * g);
            theta -= rate * (first / (1 - Math.Pow(Beta1, step))) / (Math.Sqrt(second / (1 - Math.Pow(Beta2, step))) + Epsilon);
            state[feature] = (theta, first, second);
        }
    }
}
