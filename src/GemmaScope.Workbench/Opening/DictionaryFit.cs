using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Opens dictionaries at the site where they are to be read, and finds out those of another model.</summary>
internal static class DictionaryFit
{
    private static readonly Setting LayerSetting = new(nameof(MicroscopeOptions.Layer)),
        SiteSetting = new(nameof(MicroscopeOptions.Site));

    /// <summary>Opens a dictionary at the site it was trained at, or where the options put it.</summary>
    /// <exception cref="ArgumentProblemException">It does not fit the model, or several fit.</exception>
    public static SparseDictionary Open(string found, MicroscopeOptions options, GemmaConfig config, IProgress<JobReport>? progress)
    {
        var (layer, site) = (options.Layer, options.Site);
        var path = DictionaryFinder.Find(found, layer, site);
        var dictionary = SparseDictionary.Load(path, new DictionaryLoadOptions { Site = site is null ? null : SiteOf(site, layer) });
        try
        {
            var trained = dictionary is { HasSites: true, InputSites.Count: 1 } ? dictionary.InputSite : (Site?)null;
            if (site is null && layer is { } other && trained is { } own && own.Layer != other)
            {
                dictionary.Dispose();
                dictionary = SparseDictionary.Load(path, new DictionaryLoadOptions { Site = new Site(own.Kind, other) });
            }
            Require(dictionary, config, path);
            if (trained is { } from && from != dictionary.InputSite)
                progress.Note($"this dictionary belongs to {from} and is read at {dictionary.InputSite}");
            return dictionary;
        }
        catch
        {
            dictionary.Dispose();
            throw;
        }
    }

    /// <summary>Finds a dictionary of another model or site.</summary>
    /// <exception cref="ArgumentProblemException">The model has no such site, or one of another width.</exception>
    public static void Require(SparseDictionary dictionary, GemmaConfig config, string path)
    {
        foreach (var site in dictionary.InputSites)
            if (!config.Has(site))
                throw new ArgumentProblemException(
                    $"reads {site}, and the model has no such site (layers 0 to {config.Layers - 1})",
                    path,
                    remedy: new Remedy($"choose another with {LayerSetting} or {SiteSetting}")
                );
        var width = dictionary.InputSites.Sum(site => config.SiteWidth(site.Kind));
        if (width != dictionary.InputWidth)
            throw new ArgumentProblemException(
                $"the dictionary reads {dictionary.InputWidth} numbers at a token, but {string.Join(", ", dictionary.InputSites)} of this "
                    + "model "
                    + $"has {width}; it belongs to another model or site",
                path
            );
    }

    /// <summary>The site of a vector that no dictionary has: the one named, else the residual stream after the layer.</summary>
    /// <exception cref="ArgumentProblemException">Neither says it.</exception>
    public static Site VectorSite(int? layer, string? site) =>
        (site, layer) switch
        {
            ({ } named, _) => SiteOf(named, layer),
            (null, >= 0 and int at) => Site.ResidPost(at),
            (null, null) => throw new ArgumentProblemException(
                "name the layer at whose end the vector is read and added, usually one in the middle",
                LayerSetting
            ),
            (null, _) => throw new ArgumentProblemException($"{layer} is no layer; the first is 0", LayerSetting),
        };

    private static Site SiteOf(string text, int? layer)
    {
        if (!Site.TryParse(text, out var site))
        {
            if (Site.TryParse($"{text}.{layer ?? 0}", out var withLayer))
                return layer is not null
                    ? withLayer
                    : throw new ArgumentProblemException($"'{text}' names no layer", SiteSetting, new Remedy($"add {LayerSetting}"));
            return Site.Parse(text);
        }
        return layer is null || site.Layer == layer
            ? site
            : throw new ArgumentProblemException($"{site} is not in layer {layer}; give one of the two", SiteSetting);
    }
}
