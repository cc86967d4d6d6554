using System.Globalization;
using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>How well each output layer is reconstructed: one layer may fail while the sum over layers looks well.</summary>
internal static class LayerErrors
{
    /// <summary>Adds the mean squared error and the FVU of each layer, <c>mse_layer_0</c>, <c>fvu_layer_0</c> …</summary>
    /// <param name="parts">Where to.</param>
    /// <param name="y">Targets [rows, layers · width].</param>
    /// <param name="gradient">2/rows · (ŷ − y).</param>
    /// <param name="width">Width of a layer.</param>
    public static void AddTo(Dictionary<string, double> parts, MatrixView y, MatrixView gradient, int width)
    {
        var layers = new (double Error, double Variance)[y.Columns / width];
        Workers.For(layers.Length, new LayerJob(y, gradient, width, layers));
        for (var layer = 0; layer < layers.Length; layer++)
        {
            var name = layer.ToString(CultureInfo.InvariantCulture);
            (parts[$"mse_layer_{name}"], parts[$"fvu_layer_{name}"]) = (layers[layer].Error, layers[layer].Error / layers[layer].Variance);
        }
    }

    private readonly struct LayerJob(MatrixView y, MatrixView gradient, int width, (double Error, double Variance)[] layers) : IJob
    {
        public void Run(int index)
        {
            var (sums, squares, errors, rows) = (new float[width], 0.0, 0.0, (double)y.Rows);
            for (var row = 0; row < y.Rows; row++)
            {
                ReadOnlySpan<float> target = y.Row(row).Slice(index * width, width),
                    slope = gradient.Row(row).Slice(index * width, width);
                TensorPrimitives.Add(sums, target, sums);
                squares += TensorPrimitives.SumOfSquares(target);
                errors += TensorPrimitives.SumOfSquares(slope);
            }
            layers[index] = (errors * rows / 4, squares / rows - TensorPrimitives.SumOfSquares<float>(sums) / rows / rows);
        }
    }
}
