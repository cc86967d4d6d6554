using System.Text.Json.Serialization;
using GemmaScope.Dictionaries;

namespace GemmaScope.Features;

/// <summary>A feature that fired, or its sum over a text.</summary>
/// <param name="Index">Index in the dictionary.</param>
/// <param name="Activation">Activation, or the sum of activations.</param>
/// <param name="Label">Its label, or null.</param>
/// <param name="Page">Address of its dashboard on our server, relative.</param>
/// <param name="Neuronpedia">Address of its dashboard on Neuronpedia, or null.</param>
public sealed record FeatureReport(int Index, float Activation, string? Label, string Page, string? Neuronpedia)
{
    /// <summary>What else is known of it, or null.</summary>
    public FeatureMeaning? Meaning { get; init; }

    /// <summary>How strongly it shades a token: where it is known by the square of how much it tells, so that few tokens stand out, else by its
    /// activation.</summary>
    internal double Shade => Meaning?.Telling(Activation, Activation) is { } telling ? telling * telling : Activation;
}

/// <summary>What the dictionary found at one token.</summary>
/// <param name="Position">Position in the sequence.</param>
/// <param name="Id">Token id.</param>
/// <param name="Piece">The piece as the vocabulary has it.</param>
/// <param name="Display">The piece for people.</param>
/// <param name="Start">First UTF-16 unit in the text, or null where the text is not known.</param>
/// <param name="End">The unit after the last.</param>
/// <param name="Counted">Whether it counts in sums and means; BOS and other special positions do not.</param>
/// <param name="L0">Number of active features.</param>
/// <param name="Norm">‖x‖ at the site the dictionary reads.</param>
/// <param name="Top">Its strongest features, strongest first; where features are known, the most telling ones, most telling first.</param>
public sealed record TokenReport(
    int Position,
    int Id,
    string Piece,
    string Display,
    int? Start,
    int? End,
    bool Counted,
    int L0,
    float Norm,
    IReadOnlyList<FeatureReport> Top
);

/// <summary>A possible next token.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Piece">The piece as the vocabulary has it.</param>
/// <param name="Display">The piece for people.</param>
/// <param name="Logit">Its logit after the cap.</param>
/// <param name="Probability">How likely it comes next, soft-max over all vocabulary rows.</param>
public sealed record NextToken(int Id, string Piece, string Display, float Logit, double Probability);

/// <summary>What a dictionary finds in a text. Numbers that nothing was counted for are null.</summary>
public sealed record TextAnalysis
{
    /// <summary>The text.</summary>
    public required string Text { get; init; }

    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The dictionary's name.</summary>
    public required string Dictionary { get; init; }

    /// <summary>Whose files it is made of, e.g. Gemma Scope 1.</summary>
    public required string Family { get; init; }

    /// <summary>Features of the dictionary.</summary>
    public required int Width { get; init; }

    /// <summary>The sites it reads, in our short form.</summary>
    public required IReadOnlyList<string> InputSites { get; init; }

    /// <summary>The sites it writes, in our short form; FVU is measured there.</summary>
    public required IReadOnlyList<string> OutputSites { get; init; }

    /// <summary>How the model's products were computed: exact or fast.</summary>
    public required string Arithmetic { get; init; }

    /// <summary>The dense kernels that computed them.</summary>
    public required string Kernels { get; init; }

    /// <summary>The types that the model's matrices are quantised to, most bytes first; empty where they are not. Such a model is not
    /// quite the one that the dictionary was trained on.</summary>
    public IReadOnlyList<string> Quantised { get; init; } = [];

    /// <summary>What the user should know about the dictionary.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Each token.</summary>
    public required IReadOnlyList<TokenReport> Tokens { get; init; }

    /// <summary>The activations of all features: a row for each token. Not part of the JSON form, which holds the strongest.</summary>
    [JsonIgnore]
    public SparseActivations Features { get; init; } = new(0, [0], [], []);

    /// <summary>Whether features are ranked by how much they tell, not by their activations alone.</summary>
    public bool IsTelling { get; init; }

    /// <summary>For each token how strongly its first feature shades it; 0 where it does not count, so that the outlier at BOS does not pale
    /// all others.</summary>
    [JsonIgnore]
    public IReadOnlyList<float> FirstShades =>
        [
            .. Tokens.Select(token =>
                token is not { Counted: true, Top: [var first, ..] } ? 0
                : IsTelling ? (float)first.Shade
                : first.Activation
            ),
        ];

    /// <summary>The positions left out of all sums and means: position 0 (BOS) and special tokens (METHODS §1.4).</summary>
    public required IReadOnlyList<int> ExcludedPositions { get; init; }

    /// <summary>The features with the largest sum of activations over the counted positions; where features are known, those whose sum tells
    /// most.</summary>
    public required IReadOnlyList<FeatureReport> WholeTextTop { get; init; }

    /// <summary>Mean number of active features over the counted positions.</summary>
    public required double? MeanL0 { get; init; }

    /// <summary>Fraction of variance unexplained over the counted positions (METHODS §2.9).</summary>
    public required double? Fvu { get; init; }

    /// <summary>The tutorial's variance explained over all positions from 1 on, for comparison only: never below 1 − FVU.</summary>
    public required double? TutorialVarianceExplained { get; init; }

    /// <summary>‖x‖ at position 0.</summary>
    public required double BosNorm { get; init; }

    /// <summary>Mean ‖x‖ over the counted positions.</summary>
    public required double? MeanNorm { get; init; }

    /// <summary>The most likely next tokens, best first.</summary>
    public required IReadOnlyList<NextToken> Next { get; init; }
}
