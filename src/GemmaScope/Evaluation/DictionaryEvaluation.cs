using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>The sums of one dictionary on clean activations, over the positions that count (METHODS §2.9).</summary>
public sealed class DictionaryEvaluation
{
    private readonly int _outputWidth;
    private readonly List<PositionSums> _byPosition = [];
    private double _rowRatios;

    /// <summary>Empty sums.</summary>
    /// <param name="width">Features of the dictionary.</param>
    /// <param name="outputWidth">Numbers it writes per token.</param>
    public DictionaryEvaluation(int width, int outputWidth)
    {
        _outputWidth = outputWidth;
        (Reconstruction, Tutorial, Sparsity, Uniformity) = (new(outputWidth), new(outputWidth), new(width), new());
    }

    /// <summary>How well it reconstructs.</summary>
    public ReconstructionSums Reconstruction { get; }

    /// <summary>How sparsely and how often its features fire.</summary>
    public SparsitySums Sparsity { get; }

    /// <summary>How evenly the loss depends on its active features; without rows where gradients were not asked for.</summary>
    public UniformitySums Uniformity { get; }

    /// <summary>The first positions of the sequences.</summary>
    public IReadOnlyList<PositionSums> ByPosition => _byPosition;

    /// <summary>Compatibility with the Gemma Scope tutorial: its own positions (all but the first of a sequence), for its own
    /// formula.</summary>
    public ReconstructionSums Tutorial { get; }

    /// <summary>
    /// Compatibility with SAELens: its <c>explained_variance_legacy</c>, the mean over tokens of 1 − ‖x − x̂‖² / ‖x − x̄‖² with x̄ the mean
    /// of the
    /// token's batch. Depends on the batches and weighs tokens near the mean most; not EV.
    /// </summary>
    public double SaeLensLegacyExplainedVariance => 1 - _rowRatios / Reconstruction.Rows;

    /// <summary>FVU at a position: its squared error over its distance from the mean of all positions.</summary>
    public double FvuAt(int position) =>
        _byPosition[position].Reconstruction is { Rows: > 0 } sums
            ? sums.MeanSquaredError * sums.Rows / sums.SpreadAround(Reconstruction.Mean())
            : double.NaN;

    /// <summary>Adds one batch.</summary>
    internal void Add(EvaluationBatch batch, int positions, SparseActivations features, MatrixView x, MatrixView reconstruction)
    {
        var mean = new float[x.Columns];
        var products = RowProducts.Of(x, reconstruction);
        for (var row = 0; row < batch.Rows; row++)
        {
            if (batch.Positions[row] > 0)
                Tutorial.Add(x.Row(row), products[row]);
            if (!batch.Counted[row])
                continue;
            Reconstruction.Add(x.Row(row), products[row]);
            TensorPrimitives.Add(mean, x.Row(row), mean);
            if (batch.Positions[row] < positions)
                At(batch.Positions[row]).Add(x.Row(row), products[row], features.L0(row));
        }
        Sparsity.Add(features, batch.Counted);
        TensorPrimitives.Divide(mean, Math.Max(1, batch.Counted.Count(counted => counted)), mean);
        for (var row = 0; row < batch.Rows; row++)
            if (batch.Counted[row])
                _rowRatios += Squared(x.Row(row), reconstruction.Row(row)) / Squared(x.Row(row), mean);
    }

    /// <summary>Adds the importance of a batch's active features.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="features">Its features.</param>
    /// <param name="gradient">[rows, width] derivative of the loss with respect to the output site.</param>
    internal void AddUniformity(EvaluationBatch batch, SparseDictionary dictionary, SparseActivations features, MatrixView gradient)
    {
        var values = new double?[batch.Rows];
        Workers.For(batch.Rows, new UniformityJob(batch, dictionary, features, gradient, values));
        foreach (var value in values)
            Uniformity.Add(value);
    }

    /// <summary>W_dec ∇_x L of some features.</summary>
    internal static float[] AlongDecoders(
        SparseDictionary dictionary,
        ReadOnlySpan<int> features,
        ReadOnlySpan<float> gradient,
        float[] vector
    )
    {
        var products = new float[features.Length];
        for (var i = 0; i < products.Length; i++)
        {
            dictionary.Decoder(features[i], vector);
            products[i] = TensorPrimitives.Dot(vector, gradient);
        }
        return products;
    }

    internal void Merge(DictionaryEvaluation other)
    {
        Reconstruction.Merge(other.Reconstruction);
        Tutorial.Merge(other.Tutorial);
        Sparsity.Merge(other.Sparsity);
        Uniformity.Merge(other.Uniformity);
        _rowRatios += other._rowRatios;
        for (var position = 0; position < other._byPosition.Count; position++)
            At(position).Merge(other._byPosition[position]);
    }

    internal void Visit(SumsState state)
    {
        state.Within("reconstruction", Reconstruction.Visit);
        state.Within("tutorial", Tutorial.Visit);
        state.Within("sparsity", Sparsity.Visit);
        state.Within("uniformity", Uniformity.Visit);
        state.Number("row_ratios", ref _rowRatios);
        state.List("position", _byPosition.Count, i => At(i).Visit);
    }

    private PositionSums At(int position)
    {
        while (_byPosition.Count <= position)
            _byPosition.Add(new(_outputWidth));
        return _byPosition[position];
    }

    private readonly struct UniformityJob(
        EvaluationBatch batch,
        SparseDictionary dictionary,
        SparseActivations features,
        MatrixView gradient,
        double?[] values
    ) : IJob
    {
        public void Run(int row)
        {
            if (!batch.Counted[row])
                return;
            var along = AlongDecoders(dictionary, features.Indices(row), gradient.Row(row), new float[dictionary.OutputWidth]);
            values[row] = UniformitySums.OfRow(features.Values(row), along);
        }
    }

    private static double Squared(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        var distance = (double)TensorPrimitives.Distance(x, y);
        return distance * distance;
    }
}

/// <summary>The sums of one position of the sequences.</summary>
public sealed class PositionSums(int width)
{
    private long _active;

    /// <summary>Reconstruction there.</summary>
    public ReconstructionSums Reconstruction { get; } = new(width);

    /// <summary>Mean number of active features there.</summary>
    public double L0 => (double)_active / Reconstruction.Rows;

    internal void Add(ReadOnlySpan<float> x, RowProducts row, int active)
    {
        Reconstruction.Add(x, row);
        _active += active;
    }

    internal void Merge(PositionSums other)
    {
        Reconstruction.Merge(other.Reconstruction);
        _active += other._active;
    }

    internal void Visit(SumsState state)
    {
        state.Within("reconstruction", Reconstruction.Visit);
        state.Count("active", ref _active);
    }
}
