using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>Runs a model with features changed, to prove what a graph says (METHODS §4.5 step 11).</summary>
public static class Intervention
{
    /// <summary>
    /// The edits that change features in any run of the model with nothing frozen, while generating too: hand them to
    /// <see cref="GenerationOptions.Edits"/>. Positions are absolute.
    /// </summary>
    /// <param name="transcoders">The transcoders the features belong to.</param>
    /// <param name="changes">The changes.</param>
    /// <param name="config">The model.</param>
    /// <param name="zeroPositions">How many positions at the start are left alone where a change names none.</param>
    /// <exception cref="ArgumentProblemException">A feature does not exist, or is changed twice at one position.</exception>
    public static IReadOnlyList<Edit> Edits(
        TranscoderSet transcoders,
        IReadOnlyList<FeatureChange> changes,
        GemmaConfig config,
        int zeroPositions = 1
    )
    {
        ArgumentNullException.ThrowIfNull(transcoders);
        ArgumentNullException.ThrowIfNull(config);
        return new ChangedWrites(transcoders, changes, zeroPositions, config.Layers).Edits();
    }

    /// <summary>Runs the prompt of a replacement model with features changed.</summary>
    /// <param name="model">The prompt, and the run whose parts are frozen.</param>
    /// <param name="changes">The changes; none to run what is frozen alone.</param>
    /// <param name="mode">What stays as it was.</param>
    /// <param name="constrained">The layers whose norms and MLPs stay as they were in constrained mode; null for all. The final norm goes
    /// with the last layer. Ignored in other modes.</param>
    /// <param name="capture">Sites whose activations are kept.</param>
    /// <param name="logits">Which positions get logits.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A feature does not exist, or is changed twice at one position.</exception>
    public static ModelRun Run(
        ReplacementModel model,
        IReadOnlyList<FeatureChange> changes,
        InterventionMode mode = InterventionMode.Constrained,
        Range? constrained = null,
        IEnumerable<Site>? capture = null,
        LogitRows logits = LogitRows.All,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(changes);
        var (first, count) = mode == InterventionMode.Constrained ? Layers(constrained ?? .., model.Layers) : (0, 0);
        var frozen = new FrozenEdits(model, first, first + count);
        Edit[] edits =
        [
            .. mode == InterventionMode.Free ? [] : frozen.Patterns(),
            .. frozen.NormsAndMlps(),
            .. Writes(model, changes, first, first + count),
        ];
        return model.Model.Run(
            model.Tokens,
            capture: capture,
            edits: edits,
            logits: logits,
            arithmetic: Arithmetic.Exact,
            cancellationToken: cancellationToken
        );
    }

    /// <summary>In layers that are frozen the old activation is that of the clean run, else that of the run itself.</summary>
    private static IReadOnlyList<Edit> Writes(ReplacementModel model, IReadOnlyList<FeatureChange> changes, int first, int end)
    {
        var parts = changes.ToLookup(change => change.Layer >= first && change.Layer < end);
        FeatureChange[] inside = [.. parts[true]],
            outside = [.. parts[false]];
        return
        [
            .. inside.Length == 0 ? [] : new ChangedWrites(model.Transcoders, inside, model.ZeroPositions, model.Layers, Clean).Edits(),
            .. outside.Length == 0 ? [] : new ChangedWrites(model.Transcoders, outside, model.ZeroPositions, model.Layers).Edits(),
        ];

        float Clean(FeatureChange change, int position) =>
            model.Find(change.Layer, position, change.Feature) is { } found ? model.Features[found].Activation : 0;
    }

    private static (int First, int Count) Layers(Range range, int layers)
    {
        var (start, end) = (range.Start.GetOffset(layers), range.End.GetOffset(layers));
        return start >= 0 && start <= end && end <= layers
            ? (start, end - start)
            : throw new ArgumentProblemException($"{range} is no run of the layers 0 to {layers - 1}", "constrained");
    }
}
