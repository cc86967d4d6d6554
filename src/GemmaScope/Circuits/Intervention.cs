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

    /// <summary>
    /// The edits that put the reconstruction errors of another prompt into a run of this one, while generating too. With all features swapped
    /// as well (<see cref="FeatureChange.SwapAll"/>) the MLPs of frozen layers write what they write there.
    /// </summary>
    /// <param name="model">The prompt that is changed.</param>
    /// <param name="other">The other prompt, with the same transcoders.</param>
    /// <param name="positions">Where in the prompt that is changed; null for wherever both have positions that belong together.</param>
    /// <param name="shift">A position p of the changed prompt belongs to p + shift of the other.</param>
    /// <exception cref="ArgumentProblemException">The other prompt has no such position, or counts it as a constant.</exception>
    public static IReadOnlyList<Edit> SwapErrors(ReplacementModel model, ReplacementModel other, Positions? positions = null, int shift = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(other);
        var (start, end) = SwappedPositions.Of(other, positions, shift, model);
        return
        [
            .. Enumerable
                .Range(0, model.Layers)
                .Select(layer => Edit.Function(Site.MlpOut(layer), (rows, first) => Swap(layer, rows, first), new Positions(start, end))),
        ];

        void Swap(int layer, MatrixView rows, int first)
        {
            for (var i = 0; i < rows.Rows; i++)
            {
                TensorPrimitives.Subtract(rows.Row(i), model.Error(layer, first + i), rows.Row(i));
                TensorPrimitives.Add(rows.Row(i), other.Error(layer, first + i + shift), rows.Row(i));
            }
        }
    }

    /// <summary>Runs the prompt of a replacement model with features changed.</summary>
    /// <param name="model">The prompt, and the run whose parts are frozen.</param>
    /// <param name="changes">The changes; none to run what is frozen alone.</param>
    /// <param name="mode">What stays as it was.</param>
    /// <param name="constrained">The layers whose norms and MLPs stay as they were in constrained mode; null for all. The final norm goes
    /// with the last layer. Ignored in other modes.</param>
    /// <param name="capture">Sites whose activations are kept.</param>
    /// <param name="logits">Which positions get logits.</param>
    /// <param name="edits">Other changes, made behind those of features: <see cref="SwapErrors"/>.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A feature does not exist, or is changed twice at one position.</exception>
    public static ModelRun Run(
        ReplacementModel model,
        IReadOnlyList<FeatureChange> changes,
        InterventionMode mode = InterventionMode.Constrained,
        Range? constrained = null,
        IEnumerable<Site>? capture = null,
        LogitRows logits = LogitRows.All,
        IReadOnlyList<Edit>? edits = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(changes);
        var (first, count) = mode == InterventionMode.Constrained ? Layers(constrained ?? .., model.Layers) : (0, 0);
        var frozen = new FrozenEdits(model, first, first + count);
        Edit[] all =
        [
            .. mode == InterventionMode.Free ? [] : frozen.Patterns(),
            .. frozen.NormsAndMlps(),
            .. Writes(model, changes, first, first + count),
            .. edits ?? [],
        ];
        return model.Model.Run(
            model.Tokens,
            capture: capture,
            edits: all,
            logits: logits,
            arithmetic: Arithmetic.Exact,
            cancellationToken: cancellationToken
        );
    }

    /// <summary>The values that targets have when features are changed.</summary>
    /// <param name="model">The prompt, and the run whose parts are frozen.</param>
    /// <param name="targets">The targets; those that are features must fire in the unchanged run.</param>
    /// <param name="changes">The changes; none for the model as it is.</param>
    /// <param name="mode">What stays as it was.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A target or a feature does not exist, or one is changed twice at one position.</exception>
    public static double[] Values(
        ReplacementModel model,
        IReadOnlyList<CircuitTarget> targets,
        IReadOnlyList<FeatureChange> changes,
        InterventionMode mode = InterventionMode.Constrained,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(targets);
        return Values(model, [.. targets.Select(target => target.Resolve(model))], changes, mode, cancellationToken);
    }

    /// <summary>The same for targets that are resolved.</summary>
    internal static double[] Values(
        ReplacementModel model,
        RowTarget[] rows,
        IReadOnlyList<FeatureChange> changes,
        InterventionMode mode,
        CancellationToken cancellationToken
    )
    {
        using var run = Run(
            model,
            changes,
            mode,
            capture: rows.SelectMany(row => row.Injections.Select(one => one.Site)).Distinct(),
            logits: LogitRows.Last,
            cancellationToken: cancellationToken
        );
        return Array.ConvertAll(rows, row => row.Measure(run));
    }

    /// <summary>In layers that are frozen the old activation is that of the clean run, else that of the run itself.</summary>
    private static IReadOnlyList<Edit> Writes(ReplacementModel model, IReadOnlyList<FeatureChange> changes, int first, int end)
    {
        FeatureChange[] inside = [.. changes.Where(change => change.Layer >= first && change.Layer < end)],
            outside = [.. changes.Where(change => change.Layer < first || change.Layer >= end)];
        return
        [
            .. inside.Length == 0 ? [] : new ChangedWrites(model.Transcoders, inside, model.ZeroPositions, model.Layers, Clean).Edits(),
            .. outside.Length == 0 ? [] : new ChangedWrites(model.Transcoders, outside, model.ZeroPositions, model.Layers).Edits(),
        ];

        float Clean(FeatureChange change, int position) => model.Activation(change.Layer, position, change.Feature);
    }

    private static (int First, int Count) Layers(Range range, int layers)
    {
        var (start, end) = (range.Start.GetOffset(layers), range.End.GetOffset(layers));
        return start >= 0 && start <= end && end <= layers
            ? (start, end - start)
            : throw new ArgumentProblemException($"{range} is no run of the layers 0 to {layers - 1}", "constrained");
    }
}
