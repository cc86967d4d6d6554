namespace GemmaScope.Evaluation;

/// <summary>How well a dictionary found features that are known (SynthSAEBench, arXiv 2602.14687).</summary>
public sealed record GroundTruthScores
{
    /// <summary>Rows measured on. Rare features need many: a perfect dictionary scores an F1 far below 1 where some never fire.</summary>
    public required long Rows { get; init; }

    /// <summary>Latents of the dictionary.</summary>
    public required int Latents { get; init; }

    /// <summary>True features.</summary>
    public required int Features { get; init; }

    /// <summary>Mean |cosine| of latents and features assigned to each other one to one.</summary>
    public required double Mcc { get; init; }

    /// <summary>Share of latents that stand for a feature of their own.</summary>
    public required double Uniqueness { get; init; }

    /// <summary>Mean over all latents, also dead ones, of the F1 with which one fires where its feature does.</summary>
    public required double F1 { get; init; }

    /// <summary>Mean over all latents of the share of a latent's firing where its feature is active.</summary>
    public required double Precision { get; init; }

    /// <summary>Mean over all latents of the share of its feature's activity on which a latent fires.</summary>
    public required double Recall { get; init; }

    /// <summary>Mean over all latents of the share of rows in which latent and feature agree.</summary>
    public required double Accuracy { get; init; }

    /// <summary>Latents that never fired.</summary>
    public required int Dead { get; init; }

    /// <summary>Mean number of latents that fire in a row.</summary>
    public required double L0 { get; init; }

    /// <summary>Mean number of true features in a row.</summary>
    public required double TrueL0 { get; init; }

    /// <summary>1 − Σ‖x − x̂‖² / Σ‖x − x̄‖².</summary>
    public required double ExplainedVariance { get; init; }

    /// <summary>Mean of ‖x̂‖ / ‖x‖.</summary>
    public required double Shrinkage { get; init; }
}

/// <summary>The counts of one latent and its feature.</summary>
/// <param name="Both">Rows in which both are active.</param>
/// <param name="Latent">Rows in which the latent fires.</param>
/// <param name="Feature">Rows in which its feature is active.</param>
/// <param name="Rows">All rows.</param>
public readonly record struct LatentCounts(long Both, long Latent, long Feature, long Rows)
{
    /// <summary>Share of the latent's firing that is right; 0 where it never fires.</summary>
    public double Precision => Latent == 0 ? 0 : (double)Both / Latent;

    /// <summary>Share of its feature's activity that it finds; 0 where there is none.</summary>
    public double Recall => Feature == 0 ? 0 : (double)Both / Feature;

    /// <summary>Harmonic mean of the two.</summary>
    public double F1 => Both == 0 ? 0 : 2.0 * Both / (Latent + Feature);

    /// <summary>Share of rows in which both are active or neither.</summary>
    public double Accuracy => (double)(Rows - Latent - Feature + 2 * Both) / Rows;
}
