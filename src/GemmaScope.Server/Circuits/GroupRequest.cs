using System.Globalization;
using System.Text.Json.Serialization;
using GemmaScope.Circuits;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Circuits;

/// <summary>Features of a graph among which groups are looked for.</summary>
/// <param name="Nodes">The features.</param>
/// <param name="Text">The prompt; BOS is put in front.</param>
/// <param name="Tokens">Or its tokens, BOS included.</param>
/// <param name="Threshold">How much alike they must be.</param>
/// <param name="AcrossPositions">Whether features of different positions may come together.</param>
/// <param name="Controls">Random groups that each is compared with, 1 to 99.</param>
internal sealed record GroupRequest(
    IReadOnlyList<GroupNode> Nodes,
    string? Text = null,
    IReadOnlyList<int>? Tokens = null,
    double Threshold = 0.5,
    bool AcrossPositions = false,
    int Controls = 19
)
{
    private const int MostNodes = 3000,
        MostControls = 99;

    /// <summary>Tokens of the texts that are read, and features that are looked at: a person waits for it.</summary>
    private const int TextTokens = 10_000,
        MostFeatures = 200;

    /// <summary>What is to be done.</summary>
    /// <param name="prompt">The texts of the prompt's tokens.</param>
    /// <param name="circuits">The model.</param>
    /// <exception cref="ArgumentProblemException">A number is out of range.</exception>
    public CircuitSupernodesJobOptions Options(IReadOnlyList<string> prompt, CircuitModel circuits)
    {
        if (Nodes.Count is 0 or > MostNodes || Nodes.Any(node => node?.Id is null))
            throw new ArgumentProblemException($"name 1 to {MostNodes} features", "nodes");
        if (Controls is < 1 or > MostControls)
            throw new ArgumentProblemException($"must be from 1 to {MostControls}", "controls");
        foreach (var node in Nodes)
        {
            if (node.Layer is < 0 or > short.MaxValue || node.Feature is < 0 or > int.MaxValue)
                throw new ArgumentProblemException($"feature {node.Feature} of layer {node.Layer} is none", "nodes");
            if (node.Position < 0 || node.Position >= prompt.Count)
                throw new ArgumentProblemException($"position {node.Position} is outside the prompt of {prompt.Count} tokens", "nodes");
        }
        var standard = new CircuitSupernodesJobOptions { Circuit = new() { Text = "" } };
        return standard with
        {
            Circuit = new() { Text = "", Transcoders = circuits.Paths },
            Graph = Graph(prompt),
            Texts = standard.Texts with { Tokens = TextTokens },
            Groups = new()
            {
                Threshold = Threshold,
                AcrossPositions = AcrossPositions,
                Controls = Controls,
                MostFeatures = MostFeatures,
            },
            Known = circuits.Served.Features,
        };
    }

    /// <summary>The features as a graph of no edges; without a version of the schema the number of a feature is its index.</summary>
    private GraphDocument Graph(IReadOnlyList<string> prompt) =>
        new()
        {
            Metadata = new()
            {
                Slug = "prompt",
                Scan = "features",
                Prompt = string.Concat(prompt),
                PromptTokens = prompt,
            },
            View = new(),
            Nodes =
            [
                .. Nodes
                    .DistinctBy(node => node.Id)
                    .Select(node => new GraphDocumentNode
                    {
                        NodeId = node.Id,
                        Feature = node.Feature,
                        Layer = node.Layer.ToString(CultureInfo.InvariantCulture),
                        Position = node.Position,
                        FeatureType = GraphDocumentNode.FeatureNode,
                        JsNodeId = "",
                        Label = node.Label ?? "",
                    }),
            ],
            Links = [],
        };
}

/// <summary>A feature of a graph.</summary>
/// <param name="Id">Its id in the graph.</param>
/// <param name="Layer">Its layer.</param>
/// <param name="Feature">Its index.</param>
/// <param name="Position">Where it fires.</param>
/// <param name="Label">What it is about, if the graph says so.</param>
internal sealed record GroupNode(string Id, int Layer, long Feature, int Position, string? Label = null);

/// <summary>How far it is, and at the end what was found.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="Done">How much of it.</param>
/// <param name="Total">How much there is.</param>
/// <param name="Unit">Of what.</param>
/// <param name="Note">Something to know.</param>
/// <param name="Found">The groups.</param>
/// <param name="Problem">Why there are none, where that was found out late.</param>
internal sealed record GroupReport(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Stage = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Done = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Total = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Unit = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] CircuitSupernodesResult? Found = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Problem = null
)
{
    /// <summary>What a job reports.</summary>
    public static GroupReport Of(JobReport report) =>
        report switch
        {
            JobStage stage => new(stage.Name, stage.Done, stage.Total, stage.Unit),
            JobNote note => new(Note: note.Text),
            _ => new(),
        };
}
