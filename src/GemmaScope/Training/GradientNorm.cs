using System.Numerics.Tensors;

namespace GemmaScope.Training;

/// <summary>
/// The norm of all gradients together, as Adam would see them: after the part along decoder vectors is removed. It is measured before any
/// parameter moves, so clipping runs the backward pass of features twice; the dense products of the encoder are made once.
/// </summary>
internal sealed class GradientNorm(Recipe recipe, TrainerParameters parameters, int features) : GradientSink
{
    // By feature, so that the sum does not depend on the number of threads.
    private readonly double[] _squares = new double[features];
    private double _whole;

    /// <summary>‖g‖ of what was passed on.</summary>
    public double Value => Math.Sqrt(_squares.Sum() + _whole);

    /// <summary>What every gradient is multiplied by so that their norm is at most <see cref="Recipe.ClipNorm"/>.</summary>
    public double ClipFactor => Math.Min(1, recipe.ClipNorm / Math.Max(Value, double.Epsilon));

    public void Clear()
    {
        Array.Clear(_squares);
        _whole = 0;
    }

    public override void Feature(int feature, int block, int row, Span<float> encoder, Span<float> decoder)
    {
        if (recipe.ProjectDecoderGradient)
            DecoderGeometry.Project(parameters.Decoder[block].Values.Row(row), decoder);
        _squares[feature] = (double)TensorPrimitives.SumOfSquares<float>(encoder) + TensorPrimitives.SumOfSquares<float>(decoder);
    }

    public override void Whole(Parameter parameter, ReadOnlySpan<float> gradient) => _whole += TensorPrimitives.SumOfSquares(gradient);
}
