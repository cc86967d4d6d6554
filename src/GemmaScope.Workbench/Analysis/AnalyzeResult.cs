using System.Text.Json.Serialization;
using GemmaScope.Features;

namespace GemmaScope.Workbench;

/// <summary>A feature of a token, with its activation there.</summary>
/// <param name="Feature">Index in the dictionary.</param>
/// <param name="Activation">Its activation.</param>
/// <param name="Label">Its label, or null.</param>
/// <param name="Page">Address of its dashboard on our server.</param>
/// <param name="Neuronpedia">Address of its dashboard on Neuronpedia, or null.</param>
/// <param name="LabelScore">The score of the label, or null.</param>
/// <param name="Density">Share of the tokens of other text at which it fires, or null where that is not known.</param>
public sealed record TokenFeature(
    int Feature,
    float Activation,
    string? Label,
    string Page,
    string? Neuronpedia,
    double? LabelScore,
    double? Density
);

/// <summary>A feature of a whole text.</summary>
/// <param name="Feature">Index in the dictionary.</param>
/// <param name="Sum">Sum of its activations over the tokens that count.</param>
/// <param name="Label">Its label, or null.</param>
/// <param name="Page">Address of its dashboard on our server.</param>
/// <param name="Neuronpedia">Address of its dashboard on Neuronpedia, or null.</param>
/// <param name="Largest">Its largest activation.</param>
/// <param name="LargestPosition">Where that is.</param>
/// <param name="Tokens">Counted tokens at which it fires.</param>
/// <param name="LabelScore">The score of the label, or null.</param>
/// <param name="Density">Share of the tokens of other text at which it fires, or null where that is not known.</param>
public sealed record TextFeature(
    int Feature,
    float Sum,
    string? Label,
    string Page,
    string? Neuronpedia,
    float Largest,
    int LargestPosition,
    int Tokens,
    double? LabelScore,
    double? Density
);

/// <summary>A token and its features.</summary>
/// <param name="Position">Position in the sequence.</param>
/// <param name="Id">Token id.</param>
/// <param name="Piece">The piece as the vocabulary has it.</param>
/// <param name="Start">First UTF-16 unit in the text, or null where the text is not known.</param>
/// <param name="End">The unit after the last.</param>
/// <param name="Counted">Whether it counts in sums and means; BOS and other special positions do not.</param>
/// <param name="L0">Number of active features.</param>
/// <param name="Norm">‖x‖ at the site the dictionary reads.</param>
/// <param name="TopFeatures">Its strongest features, strongest first.</param>
public sealed record AnalyzedToken(
    int Position,
    int Id,
    string Piece,
    int? Start,
    int? End,
    bool Counted,
    int L0,
    float Norm,
    IReadOnlyList<TokenFeature> TopFeatures
)
{
    /// <summary>The part of the text it stands for; its piece where that says more: special tokens, and bytes that share a
    /// character.</summary>
    [JsonIgnore]
    public string Text { get; init; } = Piece;

    /// <summary>The activation of the feature that was asked for, under its name <c>feature_N</c>.</summary>
    [JsonExtensionData]
    public IDictionary<string, object>? Chosen { get; init; }
}

/// <summary>A possible next token.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Piece">The piece as the vocabulary has it.</param>
/// <param name="Logit">Its logit after the cap.</param>
/// <param name="Probability">How likely it comes next.</param>
public sealed record AnalyzedNext(int Id, string Piece, float Logit, double Probability);

/// <summary>What a dictionary finds in a text. Numbers that nothing was counted for are null.</summary>
public sealed class AnalyzeResult
{
    private readonly Uri _server;

    /// <summary>An analysis with the addresses of its features.</summary>
    /// <param name="analysis">The analysis.</param>
    /// <param name="server">The server whose feature pages are linked; a relative address for links within one.</param>
    /// <param name="feature">The feature that shades the text; null for the strongest of each token.</param>
    public AnalyzeResult(TextAnalysis analysis, Uri server, int? feature = null)
    {
        (Analysis, _server, Feature) = (analysis, server, feature);
        Tokens = [.. analysis.Tokens.Select(Token)];
        WholeTextTop = [.. analysis.WholeTextTop.Select(Whole)];
    }

    /// <summary>The analysis with the activations of all features.</summary>
    [JsonIgnore]
    public TextAnalysis Analysis { get; }

    /// <summary>The feature that shades the text, or null.</summary>
    [JsonIgnore]
    public int? Feature { get; }

    /// <summary>The model's name.</summary>
    public string Model => Analysis.Model;

    /// <summary>The dictionary's name.</summary>
    public string Dictionary => Analysis.Dictionary;

    /// <summary>Whose files it is made of.</summary>
    public string Family => Analysis.Family;

    /// <summary>Features of the dictionary.</summary>
    public int Width => Analysis.Width;

    /// <summary>The sites it reads.</summary>
    public IReadOnlyList<string> InputSites => Analysis.InputSites;

    /// <summary>The sites it writes; FVU is measured there.</summary>
    public IReadOnlyList<string> OutputSites => Analysis.OutputSites;

    /// <summary>How the model's products were computed: exact or fast.</summary>
    public string Arithmetic => Analysis.Arithmetic;

    /// <summary>The dense kernels that computed them.</summary>
    public string Kernels => Analysis.Kernels;

    /// <summary>The types that the model's matrices are quantised to, most bytes first; empty where they are not.</summary>
    public IReadOnlyList<string> Quantised => Analysis.Quantised;

    /// <summary>What the user should know about the dictionary, with what does not fit.</summary>
    public IReadOnlyList<string> Warnings => [.. Analysis.Warnings, .. CheckWarnings];

    /// <summary>What the check of the dictionary has found, a sentence each; part of <see cref="Warnings"/>.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> CheckWarnings { get; init; } = [];

    /// <summary>The text.</summary>
    public string Text => Analysis.Text;

    /// <summary>The positions left out of all sums and means.</summary>
    public IReadOnlyList<int> ExcludedPositions => Analysis.ExcludedPositions;

    /// <summary>Mean number of active features over the counted positions.</summary>
    public double? MeanL0 => Analysis.MeanL0;

    /// <summary>Fraction of variance unexplained over the counted positions (METHODS §2.9).</summary>
    public double? Fvu => Analysis.Fvu;

    /// <summary>The tutorial's variance explained, for comparison only.</summary>
    public double? TutorialVarianceExplained => Analysis.TutorialVarianceExplained;

    /// <summary>‖x‖ at position 0.</summary>
    public double BosNorm => Analysis.BosNorm;

    /// <summary>Mean ‖x‖ over the counted positions.</summary>
    public double? MeanNorm => Analysis.MeanNorm;

    /// <summary>Each token.</summary>
    public IReadOnlyList<AnalyzedToken> Tokens { get; }

    /// <summary>The features with the largest sums over the counted positions.</summary>
    public IReadOnlyList<TextFeature> WholeTextTop { get; }

    /// <summary>The most likely next tokens, best first.</summary>
    public IReadOnlyList<AnalyzedNext> NextTokens =>
        [.. Analysis.Next.Select(next => new AnalyzedNext(next.Id, next.Piece, next.Logit, next.Probability))];

    /// <summary>For each token from 0 to 1 how strongly it is shaded: by the chosen feature, else by its own first one, relative to the
    /// strongest of the text. Tokens that do not count have no shade, so that the outlier at BOS does not pale all others.</summary>
    public IReadOnlyList<float> Shades() => Shades(Feature);

    /// <summary>The same for another feature; null for each token's strongest.</summary>
    /// <param name="feature">Index in the dictionary.</param>
    public IReadOnlyList<float> Shades(int? feature)
    {
        var values = feature is { } one ? Values(one) : Analysis.FirstShades;
        var largest = values.Max();
        return [.. values.Select(value => largest > 0 ? Math.Max(value, 0) / largest : 0)];
    }

    private AnalyzedToken Token(TokenReport token) =>
        new(
            token.Position,
            token.Id,
            token.Piece,
            token.Start,
            token.End,
            token.Counted,
            token.L0,
            token.Norm,
            [
                .. token.Top.Select(one => new TokenFeature(
                    one.Index,
                    one.Activation,
                    one.Label,
                    Page(one),
                    one.Neuronpedia,
                    Score(one),
                    one.Meaning?.Density
                )),
            ]
        )
        {
            Text = TextOf(token),
            Chosen = Feature is { } feature
                ? new Dictionary<string, object> { [$"feature_{feature}"] = Analysis.Features.Value(token.Position, feature) }
                : null,
        };

    private TextFeature Whole(FeatureReport one)
    {
        var values = Values(one.Index);
        var largest = values.Max();
        return new(
            one.Index,
            one.Activation,
            one.Label,
            Page(one),
            one.Neuronpedia,
            largest,
            Array.IndexOf(values, largest),
            values.Count(value => value > 0),
            Score(one),
            one.Meaning?.Density
        );
    }

    /// <summary>The score belongs to the label that is known; one from a file of labels has none.</summary>
    private static double? Score(FeatureReport one) => one.Meaning is { } meaning && meaning.Label == one.Label ? meaning.Score : null;

    private string Page(FeatureReport feature) =>
        _server.IsAbsoluteUri ? new Uri(_server, feature.Page).ToString() : _server.OriginalString.TrimEnd('/') + feature.Page;

    private float[] Values(int feature) =>
        [.. Analysis.Tokens.Select(token => token.Counted ? Analysis.Features.Value(token.Position, feature) : 0)];

    private string TextOf(TokenReport token)
    {
        var shared =
            token.Position > 0
            && Analysis.Tokens[token.Position - 1].Start == token.Start
            && Analysis.Tokens[token.Position - 1].End == token.End;
        return token is { Start: { } start, End: { } end } && end > start && !shared ? Analysis.Text[start..end] : token.Display;
    }
}
