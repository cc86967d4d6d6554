using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>How likely a token is, before and after a change.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Before">Probability in the unchanged run.</param>
/// <param name="After">Probability in the changed run.</param>
public readonly record struct TokenShift(int Token, double Before, double After);

/// <summary>What a change of features does to a target.</summary>
/// <param name="Target">The target.</param>
/// <param name="Before">Its value in the unchanged run.</param>
/// <param name="After">Its value in the changed run.</param>
/// <param name="Predicted">The change that the edges from the features to the target say; null where a feature is turned on that does not
/// fire, for no edge begins there.</param>
public readonly record struct TargetEffect(CircuitTarget Target, double Before, double After, double? Predicted);

/// <summary>What a change of features does.</summary>
/// <param name="Mode">What stayed as it was.</param>
/// <param name="Kl">KL(unchanged ‖ changed) of the next token in nats.</param>
/// <param name="Next">The most likely next tokens of both runs, by the larger of their two probabilities.</param>
/// <param name="Targets">The targets, in the order asked for.</param>
public sealed record ChangeEffect(InterventionMode Mode, double Kl, IReadOnlyList<TokenShift> Next, IReadOnlyList<TargetEffect> Targets);

/// <summary>Measures changes of features on one prompt, one after another: the edges to the targets are computed once.</summary>
public sealed class EffectMeter
{
    private readonly ReplacementModel _model;
    private readonly RowTarget[] _resolved;
    private readonly AttributionRow[] _edges;

    private EffectMeter(ReplacementModel model, IReadOnlyList<CircuitTarget> targets, RowTarget[] resolved, AttributionRow[] edges) =>
        (_model, Targets, _resolved, _edges) = (model, targets, resolved, edges);

    /// <summary>The targets.</summary>
    public IReadOnlyList<CircuitTarget> Targets { get; }

    /// <summary>Computes the edges to some targets.</summary>
    /// <param name="model">The prompt; it must outlive what is made.</param>
    /// <param name="targets">What is measured.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A target does not exist in this prompt.</exception>
    public static EffectMeter Of(
        ReplacementModel model,
        IReadOnlyList<CircuitTarget> targets,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(targets);
        RowTarget[] resolved = [.. targets.Select(target => target.Resolve(model))];
        using var backward = new FrozenBackward(model, new AttributionOptions().WorkingBytes);
        return new(
            model,
            targets,
            resolved,
            [.. resolved.Chunk(backward.BatchSize).SelectMany(batch => backward.Rows(batch, cancellationToken))]
        );
    }

    /// <summary>Runs the prompt with features changed.</summary>
    /// <param name="changes">The changes.</param>
    /// <param name="mode">What stays as it was.</param>
    /// <param name="most">Next tokens that are named of each run, from 0.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A feature does not exist, or is changed twice at one position.</exception>
    public ChangeEffect Measure(
        IReadOnlyList<FeatureChange> changes,
        InterventionMode mode,
        int most = 10,
        CancellationToken cancellationToken = default
    )
    {
        using var run = Intervention.Run(
            _model,
            changes,
            mode,
            capture: _resolved.SelectMany(target => target.Injections.Select(one => one.Site)).Distinct(),
            logits: LogitRows.Last,
            cancellationToken: cancellationToken
        );
        var words = _model.Model.Config.RealVocabulary;
        var before = _model.LastLogits[..words];
        var after = run.LastLogits()[..words];
        var (beforeSum, afterSum) = (Predictions.LogSum(before), Predictions.LogSum(after));
        var next = new List<TokenShift>();
        foreach (var token in (HashSet<int>)[.. Likeliest(before, most), .. Likeliest(after, most)])
            next.Add(new(token, Math.Exp(before[token] - beforeSum), Math.Exp(after[token] - afterSum)));
        return new(
            mode,
            Predictions.Divergence(before, beforeSum, after, afterSum),
            [.. next.OrderByDescending(one => Math.Max(one.Before, one.After)).ThenBy(one => one.Token)],
            [
                .. Targets.Select(
                    (target, i) => new TargetEffect(target, _resolved[i].Value, _resolved[i].Measure(run), Predicted(_edges[i], changes))
                ),
            ]
        );
    }

    private static int[] Likeliest(ReadOnlySpan<float> logits, int most)
    {
        var keys = new TopTokens().Select(logits, most);
        var tokens = new int[keys.Length];
        for (var i = 0; i < tokens.Length; i++)
            tokens[i] = TopTokens.Id(keys[i]);
        return tokens;
    }

    /// <summary>Contributions are linear in the activations: an edge changes by the part that its feature changes by.</summary>
    private double? Predicted(AttributionRow edges, IReadOnlyList<FeatureChange> changes)
    {
        double sum = 0;
        foreach (var change in changes)
        {
            var (start, end) = (change.Positions ?? new(_model.ZeroPositions, int.MaxValue)).Rows(0, _model.Tokens.Length);
            for (var position = start; position < end; position++)
            {
                var feature = _model.Find(change.Layer, position, change.Feature);
                var old = feature is { } fires ? _model.Features[fires].Activation : 0;
                var difference = change.Difference(old, position);
                if (difference == 0)
                    continue;
                if (feature is not { } source)
                    return null;
                sum += edges.Sources[source] * (double)difference / old;
            }
        }
        return sum;
    }
}
