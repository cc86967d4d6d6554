using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Features.Statistics;

/// <summary>What follows from the decoder vectors alone: norms, largest coordinates, head shares, nearest vectors.</summary>
internal sealed class DecoderGeometry
{
    /// <summary>Vectors that are compared with a block at one time.</summary>
    private const int ChunkFeatures = 1024;

    private readonly SparseDictionary _dictionary;
    private readonly int _heads;

    /// <param name="dictionary">The dictionary.</param>
    /// <param name="config">The model, for the number of its heads.</param>
    public DecoderGeometry(SparseDictionary dictionary, GemmaConfig config)
    {
        _dictionary = dictionary;
        _heads = dictionary is { HasSites: true, OutputSites: [{ Kind: SiteKind.Z }] } ? config.Heads : 0;
    }

    /// <summary>‖W_dec‖ of a feature.</summary>
    public static double Norm(ReadOnlySpan<float> vector)
    {
        double squares = 0;
        foreach (var v in vector)
            squares += (double)v * v;
        return Math.Sqrt(squares);
    }

    /// <summary>The largest coordinates of the unit vector by magnitude, with their sign.</summary>
    public static AlignedCoordinate[] Alignment(ReadOnlySpan<float> vector, int k)
    {
        var (norm, sum, largest) = (Norm(vector), 0.0, new RankedList(k));
        for (var i = 0; i < vector.Length; i++)
        {
            sum += Math.Abs((double)vector[i]);
            largest.Offer(i, Math.Abs((double)vector[i]));
        }
        if (sum == 0)
            return [];
        var found = new AlignedCoordinate[largest.Count];
        for (var i = 0; i < found.Length; i++)
            found[i] = new(largest.Indices[i], (float)(vector[largest.Indices[i]] / norm), (float)(largest.Values[i] / sum));
        return found;
    }

    /// <summary>The norm of each head's slice / the sum of these norms; empty unless the dictionary writes concatenated heads.</summary>
    public float[] HeadShares(ReadOnlySpan<float> vector)
    {
        var norms = new double[_heads];
        for (var head = 0; head < _heads; head++)
            norms[head] = Norm(vector.Slice(head * (vector.Length / _heads), vector.Length / _heads));
        var sum = norms.Sum();
        return [.. norms.Select(norm => sum > 0 ? (float)(norm / sum) : 0)];
    }

    /// <summary>Of each feature [first, end) those with the nearest decoder vectors, itself left out.</summary>
    public NearFeature[][] Neighbours(int first, int end, int k, CancellationToken cancellationToken = default)
    {
        var lists = Enumerable.Range(first, end - first).Select(_ => new RankedList(k)).ToArray();
        ForEachCosine(
            first,
            end,
            (start, cosines) => Workers.For(cosines.Rows, new OfferJob(lists, cosines, first, start)),
            cancellationToken
        );
        return [.. lists.Select(Found)];
    }

    /// <summary>Cosines of the features [first, end) with all, a chunk of columns at a time: [end − first, chunk] from column
    /// start.</summary>
    public void ForEachCosine(int first, int end, Action<int, MatrixView> use, CancellationToken cancellationToken = default)
    {
        using var own = Units(first, end);
        using var scratch = Tensor.Uninitialized(end - first, Math.Min(ChunkFeatures, _dictionary.Width));
        for (var start = 0; start < _dictionary.Width; start += ChunkFeatures)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var others = Units(start, Math.Min(start + ChunkFeatures, _dictionary.Width));
            var cosines = scratch.AsMatrix().SliceColumns(0, (int)others.Rows);
            Compute.Kernels.Multiply(own.AsMatrix(), WeightView.Of(others.AsMatrix(), WeightLayout.OutIn), cosines, Arithmetic.Exact);
            use(start, cosines);
        }
    }

    private Tensor Units(int first, int end)
    {
        var units = Tensor.Uninitialized(end - first, _dictionary.OutputWidth);
        Workers.For(end - first, new UnitJob(_dictionary, units, first));
        return units;
    }

    private static NearFeature[] Found(RankedList list)
    {
        var found = new NearFeature[list.Count];
        for (var i = 0; i < found.Length; i++)
            found[i] = new(list.Indices[i], (float)list.Values[i]);
        return found;
    }

    private readonly struct OfferJob(RankedList[] lists, MatrixView cosines, int first, int start) : IJob
    {
        public void Run(int index)
        {
            var row = cosines.Row(index);
            for (var i = 0; i < row.Length; i++)
                if (start + i != first + index)
                    lists[index].Offer(start + i, row[i]);
        }
    }

    private readonly struct UnitJob(SparseDictionary dictionary, Tensor units, int first) : IJob
    {
        public void Run(int index)
        {
            var row = units.Row(index);
            dictionary.Decoder(first + index, row);
            var norm = Norm(row);
            if (norm > 0)
                TensorPrimitives.Multiply(row, (float)(1 / norm), row);
        }
    }
}
