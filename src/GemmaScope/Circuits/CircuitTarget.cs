using System.Numerics.Tensors;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>What a target of a circuit is.</summary>
public enum CircuitTargetKind
{
    /// <summary>The logit of a token, minus the mean over the vocabulary, before the final cap.</summary>
    Logit,

    /// <summary>A logit minus another.</summary>
    Difference,

    /// <summary>The pre-activation of a feature that fires.</summary>
    Feature,

    /// <summary>The inner product of a vector with the activation at a site.</summary>
    Direction,

    /// <summary>A weighted sum of others.</summary>
    Sum,
}

/// <summary>
/// What a circuit explains: a number that is linear in the activations at one or more sites. Each becomes a node that nothing follows.
/// </summary>
public sealed record CircuitTarget
{
    private readonly Func<ReplacementModel, RowTarget> _resolve;

    private CircuitTarget(CircuitTargetKind kind, string name, Func<ReplacementModel, RowTarget> resolve) =>
        (Kind, Name, _resolve) = (kind, name, resolve);

    /// <summary>What it is.</summary>
    public CircuitTargetKind Kind { get; }

    /// <summary>Its name for people.</summary>
    public string Name { get; init; }

    /// <summary>How much it counts where influence is measured, at least 0; of the top logits their probability.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>The token of a logit.</summary>
    public int? Token { get; private init; }

    /// <summary>Of a difference the token whose logit is subtracted.</summary>
    public int? Over { get; private init; }

    /// <summary>The position it is read at; null for the last, and for sums.</summary>
    public int? Position { get; private init; }

    /// <summary>The most likely next tokens (METHODS §4.5 step 5), each with its probability as its weight: as many as have
    /// <paramref name="mass"/> together, the last one included, and at most <paramref name="most"/>.</summary>
    /// <exception cref="ArgumentProblemException">A number is out of range.</exception>
    public static IReadOnlyList<CircuitTarget> TopLogits(ReplacementModel model, int most = 10, double mass = 0.95)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (most < 1)
            throw new ArgumentProblemException($"is {most}; at least one logit is needed", "most");
        if (mass is not (> 0 and <= 1))
            throw new ArgumentProblemException($"is {mass}; it must be above 0 and at most 1", "mass");
        var logits = model.LastLogits[..model.Model.Config.RealVocabulary];
        var max = TensorPrimitives.Max(logits);
        double total = 0;
        foreach (var logit in logits)
            total += Math.Exp(logit - max);
        var targets = new List<CircuitTarget>();
        double reached = 0;
        foreach (var key in new TopTokens().Select(logits, most))
        {
            var token = TopTokens.Id(key);
            var probability = Math.Exp(logits[token] - max) / total;
            targets.Add(Logit(token) with { Weight = probability });
            if ((reached += probability) >= mass)
                break;
        }
        return targets;
    }

    /// <summary>The logit of a token minus the mean logit, before the final cap.</summary>
    /// <param name="token">Row of the vocabulary.</param>
    /// <param name="position">Where it is predicted; null for the last position.</param>
    public static CircuitTarget Logit(int token, int? position = null) =>
        new(CircuitTargetKind.Logit, $"token {token}", model => OfLogits(model, position, token, null))
        {
            Token = token,
            Position = position,
        };

    /// <summary>The logit of a token minus that of another, before the final cap: what the answer owes its lead to.</summary>
    /// <param name="token">Row of the vocabulary.</param>
    /// <param name="other">The token it is compared with.</param>
    /// <param name="position">Where they are predicted; null for the last position.</param>
    public static CircuitTarget Difference(int token, int other, int? position = null) =>
        new(CircuitTargetKind.Difference, $"token {token} − token {other}", model => OfLogits(model, position, token, other))
        {
            Token = token,
            Over = other,
            Position = position,
        };

    /// <summary>The pre-activation of a feature that fires.</summary>
    /// <param name="layer">Its layer.</param>
    /// <param name="position">A position from <see cref="ReplacementModel.ZeroPositions"/> on.</param>
    /// <param name="feature">Index within the layer's transcoder.</param>
    public static CircuitTarget Feature(int layer, int position, int feature) =>
        new(
            CircuitTargetKind.Feature,
            $"feature {layer}/{feature} at {position}",
            model =>
                layer >= 0
                && layer < model.Layers
                && position >= 0
                && position < model.Tokens.Length
                && model.Find(layer, position, feature) is { } found
                    ? RowTarget.Of(model, found)
                    : throw new ArgumentProblemException(
                        $"feature {feature} of layer {layer} does not fire at position {position} of this prompt",
                        "target"
                    )
        )
        {
            Position = position,
        };

    /// <summary>⟨vector, activation⟩ at a site: a probe, a refusal direction.</summary>
    /// <param name="site">A site of the residual stream, of attn_out or mlp_out, or before or after a norm.</param>
    /// <param name="position">The token's position; null for the last.</param>
    /// <param name="vector">As wide as the model.</param>
    public static CircuitTarget Direction(Site site, ReadOnlyMemory<float> vector, int? position = null) =>
        new(CircuitTargetKind.Direction, $"direction at {site}", model => OfVector(model, site, position, vector)) { Position = position };

    /// <summary>A weighted sum of targets as one target: the gap of a verdict over several tokens, a mean over positions.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="parts">Targets and their factors.</param>
    /// <exception cref="ArgumentProblemException">There is no part, or a factor is not finite.</exception>
    public static CircuitTarget Sum(string name, params IReadOnlyList<(CircuitTarget Target, double Factor)> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Count == 0 || parts.Any(part => !double.IsFinite(part.Factor)))
            throw new ArgumentProblemException("needs parts, each with a finite factor", "target");
        return new(CircuitTargetKind.Sum, name, model => OfParts(model, parts));
    }

    /// <summary>The target in a prompt.</summary>
    internal RowTarget Resolve(ReplacementModel model)
    {
        if (!(Weight >= 0 && double.IsFinite(Weight)))
            throw new ArgumentProblemException($"the weight of {Name} is {Weight}; it must be 0 or more", "target");
        return _resolve(model);
    }

    private static RowTarget OfLogits(ReplacementModel model, int? position, int token, int? other)
    {
        using var workspace = new Workspace();
        var table = new Unembedding(model.Model.Config, model.Model.Weights.Embedding, workspace, Numerics.Arithmetic.Exact);
        var (vector, subtracted) = (new float[model.Model.Config.Width], new float[model.Model.Config.Width]);
        table.Row(token, vector);
        if (other is { } second)
            table.Row(second, subtracted);
        else
            model.MeanUnembedding.CopyTo(subtracted);
        TensorPrimitives.Subtract(vector, subtracted, vector);
        return OfVector(model, new Site(SiteKind.FinalNormOut), position, vector);
    }

    private static RowTarget OfVector(ReplacementModel model, Site site, int? position, ReadOnlyMemory<float> vector)
    {
        var at = position ?? model.Tokens.Length - 1;
        if (at < 0 || at >= model.Tokens.Length)
            throw new ArgumentProblemException($"position {at} is outside the prompt of {model.Tokens.Length} tokens", "target");
        if (!model.Model.Config.Has(site) || !Injection.Allows(site.Kind))
            throw new ArgumentProblemException(
                "cannot be a target: the model has no such site, or it is a constant of the replacement model; use a site of the residual "
                    + "stream, attn_out, mlp_out or one before or after a norm",
                site.ToString()
            );
        if (vector.Length != model.Model.Config.Width)
            throw new ArgumentProblemException(
                $"the vector has {vector.Length} numbers, the site has {model.Model.Config.Width}",
                site.ToString()
            );
        double value = 0;
        var activation = model.Activations(site).Row(at);
        for (var i = 0; i < activation.Length; i++)
            value += (double)activation[i] * vector.Span[i];
        return new([new(site, at, vector.ToArray())], 0, value);
    }

    private static RowTarget OfParts(ReplacementModel model, IReadOnlyList<(CircuitTarget Target, double Factor)> parts)
    {
        var injections = new List<Injection>();
        double bias = 0,
            value = 0;
        foreach (var (target, factor) in parts)
        {
            var part = target.Resolve(model);
            injections.AddRange(
                part.Injections.Select(one => one with { Vector = Array.ConvertAll(one.Vector, number => (float)(number * factor)) })
            );
            (bias, value) = (bias + factor * part.Bias, value + factor * part.Value);
        }
        return new(injections, bias, value);
    }
}
