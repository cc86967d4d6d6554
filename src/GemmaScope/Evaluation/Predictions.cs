using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>Cross-entropies of a clean run, with which edited runs of the same tokens are compared. Borrows the clean logits.</summary>
internal sealed class Predictions
{
    // A vocabulary is wide: f32 sums over blocks of it, added in f64, are as exact as the logits and fast.
    private const int Block = 1024;

    private readonly EvaluationBatch _batch;
    private readonly MatrixView _clean;
    private readonly double[] _logSums;

    public Predictions(EvaluationBatch batch, MatrixView clean)
    {
        (_batch, _clean, _logSums, CrossEntropy) = (batch, clean, new double[batch.Rows], new double[batch.Rows]);
        Workers.For(batch.Rows, new LossJob(batch, clean, clean, _logSums, CrossEntropy, [], IsClean: true));
    }

    /// <summary>Of each row −log p(next token) in nats; 0 at the end of a sequence.</summary>
    public double[] CrossEntropy { get; }

    /// <summary>The cross-entropies of an edited run, and KL(clean ‖ edited), of each row.</summary>
    public (double[] CrossEntropy, double[] Divergence) Compare(MatrixView edited)
    {
        var job = new LossJob(_batch, _clean, edited, _logSums, new double[_batch.Rows], new double[_batch.Rows], IsClean: false);
        Workers.For(_batch.Rows, job);
        return (job.CrossEntropy, job.Divergence);
    }

    /// <summary>log Σ e^logit.</summary>
    public static double LogSum(ReadOnlySpan<float> logits)
    {
        Span<float> block = stackalloc float[Block];
        var max = TensorPrimitives.Max(logits);
        double sum = 0;
        for (var start = 0; start < logits.Length; start += Block)
        {
            var part = logits[start..Math.Min(start + Block, logits.Length)];
            var exponentials = block[..part.Length];
            TensorPrimitives.Subtract(part, max, exponentials);
            TensorPrimitives.Exp(exponentials, exponentials);
            sum += TensorPrimitives.Sum<float>(exponentials);
        }
        return max + Math.Log(sum);
    }

    /// <summary>KL(clean ‖ other) = Σ p (clean − other) − (their log sums' difference); exactly 0 for equal logits.</summary>
    public static double Divergence(ReadOnlySpan<float> clean, double cleanSum, ReadOnlySpan<float> other, double otherSum)
    {
        Span<float> probabilities = stackalloc float[Block],
            differences = stackalloc float[Block];
        double sum = 0;
        for (var start = 0; start < clean.Length; start += Block)
        {
            var end = Math.Min(start + Block, clean.Length);
            var weights = probabilities[..(end - start)];
            TensorPrimitives.Subtract(clean[start..end], (float)cleanSum, weights);
            TensorPrimitives.Exp(weights, weights);
            TensorPrimitives.Subtract(clean[start..end], other[start..end], differences);
            sum += TensorPrimitives.Dot<float>(weights, differences[..weights.Length]);
        }
        return sum - (cleanSum - otherSum);
    }

    private readonly record struct LossJob(
        EvaluationBatch Batch,
        MatrixView Clean,
        MatrixView Logits,
        double[] LogSums,
        double[] CrossEntropy,
        double[] Divergence,
        bool IsClean
    ) : IJob
    {
        public void Run(int row)
        {
            if (Batch.Next[row] < 0)
                return;
            var logits = Logits.Row(row);
            var sum = LogSum(logits);
            CrossEntropy[row] = sum - logits[Batch.Next[row]];
            if (IsClean)
                LogSums[row] = sum;
            else
                Divergence[row] = Predictions.Divergence(Clean.Row(row), LogSums[row], logits, sum);
        }
    }
}
