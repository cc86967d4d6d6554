using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// Some neighbouring features of one block. Where most of their entries are there, the sums over entries are dense products of matrices
/// [features of the group, rows], which keep to the cache what the sums would read again and again.
/// </summary>
internal sealed class DenseGroup
{
    private const int MostFeatures = 256;

    private readonly FeaturePart[] _parts;
    private readonly int _start,
        _count;
    private FeatureDerivatives[] _derivatives = [];

    [ThreadStatic]
    private static Scratch? t_values,
        t_products,
        t_encoder,
        t_decoder;

    private DenseGroup(FeaturePart[] parts)
    {
        (_parts, _start) = (parts, parts[0].Start);
        _count = parts.Sum(part => part.Count);
    }

    public bool IsDense { get; private set; }

    /// <summary>Groups of parts whose features see the same gradients.</summary>
    public static IEnumerable<DenseGroup> Of(FeaturePart[] parts, IReadOnlyList<int> prefixes)
    {
        var group = new List<FeaturePart>();
        foreach (var part in parts)
        {
            if (
                group.Count > 0
                && (
                    group[0].Block != part.Block
                    || group.Sum(other => other.Count) + part.Count > MostFeatures
                    || Prefix(group[0], 0) != Prefix(part, 0)
                )
            )
            {
                yield return new DenseGroup([.. group]);
                group.Clear();
            }
            // A part that a prefix cuts in two is left to the sums.
            if (Prefix(part, 0) == Prefix(part, part.Count - 1))
                group.Add(part);
        }
        if (group.Count > 0)
            yield return new DenseGroup([.. group]);

        int Prefix(FeaturePart part, int i) => prefixes.Count(end => end <= part.BlockStart + part.Start + i);
    }

    /// <summary>Decides which way the features of this step go.</summary>
    /// <param name="found">Their entries.</param>
    /// <param name="entries">Entries of a feature above which it is dense.</param>
    public void Decide(EntryColumns found, double entries)
    {
        long total = 0;
        for (var i = 0; i < _count; i++)
            total += found.Count(_parts[0].BlockStart + _start + i);
        IsDense = total > entries * _count;
        foreach (var part in _parts)
            part.IsDense = IsDense;
    }

    public unsafe void Run(FeatureStep step, Arithmetic arithmetic)
    {
        var (block, rows, kernels) = (step.Block(_parts[0]), step.Inputs.Inputs.Rows, Compute.Kernels);
        var (gradient, h, w) = (step.OutputGradient(_parts[0], _start), step.Input(_parts[0]), step.Decoder(_parts[0]));
        var values = Room(ref t_values, rows);
        var products = Room(ref t_products, rows);
        var (encoder, decoder) = (Room(ref t_encoder, block.InputWidth), Room(ref t_decoder, block.OutputWidth));
        if (_derivatives.Length == 0)
            _derivatives = new FeatureDerivatives[_count];

        Workers.For(_count, new ValuesJob(this, step, values));
        var part = w.AsMatrix().SliceRows(_start, _count);
        kernels.Multiply(part, WeightView.Of(gradient, WeightLayout.OutIn), products, arithmetic); // [features, rows]
        kernels.Multiply(values, WeightView.Of(gradient, WeightLayout.InOut), decoder, arithmetic); // [features, outputs]
        Workers.For(_count, new DeriveJob(this, step, values, products));
        kernels.Multiply(values, WeightView.Of(h, WeightLayout.InOut), encoder, arithmetic); // [features, inputs]
        Workers.For(_parts.Length, new FinishJob(this, step, encoder, decoder));
    }

    private unsafe MatrixView Room(ref Scratch? scratch, int columns) =>
        new((scratch ??= new()).Floats((long)MostFeatures * columns), _count, columns, columns);

    private FeaturePart PartOf(int i)
    {
        var part = 0;
        for (; i >= _parts[part].Count; part++)
            i -= _parts[part].Count;
        return _parts[part];
    }

    // f, or 0 where there is no entry.
    private readonly struct ValuesJob(DenseGroup group, FeatureStep step, MatrixView values) : IJob
    {
        public void Run(int index)
        {
            var (part, row) = (group.PartOf(index), group._start + index);
            var rows = step.Inputs.Found.Rows(part.BlockStart + row);
            var f = FeatureRoom.Of(0, 0, rows.Length).Values.AsSpan(0, rows.Length);
            step.Values(part, row, f);
            Scatter(rows, f, values.Row(index));
        }
    }

    // Takes ∂L/∂f of the entries out of all products, and leaves ∂L/∂(h · w_enc) where f was.
    private readonly struct DeriveJob(DenseGroup group, FeatureStep step, MatrixView values, MatrixView products) : IJob
    {
        public void Run(int index)
        {
            var (part, row) = (group.PartOf(index), group._start + index);
            var rows = step.Inputs.Found.Rows(part.BlockStart + row);
            var room = FeatureRoom.Of(0, 0, rows.Length);
            Span<float> f = room.Values.AsSpan(0, rows.Length),
                byActivation = room.ByActivation.AsSpan(0, rows.Length),
                byProduct = room.ByProduct.AsSpan(0, rows.Length);
            for (var k = 0; k < rows.Length; k++)
                (f[k], byActivation[k]) = (values.Row(index)[rows[k]], products.Row(index)[rows[k]]);
            group._derivatives[index] = step.Derive(part, row, f, byActivation, byProduct);
            Scatter(rows, byProduct, values.Row(index));
        }
    }

    private readonly struct FinishJob(DenseGroup group, FeatureStep step, MatrixView encoder, MatrixView decoder) : IJob
    {
        public void Run(int index)
        {
            var part = group._parts[index];
            for (var i = 0; i < part.Count; i++)
            {
                var at = part.Start - group._start + i;
                step.Finish(part, part.Start + i, encoder.Row(at), decoder.Row(at), group._derivatives[at]);
            }
        }
    }

    private static void Scatter(ReadOnlySpan<int> rows, ReadOnlySpan<float> values, Span<float> dense)
    {
        dense.Clear();
        for (var k = 0; k < rows.Length; k++)
            dense[rows[k]] = values[k];
    }
}
