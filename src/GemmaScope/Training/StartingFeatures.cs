using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// Which features of single-layer dictionaries a dictionary of several layers begins with: from each layer the first that no feature
/// chosen before seems to carry on to it, which is so where an earlier decoder vector points the way of a later encoder vector (METHODS
/// §3.3). The first features of a Matryoshka dictionary are its most general ones. Where too few are left the others follow.
/// </summary>
internal static class StartingFeatures
{
    /// <summary>Cosine from which a feature counts as carried on; the published value is not known.</summary>
    private const float CarriedOn = 0.7f;

    /// <summary>Rows of a product that is kept at once.</summary>
    private const int RowsAtOnce = 512;

    /// <summary>The features of each dictionary, rising.</summary>
    /// <param name="dictionaries">By rising layer.</param>
    /// <param name="counts">How many of each.</param>
    public static int[][] Choose(IReadOnlyList<LayerDictionary> dictionaries, IReadOnlyList<int> counts)
    {
        var chosen = new int[dictionaries.Count][];
        for (var l = 0; l < chosen.Length; l++)
        {
            var carried = new bool[dictionaries[l].Width];
            if (counts[l] < carried.Length)
                for (var earlier = 0; earlier < l; earlier++)
                    Mark(dictionaries[earlier], chosen[earlier], dictionaries[l], carried);
            chosen[l] = [.. Enumerable.Range(0, carried.Length).OrderBy(feature => carried[feature]).Take(counts[l]).Order()];
        }
        return chosen;
    }

    private static void Mark(LayerDictionary earlier, int[] features, LayerDictionary later, bool[] carried)
    {
        using var encoders = Directions(later.Width, later.InputWidth, later.Encoder);
        using var decoders = Directions(features.Length, earlier.OutputWidth, (i, vector) => earlier.Decoder(features[i], vector));
        using var cosines = Tensor.Uninitialized(Math.Min(RowsAtOnce, later.Width), features.Length);
        for (var start = 0; start < later.Width; start += RowsAtOnce)
        {
            var count = Math.Min(RowsAtOnce, later.Width - start);
            var products = cosines.AsMatrix().SliceRows(0, count);
            Compute.Kernels.Multiply(
                encoders.AsMatrix().SliceRows(start, count),
                WeightView.Of(decoders, WeightLayout.OutIn),
                products,
                Arithmetic.Exact
            );
            for (var i = 0; i < count; i++)
                carried[start + i] |= TensorPrimitives.Max<float>(products.Row(i)) > CarriedOn;
        }
    }

    private delegate void Read(int feature, Span<float> vector);

    private static Tensor Directions(int count, int width, Read read)
    {
        var directions = Tensor.Uninitialized(count, width);
        for (var i = 0; i < count; i++)
        {
            read(i, directions.Row(i));
            DecoderGeometry.Normalise(directions.Row(i));
        }
        return directions;
    }
}
