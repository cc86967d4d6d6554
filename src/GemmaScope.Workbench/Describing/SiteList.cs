using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A place in a model that can be read and edited.</summary>
/// <param name="Site">Our name.</param>
/// <param name="TransformerLens">TransformerLens's name, or null.</param>
/// <param name="HuggingFace">Hugging Face's name, or null.</param>
/// <param name="Width">Numbers per token; null for attention matrices, whose width is the number of keys.</param>
public sealed record SiteDescription(string Site, string? TransformerLens, string? HuggingFace, int? Width);

/// <summary>Sites of a model under the names of the three ecosystems.</summary>
/// <param name="Sites">The sites, in the order in which a token passes them.</param>
public sealed record SiteList(IReadOnlyList<SiteDescription> Sites)
{
    /// <summary>The sites of every layer.</summary>
    public static SiteList Of(GemmaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Of(config, config.Sites());
    }

    /// <summary>The sites of one layer, and those that are in none.</summary>
    /// <exception cref="ArgumentProblemException">The model has no such layer.</exception>
    public static SiteList Of(GemmaConfig config, int layer)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (layer < 0 || layer >= config.Layers)
            throw new ArgumentProblemException(
                $"the model has no layer {layer}; its layers are 0 to {config.Layers - 1}",
                new Setting("Layer")
            );
        return Of(config, config.Sites().Where(site => site.Layer is null || site.Layer == layer));
    }

    private static SiteList Of(GemmaConfig config, IEnumerable<Site> sites) =>
        new([
            .. sites.Select(site => new SiteDescription(
                site.ToString(),
                site.TransformerLensName,
                site.HuggingFaceName,
                Site.IsAttentionMatrix(site.Kind) ? null : config.SiteWidth(site)
            )),
        ]);
}
