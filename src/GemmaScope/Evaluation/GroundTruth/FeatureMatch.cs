using System.Numerics.Tensors;
using GemmaScope.Activations;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>Which true feature each latent of a dictionary stands for, by the directions alone.</summary>
public sealed class FeatureMatch
{
    /// <summary>Cosines of rounded products that are nearer to each other than this count as equal; then the lowest index counts.</summary>
    private const float Tie = 1e-6f;

    private const float LeastNorm = 1e-8f;

    /// <summary>Compares directions.</summary>
    /// <param name="decoder">[latents, width], of any length.</param>
    /// <param name="truth">[features, width], of any length.</param>
    /// <param name="cancellationToken">Ends the search for the assignment.</param>
    /// <exception cref="ArgumentProblemException">The two have different widths.</exception>
    public FeatureMatch(Tensor decoder, Tensor truth, CancellationToken cancellationToken = default)
    {
        if (decoder.Columns != truth.Columns)
            throw new ArgumentProblemException($"writes {decoder.Columns} numbers where the data has {truth.Columns}", "dictionary");
        using var rows = Unit(decoder);
        using var columns = Unit(truth);
        (Latents, Features) = ((int)rows.Rows, (int)columns.Rows);
        Best = new int[Latents];
        // The smaller side lies in rows: each of its members gets a partner.
        var swapped = Latents > Features;
        using var cosines = Tensor.Uninitialized(Math.Min(Latents, Features), Math.Max(Latents, Features));
        var (small, large) = swapped ? (columns, rows) : (rows, columns);
        Compute.Kernels.Multiply(small.AsMatrix(), WeightView.Of(large, WeightLayout.OutIn), cosines.AsMatrix(), Arithmetic.Exact);
        Workers.For((int)cosines.Rows, new AbsoluteRow(cosines));
        for (var latent = 0; latent < Latents; latent++)
            Best[latent] = swapped ? BestInColumn(cosines, latent) : BestInRow(cosines.Row(latent));
        var partners = Assignment.Best(cosines.AsMatrix(), cancellationToken);
        Matched = [.. partners.Select((partner, i) => Math.Abs(RowProducts.Of(small.Row(i), large.Row(partner)).Product))];
    }

    /// <summary>Latents of the dictionary.</summary>
    public int Latents { get; }

    /// <summary>True features.</summary>
    public int Features { get; }

    /// <summary>The true feature nearest to each latent, by the absolute cosine.</summary>
    public int[] Best { get; }

    /// <summary>|cosine| of each pair of the one-to-one assignment with the largest sum, in the order of the smaller side.</summary>
    public IReadOnlyList<double> Matched { get; }

    /// <summary>MCC: the mean of <see cref="Matched"/>. It knows directions only; latents that never fire count.</summary>
    public double MeanCorrelation => Matched.Average();

    /// <summary>Share of latents that stand for a feature of their own.</summary>
    public double Uniqueness => (double)Best.Distinct().Count() / Latents;

    private static int BestInRow(ReadOnlySpan<float> cosines)
    {
        var least = TensorPrimitives.Max(cosines) - Tie;
        for (var i = 0; ; i++)
            if (cosines[i] >= least)
                return i;
    }

    private static int BestInColumn(Tensor cosines, int column)
    {
        var most = 0f;
        for (var row = 0; row < cosines.Rows; row++)
            most = Math.Max(most, cosines.Row(row)[column]);
        for (var row = 0; ; row++)
            if (cosines.Row(row)[column] >= most - Tie)
                return row;
    }

    private static Tensor Unit(Tensor directions)
    {
        var unit = directions.ToF32();
        for (var i = 0; i < unit.Rows; i++)
            TensorPrimitives.Divide(unit.Row(i), Math.Max(LeastNorm, (float)Math.Sqrt(SquaredNorm.Of(unit.Row(i)))), unit.Row(i));
        return unit;
    }

    private readonly struct AbsoluteRow(Tensor rows) : IJob
    {
        public void Run(int index) => TensorPrimitives.Abs(rows.Row(index), rows.Row(index));
    }
}
