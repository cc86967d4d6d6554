using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Opens dictionaries at the site where they are to be read, and finds out those of another model.</summary>
internal static class DictionaryFit
{
    private static readonly Setting LayerSetting = new(nameof(MicroscopeOptions.Layer)),
        SiteSetting = new(nameof(MicroscopeOptions.Site));

    /// <summary>Opens the dictionaries that a name stands for, each at the site it was trained at or where the options put it.</summary>
    /// <exception cref="ArgumentProblemException">One does not fit the model, or several fit where one is wanted.</exception>
    public static IEnumerable<SparseDictionary> Open(
        string found,
        MicroscopeOptions options,
        GemmaConfig config,
        IProgress<JobReport>? progress
    )
    {
        string[] paths =
            options.Use == DictionaryUse.One
                ? [DictionaryFinder.Find(found, options.Layer, options.Site)]
                : DictionaryFinder.All(found, options.Layer, options.Site);
        foreach (var path in paths)
            yield return Open(path, options, config, paths.Length > 1, progress);
    }

    private static SparseDictionary Open(
        string path,
        MicroscopeOptions options,
        GemmaConfig config,
        bool isOneOfMany,
        IProgress<JobReport>? progress
    )
    {
        var (dictionary, trained) = Load(path, options.Layer, options.Site, CancellationToken.None);
        try
        {
            Require(dictionary, config, path);
            if (trained is { } from && from != dictionary.InputSite)
                progress.Note(
                    $"{(isOneOfMany ? dictionary.Name : "this dictionary")} belongs to {from} and is read at {dictionary.InputSite}"
                );
            return dictionary;
        }
        catch
        {
            dictionary.Dispose();
            throw;
        }
    }

    /// <summary>Opens the one dictionary that a name stands for, where no model is there.</summary>
    /// <exception cref="GemmaScopeException">It cannot be read, or several fit.</exception>
    public static SparseDictionary Load(string found, SiteChoice choice, CancellationToken cancellationToken) =>
        Load(DictionaryFinder.Find(found, choice.Layer, choice.Site), choice.Layer, choice.Site, cancellationToken).Dictionary;

    /// <summary>Opens a dictionary at a site, and says at which one it was trained where that was looked at.</summary>
    private static (SparseDictionary Dictionary, Site? Trained) Load(
        string path,
        int? layer,
        string? site,
        CancellationToken cancellationToken
    )
    {
        // A site that is named whole may be what the files do not say, so that they are not asked.
        if (site is not null && (layer is not null || Site.TryParse(site, out _)))
            return (LoadAt(SiteOf(site, layer)), null);
        var dictionary = LoadAt(null);
        try
        {
            var trained = dictionary is { HasSites: true, InputSites.Count: 1 } ? dictionary.InputSite : (Site?)null;
            var wanted =
                site is not null ? SiteOf(site, trained?.Layer)
                : trained is { } own && layer is { } other ? new Site(own.Kind, other)
                : trained;
            if (wanted is null || wanted == trained)
                return (dictionary, trained);
            dictionary.Dispose();
            return (LoadAt(wanted), trained);
        }
        catch
        {
            dictionary.Dispose();
            throw;
        }

        SparseDictionary LoadAt(Site? at) =>
            SparseDictionary.Load(path, new DictionaryLoadOptions { Site = at }, cancellationToken: cancellationToken);
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
        var width = dictionary.InputSites.Sum(site => config.SiteWidth(site));
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
