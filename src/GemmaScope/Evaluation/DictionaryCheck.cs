using GemmaScope.Models;

namespace GemmaScope.Evaluation;

/// <summary>What makes a dictionary read activations that it was not trained on.</summary>
public enum DictionaryMismatch
{
    /// <summary>Another model: another size, or tuned where it was trained on the pre-trained one, or the reverse.</summary>
    Checkpoint,

    /// <summary>Another site of the same layer or its neighbours.</summary>
    Site,

    /// <summary>The same site of another layer.</summary>
    Layer,

    /// <summary>The gain of a norm that is missing, or applied where it should not be, or twice.</summary>
    Gain,

    /// <summary>Inputs of another scale.</summary>
    Scale,

    /// <summary>b_dec that is to be subtracted first and is not, or the reverse.</summary>
    Bias,

    /// <summary>Weights that were quantised.</summary>
    Quantised,
}

/// <summary>Something that does not fit, with what would.</summary>
public sealed record CheckFinding
{
    /// <summary>The likely cause.</summary>
    public required DictionaryMismatch Cause { get; init; }

    /// <summary>Whether the numbers are off. Else the names alone say that it is not what the dictionary was trained on, and its numbers
    /// are as they should be.</summary>
    public required bool IsWarning { get; init; }

    /// <summary>What is wrong, one sentence without the dictionary's name.</summary>
    public required string Text { get; init; }

    /// <summary>The reading that fits far better, e.g. <c>resid_post.3</c>; null where none does.</summary>
    public string? Better { get; init; }

    /// <summary>The site that it is to be read at, where that is all there is to change; else null.</summary>
    public string? Site { get; init; }

    /// <summary>FVU of the better reading.</summary>
    public double? Fvu { get; init; }

    /// <summary>L0 of the better reading.</summary>
    public double? L0 { get; init; }
}

/// <summary>
/// Whether a dictionary reads what it was trained on: its numbers over a short text beside those that its name, configuration or catalogue
/// promise, and what is wrong where they differ.
/// </summary>
public sealed record DictionaryCheck
{
    /// <summary>The dictionary's name.</summary>
    public required string Dictionary { get; init; }

    /// <summary>The sites it reads.</summary>
    public required IReadOnlyList<string> InputSites { get; init; }

    /// <summary>The model it was trained on, as its files name it; null where they do not.</summary>
    public string? TrainedOn { get; init; }

    /// <summary>Tokens that the numbers are of.</summary>
    public required int Tokens { get; init; }

    /// <summary>Fraction of variance unexplained over them (METHODS §2.9).</summary>
    public required double Fvu { get; init; }

    /// <summary>Mean number of active features.</summary>
    public required double L0 { get; init; }

    /// <summary>The L0 that is promised, at least; null where nothing is.</summary>
    public double? LeastL0 { get; init; }

    /// <summary>The L0 that is promised, at most.</summary>
    public double? MostL0 { get; init; }

    /// <summary>Mean ‖x‖ of its inputs.</summary>
    public required double Norm { get; init; }

    /// <summary>The mean norm that its stored scale was made for; null where it has none.</summary>
    public double? PromisedNorm { get; init; }

    /// <summary>Other readings that were tried.</summary>
    public required int Tried { get; init; }

    /// <summary>What does not fit; empty where it reads what it was trained on, as far as these numbers tell.</summary>
    public required IReadOnlyList<CheckFinding> Findings { get; init; }
}
