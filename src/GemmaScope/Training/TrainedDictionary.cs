using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// From parameters that see x / C_in and predict y / C_out, where b_dec may be subtracted first, to those that see raw rows, where nothing
/// is (METHODS §2.3): with r = C_out / C_in, W_enc' = r W_enc, b' = C_out (b − b_dec W_enc), θ' = C_out θ, W_dec' = W_dec, b_dec' = C_out
/// b_dec, W_skip' = r W_skip; f' = C_out f, and L0 stays.
/// </summary>
internal static class TrainedDictionary
{
    /// <summary>A copy of the parameters of a dictionary of one block.</summary>
    /// <param name="trained">The training form.</param>
    /// <param name="recipe">Its recipe.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="runningThreshold">θ of what was trained with BatchTopK.</param>
    /// <param name="inputScale">C_in.</param>
    /// <param name="outputScale">C_out.</param>
    public static DictionaryParameters Fold(
        TrainerParameters trained,
        Recipe recipe,
        TrainerShape shape,
        double runningThreshold,
        double inputScale,
        double outputScale
    )
    {
        var (block, ratio) = (shape.Blocks[0], outputScale / inputScale);
        var bias = trained.DecoderBias.Values.AsSpan();
        var shift = new double[block.Features];
        if (recipe.SubtractDecoderBias && shape.HasOneSite)
            for (var i = 0; i < shift.Length; i++)
            {
                var row = trained.Encoder[0].Values.Row(i);
                for (var d = 0; d < row.Length; d++)
                    shift[i] += (double)bias[d] * row[d];
            }
        float[] Values(Parameter? parameter) => parameter is null ? [] : parameter.Values.AsSpan().ToArray();
        float[] Folded(Parameter? parameter, float[]? logs = null) =>
            [.. Values(parameter).Select((value, i) => (float)(outputScale * (value - shift[i] * (logs is null ? 1 : Math.Exp(logs[i])))))];
        var logs = Values(trained.MagnitudeLog);
        return new DictionaryParameters
        {
            Activation = recipe.Architecture switch
            {
                Architecture.Relu => ActivationFunction.Relu,
                Architecture.Gated => ActivationFunction.Gated,
                Architecture.TopK => ActivationFunction.TopK,
                _ => ActivationFunction.JumpRelu,
            },
            Encoder = Transposed(trained.Encoder[0].Values, (float)ratio),
            Decoder = Tensor.From(trained.Decoder[0].Values.AsSpan(), block.Features, block.OutputWidth),
            DecoderBias = [.. Values(trained.DecoderBias).Select(value => (float)(outputScale * value))],
            EncoderBias = recipe.Architecture == Architecture.Gated ? null : Folded(trained.EncoderBias),
            GateBias = recipe.Architecture == Architecture.Gated ? Folded(trained.EncoderBias) : null,
            MagnitudeBias = recipe.Architecture == Architecture.Gated ? Folded(trained.MagnitudeBias, logs) : null,
            MagnitudeLog = recipe.Architecture == Architecture.Gated ? logs : null,
            Threshold = recipe.Architecture switch
            {
                Architecture.JumpRelu =>
                [
                    .. Values(trained.Threshold).Select(value => (float)(outputScale * (recipe.LogThreshold ? Math.Exp(value) : value))),
                ],
                Architecture.BatchTopK => [.. Enumerable.Repeat((float)(outputScale * runningThreshold), block.Features)],
                _ => null,
            },
            K = recipe.Architecture == Architecture.TopK ? recipe.K : null,
            Skip = trained.Skip.Length == 0 ? null : Scaled(trained.Skip[0].Values, (float)ratio),
        };
    }

    private static Tensor Scaled(Tensor matrix, float factor)
    {
        var result = Tensor.Uninitialized(matrix.Shape);
        TensorPrimitives.Multiply(matrix.AsSpan(), factor, result.AsSpan());
        return result;
    }

    private static Tensor Transposed(Tensor rows, float factor)
    {
        var result = Tensor.Uninitialized(rows.Columns, rows.Rows);
        Workers.For((rows.Columns + ColumnsPerPart - 1) / ColumnsPerPart, new TransposeJob(rows, factor, result));
        return result;
    }

    // Written by runs of a cache line, so that each is touched once.
    private const int ColumnsPerPart = 16;

    private readonly unsafe struct TransposeJob(Tensor rows, float factor, Tensor result) : IJob
    {
        public void Run(int index)
        {
            var (start, end) = (index * ColumnsPerPart, Math.Min(rows.Columns, (index + 1) * ColumnsPerPart));
            for (var i = 0; i < rows.Rows; i++)
            for (var d = start; d < end; d++)
                result.Floats[d * rows.Rows + i] = factor * rows.Floats[i * rows.Columns + d];
        }
    }
}
