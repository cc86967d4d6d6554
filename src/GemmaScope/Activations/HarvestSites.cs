using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>The sites whose activations a harvest takes from one pass through the model.</summary>
internal sealed class HarvestSites
{
    private readonly GemmaModel _model;
    private readonly Arithmetic _arithmetic;

    /// <exception cref="ArgumentProblemException">There is no site, one twice, or one without a row of fixed width per token or without
    /// which the logits would have to be computed.</exception>
    public HarvestSites(GemmaModel model, IReadOnlyList<Site> sites, Arithmetic? arithmetic)
    {
        (_model, _arithmetic) = (model, arithmetic ?? model.Arithmetic);
        if (sites.Count == 0)
            throw new ArgumentProblemException("name one site or more", "sites");
        foreach (var site in sites)
        {
            if (!model.Config.Has(site))
                throw new ArgumentProblemException($"the model has no such site (layers 0 to {model.Config.Layers - 1})", site.ToString());
            if (Site.IsAttentionMatrix(site.Kind))
                throw new ArgumentProblemException(
                    "has as many numbers a token as there are keys and cannot be harvested",
                    site.ToString()
                );
            if (Site.IsFinal(site.Kind))
                throw new ArgumentProblemException("is computed after the last layer, which a harvest leaves out", site.ToString());
        }
        if (sites.Distinct().Count() < sites.Count)
            throw new ArgumentProblemException("names a site twice", "sites");
        Sites = [.. sites.Select(site => new StoredSite(site, model.Config.SiteWidth(site)))];
    }

    public IReadOnlyList<StoredSite> Sites { get; }

    public Arithmetic Arithmetic => _arithmetic;

    /// <summary>Runs the model up to the last of the sites.</summary>
    public ModelRun Run(WindowRun run, CancellationToken cancellationToken) =>
        _model.Run(
            run.Windows,
            capture: Sites.Select(site => site.Site),
            logits: LogitRows.None,
            arithmetic: _arithmetic,
            cancellationToken: cancellationToken
        );

    /// <summary>The captured rows of a site: [tokens of all windows, width].</summary>
    public static unsafe MatrixView Rows(ModelRun run, StoredSite site)
    {
        var captured = run[site.Site];
        return new(captured.Floats, checked((int)(captured.Length / site.Width)), site.Width, site.Width);
    }
}
