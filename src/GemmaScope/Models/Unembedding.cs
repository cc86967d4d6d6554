using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>The derivatives of what is computed from the final norm's output: single logits and the cross-entropy.</summary>
internal sealed unsafe class Unembedding(GemmaConfig config, Tensor table, Workspace workspace, Arithmetic arithmetic)
{
    /// <summary>Positions whose logits exist at one time: a vocabulary is wide.</summary>
    private const int Block = 64;

    private readonly WeightView _weights = WeightView.Of(table, WeightLayout.OutIn);
    private float[]? _meanRow;

    /// <summary>Mean of all rows of the table.</summary>
    public float[] MeanRow => _meanRow ??= Mean();

    /// <summary>A token's row of the table: the derivative of its raw logit.</summary>
    public void Row(int token, Span<float> row)
    {
        if ((uint)token >= (uint)config.VocabularyRows)
            throw new ArgumentProblemException($"{token} is outside the model's vocabulary of {config.VocabularyRows}", "token");
        table.WidenRow(token, row);
    }

    /// <summary>Mean next-token cross-entropy over the counted predictions (null: all) and its derivative with respect to the final norm's
    /// output [tokens, d].</summary>
    public double CrossEntropy(int[] tokens, MatrixView normed, MatrixView gradient, IReadOnlyList<bool>? counted = null)
    {
        var count = tokens.Length - 1;
        if (count == 0)
            throw new ArgumentProblemException("a sequence of one token predicts none; cross-entropy needs two or more", "tokens");
        if (counted is not null && counted.Count != tokens.Length)
            throw new ArgumentProblemException($"{counted.Count} flags for {tokens.Length} tokens", "counted");
        var predictions = counted?.Take(count).Count(flag => flag) ?? count;
        if (predictions == 0)
            throw new ArgumentProblemException("no prediction counts; cross-entropy needs one or more", "counted");
        var losses = new double[count];
        var next = tokens[1..];
        for (var start = 0; start < count; start += Block)
        {
            var rows = Math.Min(Block, count - start);
            var logits = workspace.Buffer("logits", rows, config.VocabularyRows);
            Compute.Kernels.Multiply(normed.SliceRows(start, rows), _weights, logits, arithmetic);
            Workers.For(rows, new CrossEntropyRow(logits, next, start, config.FinalCap, 1f / predictions, losses));
            for (var i = 0; i < rows; i++)
            {
                if (counted is null || counted[start + i])
                    continue;
                losses[start + i] = 0;
                logits.Row(i).Clear();
            }
            Compute.Kernels.Multiply(logits, _weights.Transposed, gradient.SliceRows(start, rows), arithmetic);
        }
        return losses.Sum() / predictions;
    }

    private float[] Mean()
    {
        var weights = new float[config.VocabularyRows];
        Array.Fill(weights, 1f / config.VocabularyRows);
        var mean = new float[config.Width];
        fixed (
            float* x = weights,
                y = mean
        )
            Compute.Kernels.Multiply(
                new(x, 1, weights.Length, weights.Length),
                _weights.Transposed,
                new(y, 1, mean.Length, mean.Length),
                Arithmetic.Exact
            );
        return mean;
    }
}
