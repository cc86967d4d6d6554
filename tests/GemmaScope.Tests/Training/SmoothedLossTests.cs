using GemmaScope.Numerics;
using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Training;

/// <summary>
/// The loss of a batch jumps when an entry crosses a threshold. Over very many entries that lie close together it is smooth, and its
/// differences must be
/// what the straight-through derivatives say (METHODS §8.2).
/// </summary>
public class SmoothedLossTests
{
    private const int Rows = 400_000;
    private const double Step = 0.01;

    [Theory]
    [InlineData(SparsityTerm.L0, false)]
    [InlineData(SparsityTerm.L0, true)]
    [InlineData(SparsityTerm.L0Target, false)]
    [InlineData(SparsityTerm.L0TargetRelative, false)]
    [InlineData(SparsityTerm.L0TargetPerToken, false)]
    [InlineData(SparsityTerm.Frequency, false)]
    public void threshold_gradients_are_the_slope_of_the_loss_of_many_rows(SparsityTerm term, bool log)
    {
        var recipe = new Recipe
        {
            Sparsity = term,
            Lambda = 0.4,
            LambdaWarmupSteps = 0,
            L0Target = 0.3,
            Epsilon = 0.002,
            LogThreshold = log,
            SubtractDecoderBias = false,
        };
        using var trainer = DictionaryTrainer.Create(recipe, TrainerShape.Autoencoder(1, 1), 1);
        using var x = Tensor.Uninitialized(Rows, 1);
        for (var row = 0; row < Rows; row++)
            x.Row(row)[0] = (row + 0.5f) / Rows;
        trainer.Parameters.Encoder[0].Values.AsSpan()[0] = 1;
        trainer.Parameters.Decoder[0].Values.AsSpan()[0] = 1;
        var stored = trainer.Parameters.Threshold!.Values;
        var theta = log ? Math.Log(0.4) : 0.4;

        StepGradients At(double value)
        {
            stored.AsSpan()[0] = (float)value;
            return trainer.Gradients(x.AsMatrix(), x.AsMatrix());
        }
        using var up = At(theta + Step);
        using var down = At(theta - Step);
        using var middle = At(theta);
        var slope = (up.Report.Total - down.Report.Total) / (2 * Step);
        Assert.Equal(slope, middle.Gradients.Threshold!.Values.AsSpan()[0], 0.005 * Math.Abs(slope));
    }
}
