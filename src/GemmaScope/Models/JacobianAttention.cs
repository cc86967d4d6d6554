using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// The derivatives of one layer's attention for one output dimension and one group of heads, which share keys and values: from z to
/// queries, keys and values of the span. Queries of the span see all keys before them; what comes back to keys before the span is not
/// asked for.
/// </summary>
internal readonly struct JacobianAttention(
    GemmaConfig config,
    int layer,
    SavedActivations saved,
    int first,
    int span,
    bool full,
    bool own,
    MatrixView z,
    MatrixView q,
    MatrixView k,
    MatrixView v
) : IJob
{
    [ThreadStatic]
    private static Scratch? t_scratch;

    private readonly MatrixView _pattern = saved.Rows(new Site(SiteKind.AttnPattern, layer));
    private readonly LayerShape _shape = config.Shapes[layer];
    private readonly MatrixView _keys = full ? saved.Rows(new Site(SiteKind.KRope, config.Shapes[layer].KeyValueSource ?? layer)) : default;
    private readonly MatrixView _queries = full ? saved.Rows(new Site(SiteKind.QRope, layer)) : default;
    private readonly MatrixView _values = full
        ? saved.Rows(new Site(config.ValuesRead, config.Shapes[layer].KeyValueSource ?? layer))
        : default;
    private readonly MatrixView _capped =
        full && config.AttentionCap is not null ? saved.Rows(new Site(SiteKind.AttnScoresSoftcapped, layer)) : default;

    public unsafe void Run(int index)
    {
        var (copy, group) = (index / _shape.KeyValueHeads, index % _shape.KeyValueHeads);
        var (size, count) = (_shape.HeadSize, first + span);
        var scale = (float)(1 / Math.Sqrt(config.QueryPreAttentionScalar));
        var buffer = (t_scratch ??= new()).Floats((long)span * (count + span + size));
        var scores = new MatrixView(buffer, span, count, count);
        var turned = new MatrixView(buffer + (long)span * count, span, span, span);
        var product = new MatrixView(buffer + (long)span * (count + span), span, size, size);

        var (dv, dk) = (Part(v, copy, group), Part(k, copy, group));
        Clear(dv);
        if (full)
            Clear(dk);
        var heads = config.Heads / _shape.KeyValueHeads;
        for (var head = group * heads; head < (group + 1) * heads; head++)
        {
            var dz = Part(z, copy, head);
            var pattern = _pattern.SliceRows(head * count + first, span);
            AddTurned(pattern, turned, dz, product, dv);
            if (!full)
                continue;
            var (keys, values) = (_keys.SliceColumns(group * size, size), _values.SliceColumns(group * size, size));
            ManagedKernels.MultiplyHere(dz, WeightView.Of(values, WeightLayout.OutIn), scores);
            for (var row = 0; row < span; row++)
            {
                ElementwiseBackward.SoftMax(pattern.Row(row), scores.Row(row));
                if (config.AttentionCap is float cap)
                    ElementwiseBackward.SoftCap(_capped.Row(head * count + first + row), cap, scores.Row(row));
                TensorPrimitives.Multiply(scores.Row(row), scale, scores.Row(row));
            }
            ManagedKernels.MultiplyHere(scores, WeightView.Of(keys, WeightLayout.InOut), Part(q, copy, head));
            AddTurned(scores, turned, _queries.SliceRows(first, span).SliceColumns(head * size, size), product, dk);
        }
    }

    private MatrixView Part(MatrixView rows, int copy, int head) =>
        rows.SliceRows(copy * span, span).SliceColumns(head * _shape.HeadSize, _shape.HeadSize);

    /// <summary>sum += mᵀ x for the keys of the span; of ways that stay at one position the diagonal alone.</summary>
    private void AddTurned(MatrixView matrix, MatrixView turned, MatrixView x, MatrixView product, MatrixView sum)
    {
        if (own)
        {
            for (var row = 0; row < span; row++)
                TensorPrimitives.MultiplyAdd(x.Row(row), matrix.Row(row)[first + row], sum.Row(row), sum.Row(row));
            return;
        }
        for (var query = 0; query < span; query++)
        for (var key = 0; key < span; key++)
            turned.Row(key)[query] = matrix.Row(query)[first + key];
        ManagedKernels.MultiplyHere(turned, WeightView.Of(x, WeightLayout.InOut), product);
        for (var row = 0; row < span; row++)
            TensorPrimitives.Add(sum.Row(row), product.Row(row), sum.Row(row));
    }

    private static void Clear(MatrixView rows)
    {
        for (var row = 0; row < rows.Rows; row++)
            rows.Row(row).Clear();
    }
}
