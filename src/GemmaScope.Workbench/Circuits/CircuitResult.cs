using System.Text.Json.Serialization;
using GemmaScope.Circuits;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Transcoders">Name of each transcoder.</param>
/// <param name="LayersWithoutTranscoder">Layers whose whole MLP output is an error.</param>
/// <param name="Tokens">The texts of the tokens.</param>
/// <param name="ZeroPositions">Positions at the start that count as constants.</param>
/// <param name="ActiveFeatures">Features that fire in the prompt.</param>
/// <param name="Features">Those of them that are in the graph.</param>
/// <param name="KeptNodes">Nodes after pruning.</param>
/// <param name="KeptEdges">Edges after pruning.</param>
/// <param name="ReplacementScore">Share of the targets' weight that comes from tokens and not from errors.</param>
/// <param name="CompletenessScore">Share of the contributions to nodes, weighted by influence, that no error makes.</param>
/// <param name="IdentityError">The largest error of contributions + biases = value.</param>
/// <param name="IdentityHolds">Whether that is small enough for the graph to be called complete.</param>
/// <param name="Targets">What it explains.</param>
/// <param name="Graph">The pruned graph, as it is exchanged.</param>
/// <param name="Check">What interventions say of it; null where that was not asked for, or no feature fires.</param>
public sealed record CircuitResult(
    string Model,
    IReadOnlyList<string> Transcoders,
    IReadOnlyList<int> LayersWithoutTranscoder,
    IReadOnlyList<string> Tokens,
    int ZeroPositions,
    int ActiveFeatures,
    int Features,
    int KeptNodes,
    int KeptEdges,
    double ReplacementScore,
    double CompletenessScore,
    double IdentityError,
    bool IdentityHolds,
    IReadOnlyList<CircuitTargetResult> Targets,
    [property: JsonIgnore] GraphDocument Graph,
    GraphCheck? Check = null
);

/// <summary>A target and the strongest ways to it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Weight">How much it counts: the probability of a likely token.</param>
/// <param name="Value">Its value: the logit minus the mean logit, the difference of two, the pre-activation.</param>
/// <param name="Paths">The strongest paths, the strongest first.</param>
public sealed record CircuitTargetResult(string Name, double Weight, double Value, IReadOnlyList<CircuitPathResult> Paths);

/// <summary>A path through a graph.</summary>
/// <param name="Share">The part of the target's kept contributions that flows along it, at most 1.</param>
/// <param name="Steps">Its nodes, the first source first.</param>
public sealed record CircuitPathResult(double Share, IReadOnlyList<CircuitStep> Steps)
{
    /// <summary>Of a label on a path; a rule may name dozens of tokens.</summary>
    private const int LongestLabel = 48;

    /// <summary>On one line.</summary>
    public override string ToString() => string.Join(" → ", Steps.Select(step => step.Text));

    internal static CircuitPathResult Of(GraphDocument graph, GraphPath path) =>
        new(
            path.Share,
            [.. path.Nodes.Select((node, i) => new CircuitStep(node.NodeId, Text(graph, node), i == 0 ? null : path.Weights[i - 1]))]
        );

    /// <summary>A node for people.</summary>
    internal static string Text(GraphDocument graph, GraphDocumentNode node)
    {
        var token =
            node.Position >= 0 && node.Position < graph.Metadata.PromptTokens.Count ? graph.Metadata.PromptTokens[node.Position] : "";
        var place = $"at {node.Position} \"{token}\"";
        return node.Kind switch
        {
            GraphNodeKind.Token => $"\"{token}\" at {node.Position}",
            GraphNodeKind.Error => $"error of layer {node.Layer} {place}",
            GraphNodeKind.Target => node.Label.Length > 0 ? node.Label : node.NodeId,
            _ => graph.FeatureOf(node) is var (layer, index)
                ? $"feature {layer}/{index}{(node.Label.Length > 0 ? $" ({VisibleText.Short(node.Label, LongestLabel)})" : "")} {place}"
                : $"{node.NodeId} {place}",
        };
    }
}

/// <summary>A node on a path.</summary>
/// <param name="Node">Its id in the graph.</param>
/// <param name="Text">What it is.</param>
/// <param name="Weight">What the node before contributes to it; null for the first.</param>
public sealed record CircuitStep(string Node, string Text, double? Weight);
