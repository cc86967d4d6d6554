using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// A run of one sequence that kept what backward passes need, so that the gradients of many targets cost one run. It must be disposed
/// before
/// its model and computes one gradient at a time.
/// </summary>
public sealed class DifferentiableRun : IDisposable
{
    private readonly GemmaConfig _config;
    private readonly GemmaWeights _weights;
    private readonly RotaryTables _rotary;
    private readonly Workspace _workspace = new();
    private readonly SavedActivations _saved;
    private readonly Site _from,
        _to;
    private readonly Arithmetic _arithmetic;

    internal DifferentiableRun(
        GemmaModel model,
        GemmaWeights weights,
        RotaryTables rotary,
        int[] tokens,
        GradientMode mode,
        IEnumerable<Site> capture,
        Site? from,
        Site? to,
        IEnumerable<Edit> edits,
        Arithmetic arithmetic,
        CancellationToken cancellationToken
    )
    {
        (_config, _weights, _rotary, Tokens, Mode, _arithmetic) = (model.Config, weights, rotary, tokens, mode, arithmetic);
        (_from, _to) = (from ?? Site.Embed, to ?? new Site(SiteKind.FinalNormOut));
        Check(_from);
        Check(_to);
        _saved = new SavedActivations(model, tokens, mode, capture, _from, _to, edits, arithmetic, cancellationToken);
        Unembedding = new Unembedding(_config, weights.Embedding, _workspace, arithmetic);
    }

    /// <summary>The sequence.</summary>
    public int[] Tokens { get; }

    /// <summary>What gradients flow through.</summary>
    public GradientMode Mode { get; }

    /// <summary>The run itself, with the activations that were captured for the caller (and more).</summary>
    public ModelRun Activations => _saved.Run;

    internal Unembedding Unembedding { get; }

    /// <summary>The gradient of a target at some sites.</summary>
    /// <param name="target">What is differentiated; the activations at its site must be captured by this run, unless it is a logit or the
    /// cross-entropy.</param>
    /// <param name="sites">Where, each taken as the variable; sites that come after the target get zeros. Logits are no such site.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A site the model or this run does not have, or, in frozen mode, one that counts as a
    /// constant.</exception>
    public Gradients Gradients(GradientTarget target, IEnumerable<Site> sites, CancellationToken cancellationToken = default)
    {
        Check(target.Site);
        if (target.Site > _to)
            throw new ArgumentProblemException($"this run kept activations up to {_to} only; give a later 'to'", target.Site.ToString());
        var kept = new Dictionary<Site, Tensor>();
        try
        {
            foreach (var site in sites)
            {
                Check(site);
                if (site < _from)
                    throw new ArgumentProblemException(
                        $"this run kept activations from {_from} on only; give an earlier 'from'",
                        site.ToString()
                    );
                if (!kept.ContainsKey(site))
                    kept[site] = Tensor.Zeros(_config.SiteShape(site, Tokens.Length, Tokens.Length));
            }
            return new Gradients(Walk(target, kept, cancellationToken), kept);
        }
        catch
        {
            foreach (var tensor in kept.Values)
                tensor.Dispose();
            throw;
        }
    }

    /// <summary>Frees what was kept.</summary>
    public void Dispose()
    {
        _saved.Dispose();
        _workspace.Dispose();
    }

    private double Walk(GradientTarget target, Dictionary<Site, Tensor> kept, CancellationToken cancellationToken)
    {
        var activations = TargetActivations(target.Site);
        var seed = _workspace.Buffer("seed", activations.Rows, activations.Columns);
        for (var i = 0; i < seed.Rows; i++)
            seed.Row(i).Clear();
        var value = target.Seed(this, activations, seed);
        if (kept.Count == 0)
            return value;
        var taps = new GradientTaps(target.Site, seed, kept);
        new BackwardPass(_config, _weights, _rotary, _workspace, _saved, Tokens.Length, Mode, taps, _arithmetic, cancellationToken).Run(
            kept.Keys.Min(),
            target.Site
        );
        return value;
    }

    /// <summary>What the target is a function of. The final norm is not part of a run without logits, so its output is made here.</summary>
    private MatrixView TargetActivations(Site site)
    {
        if (!BackwardPass.IsFinal(site))
            return _saved.Rows(site);
        var normed = _workspace.Buffer("normed", Tokens.Length, _config.Width);
        var residual = _saved.Rows(Site.ResidPost(_config.Layers - 1));
        if (site.Kind == SiteKind.LnFinalNormalized)
            Workers.For(normed.Rows, new NormalizeRow(residual, _config.NormEpsilon, normed));
        else
            Workers.For(normed.Rows, new NormRow(residual, _weights.FinalGain, _config.NormEpsilon, normed));
        return normed;
    }

    private void Check(Site site)
    {
        if (!_config.Has(site))
            throw new ArgumentProblemException($"the model has no such site (layers 0 to {_config.Layers - 1})", site.ToString());
        if (site.Kind is SiteKind.LogitsRaw or SiteKind.Logits)
            throw new ArgumentProblemException(
                "gradients start at final_norm_out or before; a logit is a target (GradientTarget.Logit)",
                site.ToString()
            );
        if (Mode == GradientMode.Frozen && !BackwardPass.IsLinear(site.Kind))
            throw new ArgumentProblemException("is a constant in frozen mode; use GradientMode.Full", site.ToString());
    }
}
