using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>What the gradient flows through.</summary>
public enum GradientMode
{
    /// <summary>Everything: the ordinary derivative.</summary>
    Full,

    /// <summary>
    /// What attribution graphs use (METHODS §4.5): attention patterns, the denominators of all norms and the MLP outputs are constants, so
    /// that the target is linear in what the embedding and the MLPs write; gradients flow only through the residual stream and attention's
    /// values.
    /// </summary>
    Frozen,
}

/// <summary>Gradients of one target at the sites that were asked for, each with respect to the activations there taken as
/// variables.</summary>
public sealed class Gradients : IDisposable
{
    private readonly IReadOnlyDictionary<Site, Tensor> _gradients;

    internal Gradients(double value, IReadOnlyDictionary<Site, Tensor> gradients) => (Value, _gradients) = (value, gradients);

    /// <summary>The target's value.</summary>
    public double Value { get; }

    /// <summary>The sites.</summary>
    public IEnumerable<Site> Sites => _gradients.Keys;

    /// <summary>The gradient at a site, in the shape of the activations there; 0 where the target does not depend on them.</summary>
    /// <exception cref="ArgumentProblemException">The site was not asked for.</exception>
    public Tensor this[Site site] =>
        _gradients.TryGetValue(site, out var gradient)
            ? gradient
            : throw new ArgumentProblemException("its gradient was not asked for; add it to the sites", site.ToString());

    /// <summary>Frees the gradients.</summary>
    public void Dispose()
    {
        foreach (var gradient in _gradients.Values)
            gradient.Dispose();
    }
}
