using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>
/// The transcoders that stand for a model's MLPs: one for each layer (METHODS §4.2) or one cross-layer transcoder (§4.4), each with or
/// without a skip connection. They read the MLP's input bare, gained or before the norm and write the MLP's output after its norm. Layers
/// may be missing: their whole MLP output counts as an error.
/// </summary>
public sealed class TranscoderSet : IDisposable
{
    private readonly TranscoderLayer?[] _layers;
    private readonly IReadOnlyList<SparseDictionary> _dictionaries;

    private TranscoderSet(IReadOnlyList<SparseDictionary> dictionaries, TranscoderLayer?[] layers) =>
        (_dictionaries, _layers) = (dictionaries, layers);

    /// <summary>The dictionaries it is made of: one a layer, or one for all.</summary>
    public IReadOnlyList<SparseDictionary> Dictionaries => _dictionaries;

    /// <summary>Whether features write later layers too.</summary>
    public bool IsCrossLayer => _dictionaries is [MultiLayerDictionary];

    /// <summary>The layers that have a transcoder, rising.</summary>
    public IReadOnlyList<int> Layers => [.. _layers.OfType<TranscoderLayer>().Select(one => one.Layer)];

    /// <summary>The layers that have none.</summary>
    public IReadOnlyList<int> MissingLayers => [.. Enumerable.Range(0, _layers.Length).Where(layer => _layers[layer] is null)];

    /// <summary>The transcoder of a layer, or null.</summary>
    internal TranscoderLayer? this[int layer] => _layers[layer];

    /// <summary>What was chosen where there was a choice, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>Opens the transcoders that lie in files and folders: a set of one for each layer, or a cross-layer transcoder. Other
    /// dictionaries beside them are passed over; of several of one layer that are named by their L0 the sparsest is taken.</summary>
    /// <param name="paths">Files, folders of one dictionary, or folders of many; <c>demo-scope</c> for the demo's.</param>
    /// <param name="config">The model they were trained on.</param>
    /// <param name="input">Where those read whose path and configuration do not say it: resid_mid, ln2_normalized or mlp_in.</param>
    /// <exception cref="GemmaScopeException">One cannot be read or is of another model, or there is none.</exception>
    public static TranscoderSet Load(IReadOnlyList<string> paths, GemmaConfig config, SiteKind? input = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        List<string> notes = [];
        var found = TranscoderFinder.Open(paths, input, notes);
        try
        {
            var set = Of(found, config);
            return new(set._dictionaries, set._layers) { Notes = notes };
        }
        catch
        {
            foreach (var one in found)
                one.Dispose();
            throw;
        }
    }

    /// <summary>Puts dictionaries together.</summary>
    /// <param name="dictionaries">One transcoder a layer in any order, or one cross-layer transcoder. The set disposes them.</param>
    /// <param name="config">The model they were trained on.</param>
    /// <exception cref="ArgumentProblemException">There is none, one is no transcoder or of another model, or two are of one
    /// layer.</exception>
    public static TranscoderSet Of(IReadOnlyList<SparseDictionary> dictionaries, GemmaConfig config)
    {
        if (dictionaries.Count == 0)
            throw new ArgumentProblemException("there is no transcoder, so that the whole computation would be an error", "transcoders");
        var layers = new TranscoderLayer?[config.Layers];
        foreach (var one in dictionaries)
        {
            Check(one, config);
            if (one is MultiLayerDictionary cross)
            {
                if (dictionaries.Count > 1)
                    throw new ArgumentProblemException("covers all layers and stands alone", one.Name);
                for (var layer = 0; layer < layers.Length; layer++)
                    layers[layer] = TranscoderLayer.Of(cross, layer);
            }
            else
            {
                var layer = one.InputSite.Layer!.Value;
                if (layers[layer] is not null)
                    throw new ArgumentProblemException(
                        $"layer {layer} has two transcoders: {string.Join(" and ", dictionaries.Where(other => other.InputSite.Layer == layer).Take(2).Select(other => other.Name))}; name one",
                        "transcoders"
                    );
                layers[layer] = TranscoderLayer.Of((LayerDictionary)one, config.Layers);
            }
        }
        return new(dictionaries, layers);
    }

    /// <summary>Unmaps the dictionaries.</summary>
    public void Dispose()
    {
        foreach (var one in _dictionaries)
            one.Dispose();
    }

    /// <summary>Whether all weight files are still whole.</summary>
    internal void RequireWhole()
    {
        foreach (var one in _dictionaries)
            one.RequireWhole();
    }

    /// <summary>Throws where a feature does not exist.</summary>
    /// <exception cref="ArgumentProblemException">It does not.</exception>
    internal void Require(int layer, int feature)
    {
        if ((uint)layer >= (uint)_layers.Length || _layers[layer] is not { } transcoder)
            throw new ArgumentProblemException(
                $"layer {layer} has no transcoder; layers that have one: {string.Join(", ", Layers)}",
                "change"
            );
        if ((uint)feature >= (uint)transcoder.Features)
            throw new ArgumentProblemException(
                $"{feature} is no feature of layer {layer}, which has 0 to {transcoder.Features - 1}",
                "change"
            );
    }

    private static void Check(SparseDictionary one, GemmaConfig config)
    {
        if (!one.HasSites)
            // Says how to name the sites.
            _ = one.InputSites;
        if (one.OutputSites.Any(site => site.Kind != SiteKind.MlpOut))
            throw new ArgumentProblemException(
                $"is {Kind(one.Kind)}: it reads {one.InputSite} and writes {one.OutputSite}; circuits need transcoders, which write mlp_out",
                one.Name
            );
        if (
            one.InputSites.FirstOrDefault(site => site.Kind is not (SiteKind.ResidMid or SiteKind.Ln2Normalized or SiteKind.MlpIn)) is
            { Layer: not null } other
        )
            throw new ArgumentProblemException(
                $"reads {other}; transcoders of circuits read the MLP's input: resid_mid, ln2_normalized or mlp_in",
                one.Name
            );
        if (one.InputSites.Zip(one.OutputSites).Any(pair => pair.First.Layer != pair.Second.Layer))
            throw new ArgumentProblemException("reads one layer and writes another", one.Name);
        var cross = one is MultiLayerDictionary;
        if (cross && one.InputSites.Count != config.Layers)
            throw new ArgumentProblemException(
                $"has {one.InputSites.Count} layers, the model has {config.Layers}; it belongs to another model",
                one.Name
            );
        if (!cross && (one is not LayerDictionary || one.InputSite.Layer >= config.Layers))
            throw new ArgumentProblemException(
                $"reads {one.InputSite}, the model has layers 0 to {config.Layers - 1}; it belongs to another model",
                one.Name
            );
        if (one.InputWidth != config.Width * one.InputSites.Count || one.OutputWidth != one.InputWidth)
            throw new ArgumentProblemException(
                $"reads {one.InputWidth / one.InputSites.Count} numbers a token, the model has {config.Width}; it belongs to another model",
                one.Name
            );
    }

    private static string Kind(DictionaryKind kind) =>
        kind switch
        {
            DictionaryKind.Sae => "a sparse autoencoder",
            DictionaryKind.Crosscoder => "a crosscoder",
            _ => "a transcoder",
        };
}
