using System.Text.Json;
using System.Text.Json.Serialization;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>How well and how sparsely activations are reconstructed (METHODS §2.9).</summary>
public sealed class EvaluatedReconstruction
{
    internal EvaluatedReconstruction(ReconstructionSums sums, SparsitySums sparsity)
    {
        (L0, Fvu, Ev) = (sparsity.L0, sums.Fvu, sums.ExplainedVariance);
        (Mse, Cosine, ReconstructionBias) = (sums.MeanSquaredError, sums.CosineSimilarity, sums.ReconstructionBias);
    }

    /// <summary>Mean number of active features of a token.</summary>
    public double L0 { get; }

    /// <summary>Fraction of variance unexplained.</summary>
    public double Fvu { get; }

    /// <summary>Explained variance, 1 − FVU.</summary>
    public double Ev { get; }

    /// <summary>Mean squared error.</summary>
    public double Mse { get; }

    /// <summary>Mean cosine of activation and reconstruction.</summary>
    public double Cosine { get; }

    /// <summary>Σ‖x̂‖² / Σ⟨x, x̂⟩; below 1 where reconstructions are too small.</summary>
    public double ReconstructionBias { get; }
}

/// <summary>A dictionary among those that were spliced in at once.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Reconstruction">How well it reconstructed what it met.</param>
public sealed record MemberOfSplice(string Name, [property: JsonIgnore] EvaluatedReconstruction Reconstruction)
{
    /// <inheritdoc cref="EvaluatedReconstruction.L0"/>
    public double L0 => Reconstruction.L0;

    /// <inheritdoc cref="EvaluatedReconstruction.Fvu"/>
    public double Fvu => Reconstruction.Fvu;

    /// <inheritdoc cref="EvaluatedReconstruction.Ev"/>
    public double Ev => Reconstruction.Ev;

    /// <inheritdoc cref="EvaluatedReconstruction.Mse"/>
    public double Mse => Reconstruction.Mse;

    /// <inheritdoc cref="EvaluatedReconstruction.Cosine"/>
    public double Cosine => Reconstruction.Cosine;

    /// <inheritdoc cref="EvaluatedReconstruction.ReconstructionBias"/>
    public double ReconstructionBias => Reconstruction.ReconstructionBias;
}

/// <summary>What splicing dictionaries into the model costs it, over the predictions whose both sides count.</summary>
public sealed class SpliceCosts
{
    internal SpliceCosts(SpliceEvaluation set, LossSums clean)
    {
        var (spliced, ablated) = (set.Runs[SplicedRun.Spliced].Total, set.Runs[SplicedRun.ZeroAblated].Total);
        (DeltaLoss, LossRecovered, KlScore) = (spliced.DeltaLoss(clean), spliced.LossRecovered(clean, ablated), spliced.KlScore(ablated));
        Runs = [.. set.Runs.Select(run => new EditedRun(run.Key, run.Value.Total, clean))];
    }

    /// <summary>What it adds to the cross-entropy, in nats.</summary>
    public double DeltaLoss { get; }

    /// <summary>Share of the loss of zero ablation that it recovers.</summary>
    public double LossRecovered { get; }

    /// <summary>The same of the divergence from the clean run.</summary>
    public double KlScore { get; }

    /// <summary>Each edited run.</summary>
    public IReadOnlyList<EditedRun> Runs { get; }
}

/// <summary>The losses of an edited run. Source and target: over the predictions of which that side counts, whether the other does or
/// not.</summary>
public sealed class EditedRun
{
    internal EditedRun(SplicedRun run, LossSums losses, LossSums clean)
    {
        Run = JsonNamingPolicy.SnakeCaseLower.ConvertName($"{run}");
        (Ce, DeltaLoss) = Of(PredictionRule.Both);
        (CeSource, DeltaLossSource) = Of(PredictionRule.Source);
        (CeTarget, DeltaLossTarget) = Of(PredictionRule.Target);
        KlFromClean = losses.Divergence();

        (double, double) Of(PredictionRule rule) => (losses.CrossEntropy(rule), losses.DeltaLoss(clean, rule));
    }

    /// <summary>What stood in place of the activations.</summary>
    public string Run { get; }

    /// <summary>Cross-entropy in nats.</summary>
    public double Ce { get; }

    /// <summary>What it has more than that of the clean run.</summary>
    public double DeltaLoss { get; }

    /// <summary>Cross-entropy where the source counts.</summary>
    public double CeSource { get; }

    /// <summary>What it has more than that of the clean run.</summary>
    public double DeltaLossSource { get; }

    /// <summary>Cross-entropy where the target counts.</summary>
    public double CeTarget { get; }

    /// <summary>What it has more than that of the clean run.</summary>
    public double DeltaLossTarget { get; }

    /// <summary>Mean divergence from the clean run, in nats.</summary>
    public double KlFromClean { get; }
}

/// <summary>How many features have which density: the share of tokens at which they fire.</summary>
/// <param name="Log10Edges">Decimal logarithms of densities, between each two of which features are counted.</param>
/// <param name="Counts">Features there.</param>
public sealed record DensityHistogram(IReadOnlyList<double> Log10Edges, IReadOnlyList<int> Counts)
{
    /// <summary>Half decades.</summary>
    internal static IReadOnlyList<double> Edges { get; } = [.. Enumerable.Range(0, 15).Select(i => -7 + i / 2.0)];
}

/// <summary>Numbers as others define them.</summary>
/// <param name="TutorialVarianceExplained">The Gemma Scope tutorial's variance explained.</param>
/// <param name="TutorialL0Above1">The tutorial's L0, of features above 1.</param>
/// <param name="SaelensExplainedVarianceLegacy">SAELens's <c>explained_variance_legacy</c>.</param>
public sealed record OtherFormulas(
    double TutorialVarianceExplained,
    [property: JsonPropertyName("tutorial_l0_above_1")] double TutorialL0Above1,
    double SaelensExplainedVarianceLegacy
);

/// <summary>A dictionary at one position of all windows.</summary>
/// <param name="Position">The position.</param>
/// <param name="Rows">Tokens that count there.</param>
/// <param name="L0">Mean number of active features.</param>
/// <param name="Fvu">Squared error over the distance from the mean of all positions.</param>
/// <param name="Mse">Mean squared error.</param>
/// <param name="Cosine">Mean cosine of activation and reconstruction.</param>
/// <param name="DeltaLoss">What splicing adds to the cross-entropy there; null where it was not spliced in.</param>
public sealed record EvaluatedPosition(
    int Position,
    long Rows,
    double L0,
    double Fvu,
    double Mse,
    double Cosine,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? DeltaLoss
);
