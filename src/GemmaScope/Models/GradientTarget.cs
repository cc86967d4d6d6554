using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>A scalar function of the activations at one site.</summary>
/// <param name="activations">[tokens, width]; at attention-matrix sites [heads · queries, keys].</param>
/// <param name="gradient">Zeros of the same shape, to be overwritten by the derivative with respect to the activations.</param>
/// <returns>The function's value.</returns>
public delegate double TargetFunction(MatrixView activations, MatrixView gradient);

/// <summary>The scalar whose gradient is asked: a function of the activations at one site, from which the gradient is carried
/// back.</summary>
public sealed class GradientTarget
{
    private readonly Func<DifferentiableRun, MatrixView, MatrixView, double> _seed;

    private GradientTarget(Site site, Func<DifferentiableRun, MatrixView, MatrixView, double> seed) => (Site, _seed) = (site, seed);

    /// <summary>The site it is a function of.</summary>
    public Site Site { get; }

    /// <summary>The mean cross-entropy of the next tokens, in nats, over all predictions of the sequence; soft-max over all vocabulary rows
    /// of the capped logits.</summary>
    public static GradientTarget CrossEntropy { get; } =
        new(FinalNormOut, (run, normed, gradient) => run.Unembedding.CrossEntropy(run.Tokens, normed, gradient));

    /// <summary>The same mean over the predictions made at some positions only.</summary>
    /// <param name="counted">One flag a position; the last position predicts nothing and never counts.</param>
    public static GradientTarget CrossEntropyAt(IReadOnlyList<bool> counted) =>
        new(FinalNormOut, (run, normed, gradient) => run.Unembedding.CrossEntropy(run.Tokens, normed, gradient, counted));

    /// <summary>A logit before the final cap.</summary>
    /// <param name="position">Position it is predicted at.</param>
    /// <param name="token">Row of the vocabulary.</param>
    public static GradientTarget Logit(int position, int token) =>
        new(FinalNormOut, (run, normed, gradient) => Along(run, position, normed, gradient, row => run.Unembedding.Row(token, row)));

    /// <summary>A logit before the final cap, minus the mean over all vocabulary rows: the logit node of attribution graphs (METHODS
    /// §4.5).</summary>
    /// <param name="position">Position it is predicted at.</param>
    /// <param name="token">Row of the vocabulary.</param>
    public static GradientTarget DemeanedLogit(int position, int token) =>
        new(
            FinalNormOut,
            (run, normed, gradient) =>
                Along(
                    run,
                    position,
                    normed,
                    gradient,
                    row =>
                    {
                        run.Unembedding.Row(token, row);
                        TensorPrimitives.Subtract(row, run.Unembedding.MeanRow, row);
                    }
                )
        );

    /// <summary>The inner product of a vector with the activations of one token at a site, e.g. a feature's encoder with the MLP's
    /// input.</summary>
    /// <param name="site">Any site with one row a token.</param>
    /// <param name="position">The token's position.</param>
    /// <param name="vector">As wide as the site.</param>
    /// <exception cref="ArgumentProblemException">The site is an attention matrix.</exception>
    public static GradientTarget Probe(Site site, int position, ReadOnlyMemory<float> vector)
    {
        if (Site.IsAttentionMatrix(site.Kind))
            throw new ArgumentProblemException("has no row for each token; use GradientTarget.Function", site.ToString());
        return new(
            site,
            (run, activations, gradient) =>
            {
                if (vector.Length != activations.Columns)
                    throw new ArgumentProblemException(
                        $"the vector has {vector.Length} numbers, the site has {activations.Columns}",
                        site.ToString()
                    );
                return Along(run, position, activations, gradient, row => vector.Span.CopyTo(row));
            }
        );
    }

    /// <summary>Any differentiable function of the activations at a site.</summary>
    public static GradientTarget Function(Site site, TargetFunction function) =>
        new(site, (_, activations, gradient) => function(activations, gradient));

    /// <summary>Writes the derivative with respect to the site's activations and returns the value.</summary>
    internal double Seed(DifferentiableRun run, MatrixView activations, MatrixView gradient) => _seed(run, activations, gradient);

    private static Site FinalNormOut => new(SiteKind.FinalNormOut);

    private delegate void RowWriter(Span<float> row);

    /// <summary>Value ⟨row, activations⟩ at one position, whose derivative is the row.</summary>
    private static double Along(DifferentiableRun run, int position, MatrixView activations, MatrixView gradient, RowWriter write)
    {
        if ((uint)position >= (uint)run.Tokens.Length)
            throw new ArgumentProblemException($"{position} is outside the sequence of {run.Tokens.Length} tokens", "position");
        var row = gradient.Row(position);
        write(row);
        return TensorPrimitives.Dot<float>(row, activations.Row(position));
    }
}
