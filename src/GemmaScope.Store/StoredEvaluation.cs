namespace GemmaScope.Store;

/// <summary>How well a dictionary does over a text (METHODS §2.9). What was not measured is null.</summary>
/// <param name="MadeBy">features build, eval or training.</param>
/// <param name="MeasuredOn">The text.</param>
/// <param name="Tokens">Positions that count.</param>
public sealed record StoredEvaluation(string MadeBy, string MeasuredOn, long Tokens)
{
    /// <summary>The pass over the text of the dashboards.</summary>
    public const string Build = "features build";

    /// <summary>The command that splices dictionaries into the model.</summary>
    public const string Eval = "eval";

    /// <summary>What a training wrote beside the dictionary.</summary>
    public const string Training = "training";

    /// <summary>Whether the dictionary was trained on other text; null where that is not known.</summary>
    public bool? HeldOut { get; init; }

    /// <summary>Mean number of active features.</summary>
    public double? L0 { get; init; }

    /// <summary>Fraction of variance unexplained.</summary>
    public double? Fvu { get; init; }

    /// <summary>Explained variance, 1 − FVU.</summary>
    public double? Explained => 1 - Fvu;

    /// <summary>Mean cosine of rows and reconstructions.</summary>
    public double? Cosine { get; init; }

    /// <summary>Cross-entropy of the model alone, in nats.</summary>
    public double? CleanLoss { get; init; }

    /// <summary>What splicing the dictionary in adds to it.</summary>
    public double? DeltaLoss { get; init; }

    /// <summary>Share of the loss of zero ablation that it recovers.</summary>
    public double? LossRecovered { get; init; }
}
