using GemmaScope.Activations;
using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>What rows of activations tell of a dictionary without a model: reconstruction and sparsity (METHODS §2.9), and for transcoders
/// what an affine map alone reaches.</summary>
public sealed class RowEvaluation
{
    private const int BatchRows = 1024;

    private readonly SparseDictionary _dictionary;

    private RowEvaluation(SparseDictionary dictionary)
    {
        _dictionary = dictionary;
        (Reconstruction, Sparsity) = (new(dictionary.OutputWidth), new(dictionary.Width));
    }

    /// <summary>How well it reconstructs.</summary>
    public ReconstructionSums Reconstruction { get; }

    /// <summary>How sparsely and how often its features fire.</summary>
    public SparsitySums Sparsity { get; }

    /// <summary>How well an affine map of the input alone predicts the output of the same rows; null where none was fitted.</summary>
    public ReconstructionSums? Affine { get; private set; }

    /// <summary>Measures a dictionary on the next rows of a source.</summary>
    /// <param name="dictionary">A dictionary of raw activations, with known sites.</param>
    /// <param name="source">A source of its sites.</param>
    /// <param name="rows">Rows to measure on.</param>
    /// <param name="affine">A map fitted on other rows, to compare with, or null.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public static RowEvaluation Measure(
        SparseDictionary dictionary,
        IActivationSource source,
        long rows,
        AffineMap? affine = null,
        CancellationToken cancellationToken = default
    )
    {
        var result = new RowEvaluation(dictionary) { Affine = affine is null ? null : new(dictionary.OutputWidth) };
        Batches(dictionary, source, rows, (x, y) => result.Add(x, y, affine), cancellationToken);
        return result;
    }

    /// <summary>Fits the affine map from what a dictionary reads to what it writes on the next rows of a source (METHODS §4.2).</summary>
    /// <param name="dictionary">Names the sites.</param>
    /// <param name="source">A source of its sites.</param>
    /// <param name="rows">Rows to fit on; more than the dictionary reads numbers.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public static AffineMap FitAffine(
        SparseDictionary dictionary,
        IActivationSource source,
        long rows,
        CancellationToken cancellationToken = default
    )
    {
        var baseline = new AffineBaseline(dictionary.InputWidth, dictionary.OutputWidth);
        Batches(dictionary, source, rows, baseline.Add, cancellationToken);
        return baseline.Solve();
    }

    private void Add(MatrixView x, MatrixView y, AffineMap? affine)
    {
        var features = _dictionary.Encode(x);
        Sparsity.Add(features);
        using (var reconstruction = _dictionary.Decode(features, x))
            Add(Reconstruction, y, reconstruction);
        if (affine is null)
            return;
        using var predicted = affine.Apply(x);
        Add(Affine!, y, predicted);
    }

    private static void Add(ReconstructionSums sums, MatrixView y, Tensor predicted)
    {
        for (var row = 0; row < y.Rows; row++)
            sums.Add(y.Row(row), predicted.Row(row));
    }

    private static void Batches(
        SparseDictionary dictionary,
        IActivationSource source,
        long rows,
        Action<MatrixView, MatrixView> use,
        CancellationToken cancellationToken
    )
    {
        using var batch = new ActivationBatch(source, (int)Math.Min(rows, BatchRows));
        using Tensor x = Tensor.Uninitialized(batch.Rows, dictionary.InputWidth),
            y = Tensor.Uninitialized(batch.Rows, dictionary.OutputWidth);
        for (long done = 0; done < rows; done += batch.Rows)
        {
            source.Read(batch, cancellationToken);
            batch.CopyBeside(dictionary.InputSites, x.AsMatrix());
            batch.CopyBeside(dictionary.OutputSites, y.AsMatrix());
            use(x.AsMatrix(), y.AsMatrix());
        }
    }
}
