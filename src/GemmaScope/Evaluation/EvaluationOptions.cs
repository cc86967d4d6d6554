using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>Settings of an <see cref="Evaluator"/>.</summary>
public sealed record EvaluationOptions
{
    /// <summary>The edited runs made for each set; each costs one run of the model. None: only what clean activations tell.</summary>
    public IReadOnlyList<SplicedRun> Runs { get; init; } = [SplicedRun.Spliced, SplicedRun.ZeroAblated];

    /// <summary>Which dictionaries are spliced together; null: each alone. Ignored without <see cref="Runs"/>.</summary>
    public IReadOnlyList<SpliceSet>? Sets { get; init; }

    /// <summary>Whether the gradients are computed that uniformity needs: one backward pass for each sequence.</summary>
    public bool Uniformity { get; init; } = true;

    /// <summary>Positions from the start of the sequences that get sums of their own; each takes 12 bytes for each number a dictionary
    /// writes.</summary>
    public int Positions { get; init; } = 128;

    /// <summary>The mean at each output site, needed by <see cref="SplicedRun.MeanAblated"/> only.</summary>
    public IReadOnlyDictionary<Site, float[]>? Means { get; init; }

    /// <summary>Exact or fast; null for the process's choice.</summary>
    public Arithmetic? Arithmetic { get; init; }
}
