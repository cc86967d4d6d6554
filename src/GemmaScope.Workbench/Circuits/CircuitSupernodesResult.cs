using System.Text.Json.Serialization;
using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitSupernodesJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Tokens">The texts of the prompt's tokens.</param>
/// <param name="Features">Features of the graph that were looked at.</param>
/// <param name="Unseen">Of these, different ones that fire too rarely in the texts to be grouped.</param>
/// <param name="TextTokens">Tokens of the texts.</param>
/// <param name="Texts">The texts.</param>
/// <param name="Mode">What stayed as it was while features were changed.</param>
/// <param name="Groups">The groups, validated ones first, then by their score.</param>
/// <param name="Graph">The graph, in whose saved view validated groups are supernodes.</param>
public sealed record CircuitSupernodesResult(
    string Model,
    IReadOnlyList<string> Tokens,
    int Features,
    int Unseen,
    long TextTokens,
    string Texts,
    InterventionMode Mode,
    IReadOnlyList<CircuitSupernode> Groups,
    [property: JsonIgnore] GraphDocument Graph
);

/// <summary>Features that were proposed as one, and what speaks for it; the figures are those of <see cref="ProposedSupernode"/>.</summary>
/// <param name="Name">From what their labels share, else the tokens that they promote.</param>
/// <param name="Members">The features.</param>
/// <param name="IsValidated">Whether they stand in for each other well enough, and better than random features.</param>
/// <param name="CoFiring">How alike they fire over the texts.</param>
/// <param name="EdgeSimilarity">How alike their edges are.</param>
/// <param name="StandIn">Which part of the effect of losing one the others make good.</param>
/// <param name="ControlMean">The same of random groups, on average.</param>
/// <param name="ControlMost">Of the best random group.</param>
/// <param name="Controls">How many random groups.</param>
/// <param name="BetterControls">How many of them did as well or better.</param>
/// <param name="Agreement">The mean cosine of the effects of two members.</param>
/// <param name="ControlAgreement">The same of random groups, on average.</param>
/// <param name="Joint">The effect of turning all off as a part of the sum of the effects of each alone.</param>
public sealed record CircuitSupernode(
    string Name,
    IReadOnlyList<CircuitSupernodeMember> Members,
    bool IsValidated,
    double CoFiring,
    double EdgeSimilarity,
    double StandIn,
    double? ControlMean,
    double? ControlMost,
    int Controls,
    int BetterControls,
    double Agreement,
    double? ControlAgreement,
    double Joint
);

/// <summary>A feature of such a group.</summary>
/// <param name="Node">Its id in the graph.</param>
/// <param name="Layer">Its layer.</param>
/// <param name="Feature">Its index.</param>
/// <param name="Position">Where it fires.</param>
/// <param name="Token">The token there.</param>
/// <param name="Label">What it is about, where that is known.</param>
public sealed record CircuitSupernodeMember(string Node, int Layer, int Feature, int Position, string Token, string? Label);
