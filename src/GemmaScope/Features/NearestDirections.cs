using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Features;

/// <summary>
/// For a feature of one dictionary the nearest decoder directions of others: the same direction in other layers, and so how a feature
/// evolves. Compared are
/// directions of the residual stream; a dictionary of heads writes there through W_O, one inside the MLP through W_down. One search reads
/// every decoder vector
/// of the other dictionary once.
/// </summary>
public sealed class NearestDirections
{
    private const int FeaturesPerJob = 256;

    private readonly GemmaModel _model;
    private readonly IReadOnlyList<SparseDictionary> _dictionaries;
    private readonly Lazy<float[]>[] _norms;

    /// <summary>Prepares searches; nothing is read yet.</summary>
    /// <param name="model">The model of the dictionaries.</param>
    /// <param name="dictionaries">Dictionaries, which must outlive this.</param>
    public NearestDirections(GemmaModel model, IReadOnlyList<SparseDictionary> dictionaries)
    {
        (_model, _dictionaries) = (model, dictionaries);
        _norms = [.. dictionaries.Select(one => new Lazy<float[]>(() => Norms(one)))];
    }

    /// <summary>Whether a dictionary writes to one site that reaches the residual stream by a linear map.</summary>
    public static bool Fits(SparseDictionary dictionary) =>
        dictionary is { HasSites: true, OutputSites: [var site] } && GemmaModel.ReachesResidual(site.Kind);

    /// <summary>The features of another dictionary with the largest cosines to a feature's direction.</summary>
    /// <param name="dictionary">Index of the feature's dictionary.</param>
    /// <param name="feature">The feature.</param>
    /// <param name="other">Index of the dictionary that is searched; both must <see cref="Fits"/>.</param>
    /// <param name="count">Features at most, the nearest first.</param>
    /// <param name="cancellationToken">Asked before the search.</param>
    /// <exception cref="ArgumentProblemException">There is no such feature, or a dictionary does not reach the residual stream.</exception>
    public IReadOnlyList<NearFeature> Find(int dictionary, int feature, int other, int count, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (own, searched) = (_dictionaries[dictionary], _dictionaries[other]);
        foreach (var one in (SparseDictionary[])[own, searched])
            if (!Fits(one))
                throw new ArgumentProblemException(
                    "writes to no single site with a linear way to the residual stream, so its directions cannot be compared",
                    one.Name
                );
        using Tensor vector = Tensor.Uninitialized(1, own.OutputWidth),
            residual = Tensor.Uninitialized(1, _model.Config.Width),
            query = Tensor.Uninitialized(1, searched.OutputWidth);
        own.Decoder(feature, vector.Row(0));
        _model.ToResidual(own.OutputSite, vector.AsMatrix(), residual.AsMatrix());
        var norm = DecoderGeometry.Norm(residual.Row(0));
        if (norm == 0)
            return [];
        _model.FromResidual(searched.OutputSite, residual.AsMatrix(), query.AsMatrix());
        var products = new float[searched.Width];
        Workers.For(Parts(searched), new ProductJob(searched, query, products));
        var nearest = new RankedList(count);
        var norms = _norms[other].Value;
        for (var i = 0; i < products.Length; i++)
            if (norms[i] > 0 && (other != dictionary || i != feature))
                nearest.Offer(i, products[i] / (norm * norms[i]));
        var found = new NearFeature[nearest.Count];
        for (var i = 0; i < found.Length; i++)
            found[i] = new(nearest.Indices[i], (float)nearest.Values[i]);
        return found;
    }

    private static int Parts(SparseDictionary dictionary) => (dictionary.Width + FeaturesPerJob - 1) / FeaturesPerJob;

    /// <summary>Norms of all directions in the residual stream: some multiplications for dictionaries of heads, so they are kept.</summary>
    private float[] Norms(SparseDictionary dictionary)
    {
        var norms = new float[dictionary.Width];
        if (dictionary.OutputSite.Kind is not (SiteKind.Z or SiteKind.MlpActProduct))
        {
            Workers.For(Parts(dictionary), new NormJob(dictionary, norms));
            return norms;
        }
        using Tensor vectors = Tensor.Uninitialized(FeaturesPerJob, dictionary.OutputWidth),
            residual = Tensor.Uninitialized(FeaturesPerJob, _model.Config.Width);
        for (var start = 0; start < norms.Length; start += FeaturesPerJob)
        {
            var rows = Math.Min(FeaturesPerJob, norms.Length - start);
            for (var i = 0; i < rows; i++)
                dictionary.Decoder(start + i, vectors.Row(i));
            _model.ToResidual(dictionary.OutputSite, vectors.AsMatrix().SliceRows(0, rows), residual.AsMatrix().SliceRows(0, rows));
            for (var i = 0; i < rows; i++)
                norms[start + i] = (float)DecoderGeometry.Norm(residual.Row(i));
        }
        return norms;
    }

    private readonly struct ProductJob(SparseDictionary dictionary, Tensor query, float[] products) : IJob
    {
        public void Run(int index)
        {
            var vector = new float[dictionary.OutputWidth];
            for (var i = index * FeaturesPerJob; i < Math.Min((index + 1) * FeaturesPerJob, products.Length); i++)
            {
                dictionary.Decoder(i, vector);
                products[i] = TensorPrimitives.Dot(vector, query.Row(0));
            }
        }
    }

    private readonly struct NormJob(SparseDictionary dictionary, float[] norms) : IJob
    {
        public void Run(int index)
        {
            var vector = new float[dictionary.OutputWidth];
            for (var i = index * FeaturesPerJob; i < Math.Min((index + 1) * FeaturesPerJob, norms.Length); i++)
            {
                dictionary.Decoder(i, vector);
                norms[i] = (float)DecoderGeometry.Norm(vector);
            }
        }
    }
}
