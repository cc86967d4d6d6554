using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Training;
using Xunit;
using Tensor = GemmaScope.Numerics.Tensor;

namespace GemmaScope.Tests.Training;

/// <summary>
/// Planted features of which some imply others (METHODS §8.9): where a child is active its parent is too, which tempts a sparse dictionary
/// to let the
/// child's feature carry the parent's direction and the parent's be silent. Matryoshka prefixes keep the parents' features whole.
/// </summary>
public class FeatureHierarchyTests
{
    private const int Width = 48,
        Parents = 4,
        Children = 4,
        Others = 12,
        Features = 40,
        Batch = 256,
        Steps = 3000,
        TestRows = 4096;

    // So much of a row is none of the features that a sixth of the variance is noise, as dictionaries of a model leave a part unexplained.
    private const double Noise = 0.35;
    private const int Planted = Parents + Parents * Children + Others;

    private static readonly Recipe Plain = new()
    {
        Architecture = Architecture.BatchTopK,
        Sparsity = SparsityTerm.None,
        K = 2,
        AuxiliaryCoefficient = 1.0 / 32,
        AuxiliaryK = 8,
        DeadAfterTokens = 20_000,
        LearningRate = 1e-3,
        WarmupSteps = 50,
        DecayStart = Steps * 4 / 5,
        DecayEnd = Steps,
    };

    [Fact]
    public void a_matryoshka_dictionary_absorbs_a_third_of_what_a_plain_one_does_at_little_cost()
    {
        var (plain, nested) = (Measure(Plain), Measure(Plain with { Prefixes = [Parents, Features] }));
        var found =
            $"absorption {plain.Absorbed:0.000} and {nested.Absorbed:0.000}, FVU {plain.Fvu:0.000} and {nested.Fvu:0.000}, L0 "
            + $"{plain.L0:0.00} and {nested.L0:0.00}";
        Assert.True(plain.Absorbed > 0.2, found);
        Assert.True(nested.Absorbed <= plain.Absorbed / 3, found);
        Assert.True(nested.Fvu <= 1.1 * plain.Fvu, found);
    }

    private static (double Absorbed, double Fvu, double L0) Measure(Recipe recipe)
    {
        var random = new Random(1);
        using var directions = TrainingSamples.Directions(random, Planted, Width);
        using var trainer = DictionaryTrainer.Create(recipe, TrainerShape.Autoencoder(Width, Features), 1);
        for (var step = 0; step < Steps; step++)
        {
            using var x = Rows(random, directions, Batch, out _);
            trainer.Train(x.AsMatrix(), x.AsMatrix());
        }
        using var dictionary = trainer.ToDictionary("nested", 1, 1);
        using var rows = Rows(random, directions, TestRows, out var planted);
        var features = dictionary.Encode(rows.AsMatrix());
        using var reconstruction = dictionary.Decode(features);

        var words = new List<AbsorbedWord>();
        for (var parent = 0; parent < Parents; parent++)
        {
            var absorption = new Absorption(Features, dictionary.Decoder, directions.Row(parent), [MainLatent(features, planted, parent)]);
            for (var row = 0; row < TestRows; row++)
                if (planted[row].Any(feature => ParentOf(feature) == parent))
                    words.Add(absorption.Judge(rows.Row(row), features, row));
        }
        var error = Enumerable
            .Range(0, TestRows)
            .Sum(row => Math.Pow(TensorPrimitives.Distance<float>(rows.Row(row), reconstruction.Row(row)), 2));
        var mean = ParameterStart.Mean(rows.AsMatrix());
        var spread = Enumerable.Range(0, TestRows).Sum(row => Enumerable.Range(0, Width).Sum(i => Math.Pow(rows.Row(row)[i] - mean[i], 2)));
        return (
            AbsorptionRate.Of(words).FullRate!.Value,
            error / spread,
            Enumerable.Range(0, TestRows).Average(row => features.Indices(row).Length)
        );
    }

    /// <summary>The latent whose mean differs most between rows with and without the parent.</summary>
    private static int MainLatent(SparseActivations features, List<int>[] planted, int parent)
    {
        var (with, without) = (new double[Features], new double[Features]);
        var count = planted.Count(active => active.Contains(parent));
        for (var row = 0; row < planted.Length; row++)
        for (var k = 0; k < features.Indices(row).Length; k++)
            if (planted[row].Contains(parent))
                with[features.Indices(row)[k]] += features.Values(row)[k] / count;
            else
                without[features.Indices(row)[k]] += features.Values(row)[k] / (planted.Length - count);
        return Enumerable.Range(0, Features).MaxBy(latent => with[latent] - without[latent]);
    }

    /// <summary>Rows with each parent in one of five, of which most have one of its children, and now and then something else.</summary>
    private static Tensor Rows(Random random, Tensor directions, int rows, out List<int>[] planted)
    {
        var x = TrainingSamples.Normal(random, rows, Width);
        TensorPrimitives.Multiply(x.AsSpan(), (float)Noise, x.AsSpan());
        planted = new List<int>[rows];
        for (var row = 0; row < rows; row++)
        {
            planted[row] = [];
            for (var parent = 0; parent < Parents; parent++)
                if (random.NextDouble() < 0.2)
                {
                    planted[row].Add(parent);
                    if (random.NextDouble() < 0.8)
                        planted[row].Add(Parents + parent * Children + random.Next(Children));
                }
            for (var other = Planted - Others; other < Planted; other++)
                if (random.NextDouble() < 0.03)
                    planted[row].Add(other);
            foreach (var feature in planted[row])
                TensorPrimitives.MultiplyAdd(directions.Row(feature), (float)(0.5 + 0.3 * random.NextDouble()), x.Row(row), x.Row(row));
        }
        return x;
    }

    private static int? ParentOf(int feature) => feature is >= Parents and < Planted - Others ? (feature - Parents) / Children : null;
}
