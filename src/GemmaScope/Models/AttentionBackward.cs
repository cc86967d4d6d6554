using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// The derivatives of grouped-query attention over one whole sequence (METHODS §1.2): z = p v with p = softmax(mask(cap(scale · q kᵀ))).
/// The mask needs no derivative of its own: what it hides has p = 0. Matrices of all heads are [heads · queries, keys].
/// </summary>
internal readonly struct AttentionBackward(GemmaConfig config, int layer, MatrixView pattern)
{
    private readonly Heads _heads = new(config.Heads, config.Shapes[layer].KeyValueHeads, config.Shapes[layer].HeadSize);

    private float Scale => (float)(1 / Math.Sqrt(config.QueryPreAttentionScalar));

    /// <summary>dv = pᵀ dz.</summary>
    public void Values(MatrixView dz, MatrixView dv) =>
        Workers.For(dv.Rows * _heads.Groups, new TransposedProduct(_heads, pattern, dz, dv));

    /// <summary>dp = dz vᵀ.</summary>
    public void Pattern(MatrixView dz, MatrixView v, MatrixView dp) => Workers.For(_heads.Count, new PatternJob(_heads, dz, v, dp));

    /// <summary>Gradient at the pattern → gradient at the capped scores, in place.</summary>
    public void SoftMax(MatrixView gradient) => Workers.For(gradient.Rows, new SoftMaxBackwardRow(pattern, gradient));

    /// <summary>dq = scale · ds k and dk = scale · dsᵀ q, with ds the gradient at the raw scores.</summary>
    public void QueriesAndKeys(MatrixView ds, MatrixView q, MatrixView k, MatrixView dq, MatrixView dk)
    {
        Workers.For(_heads.Count, new QueriesJob(_heads, ds, k, dq));
        Workers.For(dk.Rows * _heads.Groups, new TransposedProduct(_heads, ds, q, dk));
        // The raw scores are scale · q kᵀ.
        for (var t = 0; t < dq.Rows; t++)
        {
            TensorPrimitives.Multiply(dq.Row(t), Scale, dq.Row(t));
            TensorPrimitives.Multiply(dk.Row(t), Scale, dk.Row(t));
        }
    }

    /// <summary>Query heads, groups of them that share keys and values, numbers of one.</summary>
    private readonly record struct Heads(int Count, int Groups, int Size)
    {
        /// <summary>The keys or values of a query head.</summary>
        public MatrixView OfGroup(MatrixView keysOrValues, int head) => keysOrValues.SliceColumns(head / (Count / Groups) * Size, Size);
    }

    /// <summary>sum[key] = Σ over the heads of a group and the queries of m[head, query, key] · x[query, head]; one key and group a
    /// call.</summary>
    private readonly record struct TransposedProduct(Heads Heads, MatrixView Matrices, MatrixView X, MatrixView Sum) : IJob
    {
        public void Run(int index)
        {
            var (key, group) = (index / Heads.Groups, index % Heads.Groups);
            var (heads, size) = (Heads.Count / Heads.Groups, Heads.Size);
            var sum = Sum.Row(key).Slice(group * size, size);
            sum.Clear();
            for (var head = group * heads; head < (group + 1) * heads; head++)
            for (var query = key; query < X.Rows; query++)
            {
                // Beyond the window all weights are 0.
                var weight = Matrices.Row(head * X.Rows + query)[key];
                if (weight != 0)
                    TensorPrimitives.MultiplyAdd(X.Row(query).Slice(head * size, size), weight, sum, sum);
            }
        }
    }

    private readonly record struct PatternJob(Heads Heads, MatrixView Dz, MatrixView V, MatrixView Dp) : IJob
    {
        public void Run(int head) =>
            ManagedKernels.MultiplyHere(
                Dz.SliceColumns(head * Heads.Size, Heads.Size),
                WeightView.Of(Heads.OfGroup(V, head), WeightLayout.OutIn),
                Dp.SliceRows(head * Dz.Rows, Dz.Rows)
            );
    }

    private readonly record struct QueriesJob(Heads Heads, MatrixView Ds, MatrixView K, MatrixView Dq) : IJob
    {
        public void Run(int head) =>
            ManagedKernels.MultiplyHere(
                Ds.SliceRows(head * Dq.Rows, Dq.Rows),
                WeightView.Of(Heads.OfGroup(K, head), WeightLayout.InOut),
                Dq.SliceColumns(head * Heads.Size, Heads.Size)
            );
    }
}
