using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Training;

/// <summary>Rows are sums of three of 48 known directions in 32 dimensions; a dictionary must find them (METHODS §8.9).</summary>
public class PlantedFeatureTests
{
    private const int Width = 32,
        Planted = 48,
        Active = 3,
        Batch = 256,
        Steps = 2500;

    private static readonly Recipe Common = new()
    {
        LearningRate = 3e-3,
        WarmupSteps = 50,
        LambdaWarmupSteps = 500,
        DecayStart = Steps * 4 / 5,
        DecayEnd = Steps,
    };

    [Fact]
    public void a_jumprelu_dictionary_finds_planted_features() =>
        Recovers(Common with { Lambda = 0.01, Epsilon = 0.05, ThresholdStart = 0.05 });

    [Fact]
    public void a_topk_dictionary_finds_planted_features() =>
        Recovers(
            Common with
            {
                Architecture = Architecture.TopK,
                Sparsity = SparsityTerm.None,
                K = Active,
                AuxiliaryCoefficient = 1.0 / 32,
                AuxiliaryK = 8,
                DeadAfterTokens = 20_000,
            }
        );

    private static void Recovers(Recipe recipe)
    {
        var random = new Random(1);
        using var directions = TrainingSamples.Directions(random, Planted, Width);
        using var trainer = DictionaryTrainer.Create(recipe, TrainerShape.Autoencoder(Width, 2 * Planted), 1);
        StepReport? last = null;
        for (var step = 0; step < Steps; step++)
        {
            using var x = TrainingSamples.Planted(random, directions, Batch, Active);
            last = trainer.Train(x.AsMatrix(), x.AsMatrix());
        }
        var cosine = TrainingSamples.MeanMaxCosine(directions, trainer.Parameters.Decoder[0].Values);
        Assert.True(cosine >= 0.9, $"mean max cosine {cosine:0.000}, L0 {last!.L0:0.00}, FVU {last.Fvu:0.000}");
        Assert.InRange(last!.L0, 1, 3 * Active);
    }
}
