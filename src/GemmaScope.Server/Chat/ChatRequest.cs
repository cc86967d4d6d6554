using System.Text.Json.Serialization;
using GemmaScope.Features;
using GemmaScope.Server.Pages;

namespace GemmaScope.Server.Chat;

/// <summary>
/// A conversation in two columns, of which the last turn is answered: as the model does, and with features or directions turned up or
/// down. All of it is in the request, for the server keeps nothing.
/// </summary>
/// <param name="Turns">What was said, the first first. Where the last turn has its replies it is only read.</param>
/// <param name="Dictionary">The dictionary that names the strongest features, by its name in addresses; the first where none is given.</param>
/// <param name="Features">The features that are steered, of any dictionary in memory.</param>
/// <param name="Directions">The directions that are watched, each with a strength of 0 where it is only watched; all where none is
/// given.</param>
/// <param name="Mode">How features are steered: add, clamp, ablate and so on.</param>
/// <param name="Seed">The same seed gives the same replies; both columns begin with it.</param>
/// <param name="Temperature">0 for the most likely token.</param>
/// <param name="MaxTokens">New tokens of a reply at most, its thoughts included, to 2048.</param>
/// <param name="Thinking">Whether the model is to think before it answers, where its template knows that.</param>
internal sealed record ChatRequest(
    IReadOnlyList<ChatExchange> Turns,
    string? Dictionary = null,
    IReadOnlyList<ChatFeature>? Features = null,
    IReadOnlyList<ChatDirection>? Directions = null,
    string Mode = SteerRequest.DefaultMode,
    int Seed = SteerRequest.DefaultSeed,
    double Temperature = ChatRequest.DefaultTemperature,
    int MaxTokens = ChatRequest.DefaultTokens,
    bool Thinking = false
)
{
    public const int MostTurns = 64,
        MostTokens = 2048,
        DefaultTokens = 128,
        LongestMessage = Pages.TextReader.LongestText,
        LongestReply = 16 * MostTokens,
        MostFeatures = SteerRequest.MostFeatures;

    public const double DefaultTemperature = 0.7,
        LargestStrength = SteerRequest.LargestStrength;
}

/// <summary>What was said in a turn.</summary>
/// <param name="User">What the user says.</param>
/// <param name="Normal">What the model replied; null in the last turn where it is to be answered.</param>
/// <param name="Steered">What it replied steered; null where nothing was steered: then it is the same.</param>
/// <param name="NormalThinking">What the model thought before it replied; null where it did not.</param>
/// <param name="SteeredThinking">What it thought steered.</param>
internal sealed record ChatExchange(
    string User,
    string? Normal = null,
    string? Steered = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? NormalThinking = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? SteeredThinking = null
);

/// <summary>A feature that is steered.</summary>
/// <param name="Dictionary">Its dictionary's name in addresses.</param>
/// <param name="Feature">The feature.</param>
/// <param name="Strength">−300 to 300; without meaning for modes that have none.</param>
internal sealed record ChatFeature(string Dictionary, int Feature, double Strength = SteerRequest.DefaultStrength);

/// <summary>A direction that is watched, and perhaps added.</summary>
/// <param name="Name">Its name on this server.</param>
/// <param name="Strength">−300 to 300: how often it is added at its site; 0 where it is only watched.</param>
/// <param name="StopAbove">A reply ends at the token whose projection is above this; null: it ends nothing.</param>
internal sealed record ChatDirection(string Name, double Strength = 0, double? StopAbove = null);

/// <summary>A few more words of a reply, or at the end what was read.</summary>
/// <param name="Kind">normal or steered; read at the end.</param>
/// <param name="Text">What comes next of the answer.</param>
/// <param name="Ended">Why the reply has ended, with its last piece: end, max_tokens, context or direction.</param>
/// <param name="Reason">Which direction ended it, and how far the reply went along it.</param>
/// <param name="Along">Projections on the directions of the tokens that the model has read of its reply, by their names.</param>
/// <param name="Read">What the model held while it read and wrote this turn, at the end.</param>
/// <param name="Thinking">What comes next of the thoughts; null for nothing.</param>
internal sealed record ChatPiece(
    string Kind,
    string Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Ended = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, IReadOnlyList<float>>? Along = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ChatReading? Read = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Thinking = null
)
{
    public const string Normal = "normal",
        Steered = "steered",
        NormalThinking = "normal_thinking",
        SteeredThinking = "steered_thinking",
        Reading = "read";
}

/// <summary>What was found in the messages of a turn.</summary>
/// <param name="User">In what the user said, as the model reads it unsteered.</param>
/// <param name="Normal">In the reply.</param>
/// <param name="Steered">In the steered reply, while it is steered; null where nothing is steered.</param>
/// <param name="NormalThinking">In the thoughts before the reply; null where there are none.</param>
/// <param name="SteeredThinking">In those before the steered reply.</param>
internal sealed record ChatReading(
    MessageReading User,
    MessageReading Normal,
    MessageReading? Steered,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] MessageReading? NormalThinking = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] MessageReading? SteeredThinking = null
);

/// <summary>What was found in one message.</summary>
/// <param name="Tokens">Its tokens, as the vocabulary has them.</param>
/// <param name="Features">The features with the largest sums, those that tell most first where the database knows them.</param>
/// <param name="Projections">The directions that are watched.</param>
internal sealed record MessageReading(
    IReadOnlyList<string> Tokens,
    IReadOnlyList<FeatureReport> Features,
    IReadOnlyList<ChatProjection> Projections
);

/// <summary>How far each token of a message lies along a direction.</summary>
/// <param name="Direction">The direction's name.</param>
/// <param name="Mean">Mean over the tokens; null where there is none.</param>
/// <param name="Values">x · v / ‖v‖ at each token.</param>
internal sealed record ChatProjection(string Direction, double? Mean, IReadOnlyList<float> Values);
