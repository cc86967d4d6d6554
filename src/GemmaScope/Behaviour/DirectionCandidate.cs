using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>What the direction of one place does to prompts it was not made from (METHODS §6.6).</summary>
/// <param name="Layer">The layer it was read before.</param>
/// <param name="Position">The position, counted from the end.</param>
/// <param name="AblatedScore">Mean refusal score of harmful prompts without it; null where there is no direction.</param>
/// <param name="AddedScore">Mean refusal score of harmless prompts with it added at its layer.</param>
/// <param name="HarmlessDivergence">Mean KL(unedited ‖ without it) of the next token of harmless prompts, in nats.</param>
public sealed record DirectionCandidate(int Layer, int Position, double? AblatedScore, double? AddedScore, double? HarmlessDivergence)
{
    /// <summary>Whether there is a direction at all; in the first layer there is none where all prompts end with the same tokens.</summary>
    public bool IsDirection => AblatedScore is not null;

    /// <summary>Measures the direction of one place on held-out prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="directions">The directions.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="position">The position, counted from the end.</param>
    /// <param name="harmful">Token ids of held-out harmful prompts that the model refuses.</param>
    /// <param name="harmless">Of harmless ones that it does not.</param>
    /// <param name="clean">What the unedited model would write after the harmless ones.</param>
    /// <param name="refusalTokens">Tokens that refusals begin with.</param>
    /// <param name="cancellationToken">Stops between runs and inside one.</param>
    public static DirectionCandidate Measure(
        GemmaModel model,
        ClassDirections directions,
        int layer,
        int position,
        IReadOnlyList<int[]> harmful,
        IReadOnlyList<int[]> harmless,
        NextTokens clean,
        IReadOnlyCollection<int> refusalTokens,
        CancellationToken cancellationToken = default
    )
    {
        if (directions.Norm(layer, position) == 0)
            return new(layer, position, null, null, null);
        var direction = directions[layer, position];
        var ablate = DirectionEdits.AblateWritten(model.Config, direction);
        var ablated = NextTokens.Of(model, harmless, ablate, cancellationToken: cancellationToken);
        return new(
            layer,
            position,
            Scores(harmful, ablate),
            Scores(harmless, DirectionEdits.Add(model.Config, layer, direction)),
            clean.Divergences(ablated).Average()
        );

        double Scores(IReadOnlyList<int[]> prompts, IReadOnlyList<Edit> edits) =>
            NextTokens.Of(model, prompts, edits, cancellationToken: cancellationToken).RefusalScores(refusalTokens).Average();
    }
}

/// <summary>Which candidate is taken: of those early enough, that do little to harmless prompts and do bring refusal when added, the one
/// without which refusal is least (METHODS §6.6).</summary>
public sealed record DirectionRule
{
    /// <summary>Only layers below this share of the depth: late directions write the answer's tokens and mean nothing else.</summary>
    public double LayerBelow { get; init; } = 0.8;

    /// <summary>KL on harmless prompts at most.</summary>
    public double MaxDivergence { get; init; } = 0.1;

    /// <summary>Refusal score of harmless prompts with the direction added at least.</summary>
    public double MinAddedScore { get; init; }

    /// <summary>Whether a candidate passes.</summary>
    /// <param name="candidate">The candidate.</param>
    /// <param name="layers">How many layers the model has.</param>
    public bool Passes(DirectionCandidate candidate, int layers) =>
        candidate is { AblatedScore: not null, AddedScore: { } added, HarmlessDivergence: { } divergence }
        && IsEarly(candidate.Layer, layers)
        && divergence <= MaxDivergence
        && added >= MinAddedScore;

    /// <summary>Whether a layer is early enough.</summary>
    public bool IsEarly(int layer, int layers) => layer < LayerBelow * layers;

    /// <summary>The candidate that is taken; null where none passes.</summary>
    public DirectionCandidate? Choose(IEnumerable<DirectionCandidate> candidates, int layers) =>
        candidates.Where(one => Passes(one, layers)).MinBy(one => one.AblatedScore);
}
