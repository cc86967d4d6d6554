using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// The backward pass feature by feature: its two gradient rows are made in the first-level cache from the rows of the batch in which it has
/// an entry, and go straight to the optimiser. No gradient of a whole matrix is ever stored, and a feature without entries costs nothing.
/// Features that are active nearly everywhere, as all are while thresholds are still low, go through dense products by groups instead.
/// </summary>
internal sealed class FeaturePass
{
    private const int SmallestPart = 16,
        MostParts = 512;

    private readonly TrainerShape _shape;
    private readonly FeaturePart[] _parts;
    private readonly DenseGroup[] _groups;
    private readonly bool _subtracts;
    private readonly Arithmetic _arithmetic;

    public FeaturePass(Recipe recipe, TrainerShape shape, IReadOnlyList<int> prefixes)
    {
        (_shape, _arithmetic) = (shape, recipe.Arithmetic);
        _subtracts = recipe.SubtractDecoderBias && shape.HasOneSite;
        // Parts depend on nothing but the shape, and sums are made part after part: the same bits on any number of threads.
        var size = Math.Max(SmallestPart, (shape.Features + MostParts - 1) / MostParts);
        var (parts, first) = (new List<FeaturePart>(), 0);
        for (var l = 0; l < shape.Blocks.Count; first += shape.Blocks[l++].Features)
        for (var row = 0; row < shape.Blocks[l].Features; row += size)
            parts.Add(
                new FeaturePart(l, row, Math.Min(size, shape.Blocks[l].Features - row), first, _subtracts ? shape.Blocks[l].InputWidth : 0)
            );
        _parts = [.. parts];
        _groups = [.. DenseGroup.Of(_parts, prefixes)];
        Bias = new float[shape.Features];
        (Threshold, MagnitudeBias, MagnitudeLog) = (new float[shape.Features], new float[shape.Features], new float[shape.Features]);
        ThroughInput = new double[shape.InputWidth];
    }

    /// <summary>Gradients of b_enc (b_gate), θ, b_mag and r_mag.</summary>
    public float[] Bias { get; }

    public float[] Threshold { get; }

    public float[] MagnitudeBias { get; }

    public float[] MagnitudeLog { get; }

    /// <summary>Σ_b ∂L/∂h: what b_dec receives, with the other sign, where it is subtracted from the input. Summed over the batch before
    /// W_enc is read.</summary>
    public double[] ThroughInput { get; }

    /// <summary>Above this share of entries dense products are faster than sums over entries.</summary>
    public double DenseShare { get; set; } = 0.2;

    /// <summary>Losses and counts of all features.</summary>
    public FeatureTotals Totals { get; private set; }

    public void Run(FeatureStep step)
    {
        var rows = step.Inputs.Inputs.Rows;
        foreach (var part in _parts)
            part.Clear();
        foreach (var group in _groups)
            group.Decide(step.Inputs.Found, DenseShare * rows);
        Workers.For(_parts.Length, new SparseJob(_parts, step));
        foreach (var group in _groups)
            if (group.IsDense)
                group.Run(step, _arithmetic);

        Array.Clear(ThroughInput);
        var totals = new FeatureTotals();
        foreach (var part in _parts)
        {
            totals = totals.Plus(part.Totals);
            if (!_subtracts)
                continue;
            var block = _shape.Blocks[part.Block];
            for (var i = 0; i < block.InputWidth; i++)
                ThroughInput[block.InputStart + i] += part.ThroughInput[i];
        }
        Totals = totals;
    }

    /// <summary>Keeps a feature's scalars.</summary>
    public void Store(int feature, in FeatureScalars scalars)
    {
        Bias[feature] = (float)scalars.Bias;
        Threshold[feature] = (float)scalars.Threshold;
        MagnitudeBias[feature] = (float)scalars.MagnitudeBias;
        MagnitudeLog[feature] = (float)scalars.MagnitudeLog;
    }

    private readonly struct SparseJob(FeaturePart[] parts, FeatureStep step) : IJob
    {
        public void Run(int index)
        {
            var part = parts[index];
            if (part.IsDense)
                return;
            for (var i = 0; i < part.Count; i++)
                step.Sparse(part, part.Start + i);
        }
    }
}

/// <summary>Some features of one block, whose sums are made by one thread.</summary>
/// <param name="block">The block.</param>
/// <param name="start">First row in the block's matrices.</param>
/// <param name="count">Number of features.</param>
/// <param name="blockStart">Index of the block's first feature.</param>
/// <param name="inputs">Width of ∂L/∂h, or 0 if nobody needs it.</param>
internal sealed class FeaturePart(int block, int start, int count, int blockStart, int inputs)
{
    public int Block => block;

    public int Start => start;

    public int Count => count;

    public int BlockStart => blockStart;

    public float[] ThroughInput { get; } = new float[inputs];

    public FeatureTotals Totals { get; set; }

    public bool IsDense { get; set; }

    public void Clear()
    {
        (Totals, IsDense) = (default, false);
        Array.Clear(ThroughInput);
    }
}

/// <summary>Losses of features, summed.</summary>
internal readonly record struct FeatureTotals(
    double ActivationPenalty,
    double NextPower,
    double Frequency,
    double PreActivation,
    long InWindow
)
{
    public FeatureTotals Plus(in FeatureScalars feature) =>
        new(
            ActivationPenalty + feature.ActivationPenalty,
            NextPower + feature.NextPower,
            Frequency + feature.Frequency,
            PreActivation + feature.PreActivation,
            InWindow + feature.InWindow
        );

    public FeatureTotals Plus(in FeatureTotals other) =>
        new(
            ActivationPenalty + other.ActivationPenalty,
            NextPower + other.NextPower,
            Frequency + other.Frequency,
            PreActivation + other.PreActivation,
            InWindow + other.InWindow
        );
}
