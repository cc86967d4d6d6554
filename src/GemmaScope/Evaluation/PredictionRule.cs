namespace GemmaScope.Evaluation;

/// <summary>
/// Which predictions count. A prediction is made at a position and has a target, the next token; either may be special (BOS, EOS, padding).
/// As a description of one prediction: the sides that are not special.
/// </summary>
[Flags]
public enum PredictionRule
{
    /// <summary>Neither side counts.</summary>
    None = 0,

    /// <summary>The position predicted from is not special (METHODS §2.9); the end of a document may be a target.</summary>
    Source = 1,

    /// <summary>The target is not special; the prediction made at BOS counts.</summary>
    Target = 2,

    /// <summary>Neither is special: the main rule.</summary>
    Both = Source | Target,
}
