using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>What a graph is called where it is exchanged.</summary>
public sealed record GraphNaming
{
    /// <summary>Its name in addresses.</summary>
    public required string Slug { get; init; }

    /// <summary>The model, as viewers name it.</summary>
    public required string Scan { get; init; }

    /// <summary>The text of a token.</summary>
    public required Func<int, string> TokenText { get; init; }

    /// <summary>The transcoders, as their names or paths.</summary>
    public IReadOnlyList<string> Transcoders { get; init; } = [];

    /// <summary>The settings it was made with, by the names that circuit-tracer gives them; those of the top logits where nothing else is
    /// said.</summary>
    public IReadOnlyDictionary<string, double> Settings { get; init; } =
        new Dictionary<string, double> { ["max_n_logits"] = 10, ["desired_logit_prob"] = 0.95 };

    /// <summary>The label of a feature; null for none.</summary>
    public Func<ActiveFeature, string?>? Label { get; init; }

    /// <summary>What else is said of it, in the metadata's <c>info</c>.</summary>
    public IReadOnlyDictionary<string, JsonElement> Info { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>How each target is named where a graph is asked for, which is written beside targets that are no tokens; null for no
    /// name, none for none.</summary>
    public IReadOnlyList<string?> TargetNames { get; init; } = [];

    /// <summary>When it was made; null to leave that out.</summary>
    public DateTimeOffset? Created { get; init; }
}

/// <summary>
/// Writes a pruned graph in the public form. Ids are those of circuit-tracer, but for one: the error of layer k and feature k of layer 0
/// would share 0_k_position, and where both are in a graph the error is called error_k_position.
/// </summary>
internal sealed class GraphExport(PrunedGraph pruned, GraphNaming naming)
{
    private readonly AttributionGraph _graph = pruned.Graph;
    private readonly HashSet<string> _taken = [];

    public GraphDocument Document()
    {
        var ids = new Dictionary<int, string>();
        // Features come first and keep their ids.
        foreach (var node in pruned.Nodes)
            ids[node] = Unique(node);
        return new GraphDocument
        {
            Metadata = Metadata(),
            View = new(),
            Nodes = [.. pruned.Nodes.Select(node => Node(node, ids[node]))],
            Links = [.. pruned.Edges.Select(edge => new GraphLink(ids[edge.Source], ids[edge.Target], Rounded(edge.Weight)))],
        };
    }

    private GraphMetadata Metadata()
    {
        var tokens = _graph.Model.Prompt.Select(naming.TokenText).ToArray();
        var others = new JsonObject
        {
            ["transcoder_list"] = new JsonArray([.. naming.Transcoders.Select(name => (JsonNode)name)]),
            ["node_threshold"] = pruned.NodeShare,
            ["generation_settings"] = new JsonObject([
                .. naming.Settings.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)),
            ]),
            ["pruning_settings"] = new JsonObject { ["node_threshold"] = pruned.NodeShare, ["edge_threshold"] = pruned.EdgeShare },
            ["info"] = Info(),
        };
        return new GraphMetadata
        {
            Slug = naming.Slug,
            Scan = naming.Scan,
            PromptTokens = tokens,
            Prompt = string.Concat(tokens),
            SchemaVersion = 1,
            Others = others.ToDictionary(pair => pair.Key, pair => JsonSerializer.SerializeToElement(pair.Value)),
        };
    }

    /// <summary>Who made it, and what tells how far it can be trusted.</summary>
    private JsonObject Info()
    {
        var info = new JsonObject
        {
            ["generator"] = new JsonObject
            {
                ["name"] = "GemmaScope for .NET",
                ["version"] = typeof(GraphExport).Assembly.GetName().Version?.ToString(3),
            },
            ["replacement_score"] = Number(_graph.ReplacementScore),
            ["completeness_score"] = Number(_graph.CompletenessScore),
            ["identity_error"] = Number(_graph.IdentityError),
            ["identity_holds"] = _graph.IsComplete,
            ["zero_positions"] = _graph.Model.ZeroPositions,
            ["layers_without_transcoder"] = new JsonArray([.. _graph.Model.Transcoders.MissingLayers.Select(layer => (JsonNode)layer)]),
        };
        foreach (var (name, value) in naming.Info)
            info[name] = JsonSerializer.SerializeToNode(value);
        if (naming.Created is { } created)
            info["create_time_ms"] = created.ToUnixTimeMilliseconds();
        return info;
    }

    private GraphDocumentNode Node(int number, string id)
    {
        var node = _graph.Node(number);
        var target = node.Kind == GraphNodeKind.Target ? _graph.Targets[node.Index] : null;
        var feature = node.Kind == GraphNodeKind.Feature ? _graph.Feature(number) : default;
        return new GraphDocumentNode
        {
            NodeId = id,
            Feature = node.Kind switch
            {
                GraphNodeKind.Feature => FeatureNumber.Of(node.Layer, node.Index),
                GraphNodeKind.Error => -1,
                GraphNodeKind.Token => node.Position,
                _ => target is { Kind: CircuitTargetKind.Logit } ? target.Token : null,
            },
            Layer = node.Kind switch
            {
                GraphNodeKind.Token => "E",
                GraphNodeKind.Target => Text(_graph.Model.Layers + 1),
                _ => Text(node.Layer),
            },
            Position = node.Position,
            FeatureType = node.Kind switch
            {
                GraphNodeKind.Feature => GraphDocumentNode.FeatureNode,
                GraphNodeKind.Error => GraphDocumentNode.ErrorNode,
                GraphNodeKind.Token => GraphDocumentNode.TokenNode,
                _ => GraphDocumentNode.TargetNode,
            },
            JsNodeId = node.Kind switch
            {
                GraphNodeKind.Feature => $"{Text(node.Layer)}_{Text(node.Index)}-0",
                GraphNodeKind.Error => $"{Text(node.Layer)}_{Text(node.Position)}-0",
                GraphNodeKind.Token => $"E_{Text(node.Index)}-{Text(node.Position)}",
                _ =>
                    $"L_{(target!.Kind == CircuitTargetKind.Logit ? Text(target.Token!.Value) : $"target{Text(node.Index)}")}-{Text(node.Position)}",
            },
            Label = node.Kind switch
            {
                GraphNodeKind.Feature => naming.Label?.Invoke(feature) ?? "",
                GraphNodeKind.Target => Label(target!),
                _ => "",
            },
            Influence = node.Kind == GraphNodeKind.Target ? null : Rounded(pruned.CumulativeInfluence[number]),
            Activation = node.Kind == GraphNodeKind.Feature ? Rounded(feature.Activation) : null,
            Probability = target is { Kind: CircuitTargetKind.Logit } ? Rounded(Probability(target)) : 0,
            IsTarget = node.Kind == GraphNodeKind.Target && node.Index == 0,
            Others = target is { Kind: not CircuitTargetKind.Logit }
                ? Others(target, naming.TargetNames.ElementAtOrDefault(node.Index))
                : null,
        };
    }

    /// <summary>What tells which target it is, of one that is no token; null where nothing does.</summary>
    private static Dictionary<string, JsonElement>? Others(CircuitTarget target, string? name)
    {
        var others = new Dictionary<string, JsonElement>();
        if (name is not null)
            others[GraphDocumentNode.TargetName] = JsonSerializer.SerializeToElement(name);
        if (target is { Kind: CircuitTargetKind.Difference, Token: { } token, Over: { } over })
            others[GraphDocumentNode.TargetTokens] = JsonSerializer.SerializeToElement(new[] { token, over });
        return others.Count > 0 ? others : null;
    }

    /// <summary>Of the token of a logit; its weight may be another number. Elsewhere than at the end nobody knows it.</summary>
    private double Probability(CircuitTarget target) =>
        target.Position is null
            ? Math.Exp(-ModelRun.Surprise(_graph.Model.LastLogits[.._graph.Model.Model.Config.RealVocabulary], target.Token!.Value))
            : 0;

    private string Label(CircuitTarget target) =>
        target is { Kind: CircuitTargetKind.Logit, Token: { } token }
            ? string.Create(CultureInfo.InvariantCulture, $"Output \"{naming.TokenText(token)}\" (p={Probability(target):0.000})")
            : target.Name;

    private string Unique(int number)
    {
        var node = _graph.Node(number);
        string[] names = node.Kind switch
        {
            GraphNodeKind.Feature => [$"{Text(node.Layer)}_{Text(node.Index)}_{Text(node.Position)}"],
            GraphNodeKind.Error => [$"0_{Text(node.Layer)}_{Text(node.Position)}", $"error_{Text(node.Layer)}_{Text(node.Position)}"],
            GraphNodeKind.Token => [$"E_{Text(node.Index)}_{Text(node.Position)}"],
            _ => TargetNames(node),
        };
        return names.First(_taken.Add);
    }

    private string[] TargetNames(GraphNode node)
    {
        var (target, other) = (_graph.Targets[node.Index], $"target_{Text(node.Index)}_{Text(node.Position)}");
        return target.Kind == CircuitTargetKind.Logit
            ? [$"{Text(_graph.Model.Layers + 1)}_{Text(target.Token!.Value)}_{Text(node.Position)}", other]
            : [other];
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static JsonNode? Number(double value) => double.IsFinite(value) ? Rounded(value) : null;

    /// <summary>Nine digits, as an f32 needs.</summary>
    private static double Rounded(double value) =>
        double.Parse(value.ToString("G9", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
