using GemmaScope.Numerics;

namespace GemmaScope.Features.Statistics;

/// <summary>
/// Which features fire together: Σ f_i f_j and the number of counted positions where both fire, for a block of features i and all j.
/// Only pairs that are active at one position cost time; memory is 12 bytes times block times width, so a large dictionary is read
/// block by block instead of holding a matrix of all pairs.
/// </summary>
internal sealed unsafe class FeaturePairs : IDisposable
{
    private readonly FeatureCounts _counts;
    private readonly long _positions;
    private readonly int _first,
        _width;
    private readonly Tensor _products,
        _together;

    private FeaturePairs(FeatureCounts counts, long positions, int first, int end)
    {
        (_counts, _positions, _first, _width) = (counts, positions, first, counts.Count.Length);
        _products = Tensor.Allocate(DType.F64, [end - first, _width]);
        _together = Tensor.Allocate(DType.I32, [end - first, _width]);
    }

    /// <summary>Bytes that a feature of a block takes.</summary>
    public static long BytesPerFeature(int width) => (sizeof(double) + sizeof(int)) * (long)width;

    public static FeaturePairs Of(
        ActivationSegments store,
        int dictionary,
        FeatureCounts counts,
        int first,
        int end,
        IProgress<double>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var pairs = new FeaturePairs(counts, store.Counted, first, end);
        try
        {
            FeatureSweep.Run(store, first, end, (from, to) => new Part(pairs, dictionary, from, to), progress, cancellationToken);
            return pairs;
        }
        catch
        {
            pairs.Dispose();
            throw;
        }
    }

    /// <summary>Counted positions where both fire.</summary>
    public int Together(int i, int j) => ((int*)_together.Pointer)[(long)(i - _first) * _width + j];

    /// <summary>Pearson correlation of the activations over the counted positions; 0 where one of them does not vary.</summary>
    public double Pearson(int i, int j) =>
        Correlation(Product(i, j), _counts.Sum[i], _counts.Sum[j], _counts.SumOfSquares[i], _counts.SumOfSquares[j], _positions);

    /// <summary>Cosine of the two columns of activations, without subtracting means; 0 where one of them is empty.</summary>
    public double Cosine(int i, int j) =>
        Product(i, j) is var product && product > 0 ? product / Math.Sqrt(_counts.SumOfSquares[i] * _counts.SumOfSquares[j]) : 0;

    /// <summary>(n Σxy − Σx Σy) / √((n Σx² − (Σx)²)(n Σy² − (Σy)²)); 0 where x or y does not vary.</summary>
    public static double Correlation(double xy, double x, double y, double xx, double yy, double n)
    {
        double varianceX = n * xx - x * x,
            varianceY = n * yy - y * y;
        return varianceX > 0 && varianceY > 0 ? (n * xy - x * y) / Math.Sqrt(varianceX * varianceY) : 0;
    }

    public void Dispose()
    {
        _products.Dispose();
        _together.Dispose();
    }

    private double Product(int i, int j) => ((double*)_products.Pointer)[(long)(i - _first) * _width + j];

    private sealed class Part(FeaturePairs pairs, int dictionary, int first, int end) : ISweepPart
    {
        public void Read(ActivationSegment segment, int local, int sequence)
        {
            var (start, count) = (segment.Start(local), segment.Length(local));
            for (var row = start; row < start + count; row++)
            {
                if (!segment.Counts(row))
                    continue;
                var all = segment.Row(dictionary, row);
                var own = all.Within(first, end);
                for (var i = 0; i < own.Indices.Length; i++)
                    Add(own.Indices[i] - pairs._first, own.Values[i], all);
            }
        }

        private void Add(int feature, float value, SparseRow row)
        {
            var products = (double*)pairs._products.Pointer + (long)feature * pairs._width;
            var together = (int*)pairs._together.Pointer + (long)feature * pairs._width;
            for (var j = 0; j < row.Indices.Length; j++)
            {
                products[row.Indices[j]] += (double)value * row.Values[j];
                together[row.Indices[j]]++;
            }
        }
    }
}
