using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Features;

namespace GemmaScope.Workbench;

/// <summary>A way to rank words by what was read of a conversation.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Layers">The layers it can read behind; −1 alone where it has none.</param>
/// <param name="Scores">The score of each word, by layer.</param>
internal sealed record HiddenMethod(string Name, IReadOnlyList<int> Layers, Func<HiddenReading, int, double[]> Scores);

/// <summary>The readouts: lenses, features, and a probe. Each is compared with what it says of conversations without a secret, or a frequent
/// word would always be found.</summary>
internal static class HiddenMethods
{
    private const int NoLayer = -1;

    /// <summary>The readout by a lens.</summary>
    public static HiddenMethod OfLens(string name, int lens, IReadOnlyList<HiddenReading> controls)
    {
        int[] layers = [.. controls[0].Lenses[lens].Index().Where(one => one.Item.Length > 0).Select(one => one.Index)];
        var usual = layers.ToDictionary(layer => layer, layer => Mean(controls.Select(control => control.Lenses[lens][layer])));
        return new(name, layers, (reading, layer) => Minus(reading.Lenses[lens][layer], usual[layer]));
    }

    /// <summary>The linear probe: how much the mean residual stream points where it points on average when the word is the secret.</summary>
    /// <param name="learned">Of each word the readings that it learns from.</param>
    /// <param name="layers">How many layers there are.</param>
    public static HiddenMethod OfProbe(IReadOnlyList<IReadOnlyList<HiddenReading>> learned, int layers)
    {
        var centres = Enumerable
            .Range(0, layers)
            .Select(layer =>
            {
                float[][] means = [.. learned.Select(word => MeanRow([.. word.Select(reading => reading.Rows[layer])]))];
                var all = MeanRow(means);
                return (All: all, Words: means.Select(mean => MinusRow(mean, all)).ToArray());
            })
            .ToArray();
        return new(
            "probe",
            [.. Enumerable.Range(0, layers)],
            (reading, layer) =>
            {
                var row = MinusRow(reading.Rows[layer], centres[layer].All);
                return [.. centres[layer].Words.Select(word => Cosine(row, word))];
            }
        );
    }

    /// <summary>
    /// The readout by features: the strongest of a conversation, either by activation or by how much each tells (activation × ln(1 /
    /// density), METHODS §6.10), and of these how much each adds to a word's logit over the others, and whether its label has the word.
    /// </summary>
    /// <param name="name">The dictionary's name.</param>
    /// <param name="place">Its place among those read.</param>
    /// <param name="weights">[feature] of each the standing of every word among what it adds to logits; made when asked.</param>
    /// <param name="densities">How often each fires.</param>
    /// <param name="isWeighted">Whether features are weighted by how rarely they fire.</param>
    /// <param name="count">Features that are read.</param>
    /// <param name="controls">Conversations without a secret.</param>
    public static HiddenMethod OfFeatures(
        string name,
        int place,
        Func<int, double[]> weights,
        double[] densities,
        bool isWeighted,
        int count,
        IReadOnlyList<HiddenReading> controls
    )
    {
        var usual = Mean(controls.Select(Raw));
        return new($"features of {name}{(isWeighted ? ", by density" : "")}", [NoLayer], (reading, _) => Minus(Raw(reading), usual));

        double[] Raw(HiddenReading reading)
        {
            var strongest = reading
                .Features[place]
                .Select(one => (Feature: one.Key, Strength: one.Value * (isWeighted ? Rarity(densities[one.Key]) : 1)))
                .OrderByDescending(one => one.Strength)
                .ThenBy(one => one.Feature)
                .Take(count)
                .ToArray();
            var total = strongest.Sum(one => one.Strength);
            double[]? sum = null;
            foreach (var (feature, strength) in strongest)
            {
                var of = weights(feature);
                sum ??= new double[of.Length];
                for (var i = 0; i < sum.Length; i++)
                    sum[i] += strength / total * of[i];
            }
            return sum ?? new double[weights(0).Length];
        }
    }

    /// <summary>The standing of every word in what a feature adds to logits: deviations from the mean, so that no word gains by its row's
    /// length alone; one more where the feature's label holds the word.</summary>
    public static Func<int, double[]> Weights(
        SparseDictionary dictionary,
        IReadOnlyList<float[]> directions,
        IReadOnlyList<SecretWord> words,
        FeatureLabels? labels
    )
    {
        var known = new Dictionary<int, double[]>();
        return feature =>
        {
            if (known.TryGetValue(feature, out var found))
                return found;
            var vector = new float[dictionary.OutputWidth];
            dictionary.Decoder(feature, vector);
            double[] standing = [.. directions.Select(direction => Cosine(vector, direction))];
            var mean = standing.Average();
            var label = labels?[feature];
            for (var i = 0; i < standing.Length; i++)
                standing[i] += (label is not null && label.Contains(words[i].Word, StringComparison.OrdinalIgnoreCase) ? 1 : 0) - mean;
            return known[feature] = standing;
        };
    }

    private static double Rarity(double density) => -Math.Log(Math.Clamp(density, 1e-6, 1));

    private static double[] Mean(IEnumerable<double[]> rows)
    {
        double[][] all = [.. rows];
        return [.. Enumerable.Range(0, all[0].Length).Select(i => all.Average(row => row[i]))];
    }

    private static double[] Minus(double[] scores, double[] usual) => [.. scores.Zip(usual, (a, b) => a - b)];

    private static float[] MeanRow(float[][] rows)
    {
        var sum = new float[rows[0].Length];
        foreach (var row in rows)
            TensorPrimitives.Add(sum, row, sum);
        TensorPrimitives.Divide(sum, rows.Length, sum);
        return sum;
    }

    private static float[] MinusRow(float[] row, float[] other)
    {
        var rest = new float[row.Length];
        TensorPrimitives.Subtract(row, other, rest);
        return rest;
    }

    private static double Cosine(float[] a, float[] b)
    {
        var norms = (double)TensorPrimitives.Norm<float>(a) * TensorPrimitives.Norm<float>(b);
        return norms > 0 ? TensorPrimitives.Dot<float>(a, b) / norms : 0;
    }
}
