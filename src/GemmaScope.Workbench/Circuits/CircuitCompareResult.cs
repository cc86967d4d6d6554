using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>A node of one of two graphs.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Layer">Layer of a feature or error; −1 for tokens.</param>
/// <param name="Index">The feature's index or the token's id; −1 for errors.</param>
/// <param name="Position">Its position in its prompt.</param>
/// <param name="Token">The token there.</param>
/// <param name="Activation">Of a feature.</param>
/// <param name="Share">Its share of the influence of all nodes of its graph; null where the budget left it out.</param>
public sealed record ComparedNode(GraphNodeKind Kind, int Layer, int Index, int Position, string Token, double? Activation, double? Share);

/// <summary>A node that both graphs have.</summary>
/// <param name="First">In the first.</param>
/// <param name="Second">In the second.</param>
/// <param name="ActivationChange">Second − first; null where it has none.</param>
/// <param name="ShareChange">Second − first; null where a budget left it out.</param>
public sealed record ComparedPair(ComparedNode First, ComparedNode Second, double? ActivationChange, double? ShareChange);

/// <summary>A target in both prompts.</summary>
/// <param name="Name">Its name.</param>
/// <param name="First">Its value in the first.</param>
/// <param name="Second">In the second.</param>
public sealed record ComparedTarget(string Name, double First, double Second);

/// <summary>One of two prompts.</summary>
/// <param name="Tokens">The texts of the tokens.</param>
/// <param name="ActiveFeatures">Features that fire.</param>
/// <param name="ReplacementScore">As of a graph.</param>
/// <param name="CompletenessScore">As of a graph.</param>
/// <param name="IdentityHolds">Whether its graph is complete.</param>
public sealed record ComparedPrompt(
    IReadOnlyList<string> Tokens,
    int ActiveFeatures,
    double ReplacementScore,
    double CompletenessScore,
    bool IdentityHolds
);

/// <summary>What <see cref="CircuitCompareJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Transcoders">Name of each transcoder.</param>
/// <param name="First">The first prompt.</param>
/// <param name="Second">The second.</param>
/// <param name="Targets">What both explain.</param>
/// <param name="SharedFeatures">Features that fire in both at positions that belong together.</param>
/// <param name="OnlyFirstCount">Nodes that are in the first alone.</param>
/// <param name="OnlySecondCount">Nodes that are in the second alone.</param>
/// <param name="OnlyFirst">The most influential of them.</param>
/// <param name="OnlySecond">The most influential of them.</param>
/// <param name="ChangedInfluence">Nodes of both whose share of the influence differs most.</param>
/// <param name="ChangedActivations">Features of both whose activation differs most.</param>
public sealed record CircuitCompareResult(
    string Model,
    IReadOnlyList<string> Transcoders,
    ComparedPrompt First,
    ComparedPrompt Second,
    IReadOnlyList<ComparedTarget> Targets,
    int SharedFeatures,
    int OnlyFirstCount,
    int OnlySecondCount,
    IReadOnlyList<ComparedNode> OnlyFirst,
    IReadOnlyList<ComparedNode> OnlySecond,
    IReadOnlyList<ComparedPair> ChangedInfluence,
    IReadOnlyList<ComparedPair> ChangedActivations
);
