using System.Text.Json.Serialization;
using GemmaScope.Circuits;
using GemmaScope.Models;

namespace GemmaScope.Server.Circuits;

/// <summary>Features of a prompt's circuit given other activations.</summary>
/// <param name="Changes">What is changed.</param>
/// <param name="Text">The prompt; BOS is put in front.</param>
/// <param name="Tokens">Or its tokens, BOS included.</param>
/// <param name="Mode">What stays as it was: nothing (free), attention patterns (attention_frozen), or norms and MLPs too
/// (constrained).</param>
/// <param name="Targets">Ids of the tokens whose logits are measured; absent: the most likely.</param>
/// <param name="Over">Of each of them the token whose logit is subtracted, -1 for none; absent: of none.</param>
/// <param name="MaxTokens">Tokens of the texts that are written with and without the change, 0 to 256.</param>
/// <param name="Temperature">0 for the most likely token.</param>
/// <param name="Seed">The same seed gives the same texts.</param>
internal sealed record InterveneRequest(
    IReadOnlyList<InterveneChange> Changes,
    string? Text = null,
    IReadOnlyList<int>? Tokens = null,
    InterventionMode Mode = InterventionMode.Free,
    IReadOnlyList<int>? Targets = null,
    IReadOnlyList<int>? Over = null,
    int MaxTokens = InterveneRequest.DefaultTokens,
    double Temperature = 0,
    int Seed = 16
)
{
    public const int DefaultTokens = 24,
        MostTokens = 256,
        MostChanges = 256,
        MostTargets = 32;

    /// <summary>What is measured: tokens, and those that are subtracted.</summary>
    [JsonIgnore]
    public IReadOnlyList<(int Token, int? Over)> Measured =>
        [.. (Targets ?? []).Select((token, i) => (token, Over is not null && Over[i] >= 0 ? Over[i] : (int?)null))];

    /// <summary>What is changed.</summary>
    /// <exception cref="ArgumentProblemException">A number is out of range.</exception>
    public IReadOnlyList<FeatureChange> Check(int words)
    {
        if (Changes.Count is 0 or > MostChanges || Changes.Contains(null!))
            throw new ArgumentProblemException($"name 1 to {MostChanges} features", "changes");
        if (MaxTokens is < 0 or > MostTokens)
            throw new ArgumentProblemException($"must be from 0 to {MostTokens}", "max_tokens");
        if (Targets is { Count: > MostTargets } || Targets?.Any(token => token < 0 || token >= words) == true)
            throw new ArgumentProblemException($"must be at most {MostTargets} tokens from 0 to {words - 1}", "targets");
        if (Over is not null && (Over.Count != (Targets?.Count ?? 0) || Over.Any(token => token < -1 || token >= words)))
            throw new ArgumentProblemException($"must be a token from 0 to {words - 1} for each of the targets, or -1", "over");
        return [.. Changes.Select(one => one.Change())];
    }
}

/// <summary>One feature and what becomes of it.</summary>
/// <param name="Layer">Its layer.</param>
/// <param name="Feature">Its index.</param>
/// <param name="Position">Where; absent: everywhere, also in what is written.</param>
/// <param name="Factor">What its activation is multiplied by; absent with no value: 0, which turns it off.</param>
/// <param name="Value">Or the activation it gets.</param>
internal sealed record InterveneChange(int Layer, int Feature, int? Position = null, double? Factor = null, double? Value = null)
{
    private const double Largest = 1e6;

    /// <summary>The change.</summary>
    /// <exception cref="ArgumentProblemException">It has both a factor and a value, or one out of range.</exception>
    public FeatureChange Change()
    {
        if (Factor is not null && Value is not null)
            throw new ArgumentProblemException("give a factor or a value", "changes");
        if (!(Math.Abs(Factor ?? Value ?? 0) <= Largest))
            throw new ArgumentProblemException($"a factor or value must be from {-Largest} to {Largest}", "changes");
        if (Position < 0)
            throw new ArgumentProblemException($"position {Position} is none", "changes");
        Positions? where = Position is { } at ? Positions.At(at) : null;
        return Value is { } value
            ? FeatureChange.Clamp(Layer, Feature, value, where)
            : FeatureChange.Scale(Layer, Feature, Factor ?? 0, where);
    }
}

/// <summary>What a change did, or a few more words of one of the two texts.</summary>
/// <param name="Kind">effect, default or changed.</param>
/// <param name="Text">What comes next of a text.</param>
/// <param name="Kl">KL(default ‖ changed) of the next token in nats.</param>
/// <param name="Next">The most likely next tokens.</param>
/// <param name="Targets">The logits that were asked about.</param>
internal sealed record IntervenePiece(
    string Kind,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Text = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Kl = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ShiftedToken>? Next = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ShiftedTarget>? Targets = null
);

/// <summary>A token that may come next.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Piece">Its piece.</param>
/// <param name="Before">How likely it was.</param>
/// <param name="After">How likely it is.</param>
internal sealed record ShiftedToken(int Id, string Piece, double Before, double After);

/// <summary>A logit, minus the mean of all or another.</summary>
/// <param name="Id">Its token.</param>
/// <param name="Piece">The token's piece.</param>
/// <param name="Over">The token of the other; absent for none.</param>
/// <param name="OverPiece">Its piece.</param>
/// <param name="Before">Before the change.</param>
/// <param name="After">After it.</param>
/// <param name="Predicted">The change that the edges from the features to the logit say; null where a feature is turned on that does not
/// fire.</param>
internal sealed record ShiftedTarget(
    int Id,
    string Piece,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Over,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? OverPiece,
    double Before,
    double After,
    double? Predicted
);
