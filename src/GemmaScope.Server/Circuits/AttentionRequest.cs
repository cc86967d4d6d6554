using System.Text.Json.Serialization;
using GemmaScope.Circuits;

namespace GemmaScope.Server.Circuits;

/// <summary>Why a head looks where it looks.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Head">The head.</param>
/// <param name="Text">The prompt; BOS is put in front.</param>
/// <param name="Tokens">Or its tokens, BOS included.</param>
/// <param name="Query">The position that looks; absent: the last.</param>
/// <param name="Key">The position that is looked at, whose score is taken apart; absent: none is.</param>
/// <param name="Top">Pairs that are named, 0 to 100.</param>
internal sealed record AttentionRequest(
    int Layer,
    int Head,
    string? Text = null,
    IReadOnlyList<int>? Tokens = null,
    int? Query = null,
    int? Key = null,
    int Top = 12
)
{
    public const int MostPairs = 100;
}

/// <summary>Where a head looks, and why.</summary>
/// <param name="Tokens">The texts of the tokens.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Layers">Layers there are.</param>
/// <param name="Head">The head.</param>
/// <param name="Query">The position that looks.</param>
/// <param name="Heads">Of each head of the layer the part of its attention that the query gives to each position.</param>
/// <param name="Pattern">Of the head the same for each position that looks; null for long prompts.</param>
/// <param name="Score">The score that was taken apart.</param>
internal sealed record AttentionAnswer(
    IReadOnlyList<string> Tokens,
    int Layer,
    int Layers,
    int Head,
    int Query,
    IReadOnlyList<float[]> Heads,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<float[]>? Pattern,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ExplainedScore? Score
);

/// <summary>A score as the sum of pairs.</summary>
/// <param name="Key">The position that is looked at.</param>
/// <param name="Weight">The part of its attention that the query gives to it.</param>
/// <param name="Score">The score before the soft-max and any cap.</param>
/// <param name="CappedScore">The same after the cap.</param>
/// <param name="Error">How far all pairs are from adding up to the score.</param>
/// <param name="PairCount">Number of pairs.</param>
/// <param name="Pairs">The strongest.</param>
internal sealed record ExplainedScore(
    int Key,
    double Weight,
    double Score,
    double CappedScore,
    double Error,
    long PairCount,
    IReadOnlyList<ExplainedPair> Pairs
);

/// <summary>What a source of the query and one of the key add to the score together.</summary>
internal sealed record ExplainedPair(ExplainedSource Query, ExplainedSource Key, double Value);

/// <summary>A source of a query or key.</summary>
/// <param name="Kind">token, feature, error, bias or constant.</param>
/// <param name="Layer">Layer of a feature or error; −1 for others.</param>
/// <param name="Position">Position; −1 for biases and constants.</param>
/// <param name="Index">The feature's index, the token's id; −1 for others.</param>
/// <param name="Label">What the database calls a feature.</param>
/// <param name="Card">The address of its card.</param>
internal sealed record ExplainedSource(
    QueryKeySourceKind Kind,
    int Layer,
    int Position,
    int Index,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Label,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Card
);
