using System.Text.Json;
using System.Text.Json.Serialization;
using GemmaScope.Files;

namespace GemmaScope.Circuits;

/// <summary>
/// An attribution graph as programs exchange it: the public JSON form of circuit-tracer and Neuronpedia. Whatever else such a file holds is
/// kept and written again.
/// </summary>
public sealed record GraphDocument
{
    /// <summary>Bytes of a file that is read, unpacked, at most.</summary>
    public const long LargestFile = 1L << 30;

    private static readonly string[] Endings = [".json", ".json.gz", ".json.zst", GraphFile.Ending];

    internal static readonly JsonSerializerOptions Form = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What it is of.</summary>
    [JsonPropertyName("metadata")]
    public required GraphMetadata Metadata { get; init; }

    /// <summary>The saved view: pinned nodes, supernodes …</summary>
    [JsonPropertyName("qParams")]
    public required GraphView View { get; init; }

    /// <summary>The nodes.</summary>
    [JsonPropertyName("nodes")]
    public required IReadOnlyList<GraphDocumentNode> Nodes { get; init; }

    /// <summary>The edges.</summary>
    [JsonPropertyName("links")]
    public required IReadOnlyList<GraphLink> Links { get; init; }

    /// <summary>What else stands beside them.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; init; }

    /// <summary>Whether a name is that of a graph file, by its ending.</summary>
    public static bool IsNameOfOne(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Endings.Any(ending => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Reads a graph of any program.</summary>
    /// <param name="path">A JSON file, packed (.gz, .zst) or not, or one in the form that is mapped (<see cref="GraphFile"/>).</param>
    /// <exception cref="FileFormatException">It is missing, cut short, larger than <see cref="LargestFile"/>, or no graph: the message says
    /// where.</exception>
    public static GraphDocument Read(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.EndsWith(GraphFile.Ending, StringComparison.OrdinalIgnoreCase))
        {
            using var file = GraphFile.Open(path);
            file.Verify();
            var whole = file.ToDocument();
            whole.Check(path);
            return whole;
        }
        var bytes = TextFile.Bytes(path, LargestFile);
        FileStandIn.Refuse(bytes, path);
        try
        {
            ReadOnlySpan<byte> text = bytes is [0xEF, 0xBB, 0xBF, ..] ? bytes.AsSpan(3) : bytes;
            var document =
                JsonSerializer.Deserialize<GraphDocument>(text, Form)
                ?? throw new FileFormatException("is null, and an attribution graph is needed", path);
            document.Check(path);
            return document;
        }
        catch (JsonException problem)
        {
            throw new FileFormatException($"is no attribution graph, or was cut short: {problem.Message}", path, problem);
        }
    }

    /// <summary>Writes the graph.</summary>
    /// <param name="path">The file to make; one whose name ends as those of <see cref="GraphFile"/> gets that form.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <exception cref="GemmaScopeException">It cannot be written.</exception>
    public void Write(string path, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.EndsWith(GraphFile.Ending, StringComparison.OrdinalIgnoreCase))
            GraphFile.Write(path, this, overwrite);
        else
            AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, this, Form), overwrite);
    }

    /// <summary>Layer and index of a feature node within its layer, or null where the node is none. Three ways of writing them are in use
    /// (the schema's version tells).</summary>
    public (int Layer, long Index)? FeatureOf(GraphDocumentNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.Kind != GraphNodeKind.Feature || node.Feature is not (>= 0 and var number) || !int.TryParse(node.Layer, out var layer))
            return null;
        if (Metadata.SchemaVersion >= 1)
            return (layer, FeatureNumber.Index(number));
        // Before that, graphs of Gemma 2 hold the layer and five digits, others the index alone.
        const long perLayer = 100_000;
        return Metadata.Scan.StartsWith("gemma-2", StringComparison.OrdinalIgnoreCase) && number / perLayer == layer
            ? (layer, number % perLayer)
            : (layer, number);
    }

    private void Check(string path)
    {
        if (Metadata is null || View is null || Nodes is null || Links is null)
            throw new FileFormatException("metadata, qParams, nodes and links must not be null", path);
        var known = new HashSet<string>(Nodes.Count);
        foreach (var node in Nodes)
            if (node?.NodeId is null || node.Layer is null || node.FeatureType is null || !known.Add(node.NodeId))
                throw new FileFormatException(
                    node?.NodeId is { } id ? $"node '{id}' is there twice, or lacks its layer or type" : "a node has no id",
                    path
                );
        foreach (var link in Links)
            if (link is null || !known.Contains(link.Source ?? "") || !known.Contains(link.Target ?? ""))
                throw new FileFormatException($"a link leads from '{link?.Source}' to '{link?.Target}', of which one is no node", path);
    }
}

/// <summary>What a graph is of.</summary>
public sealed record GraphMetadata
{
    /// <summary>Its name in addresses.</summary>
    [JsonPropertyName("slug")]
    public required string Slug { get; init; }

    /// <summary>The model, as the program names it.</summary>
    [JsonPropertyName("scan")]
    public required string Scan { get; init; }

    /// <summary>The texts of the tokens.</summary>
    [JsonPropertyName("prompt_tokens")]
    public required IReadOnlyList<string> PromptTokens { get; init; }

    /// <summary>The prompt.</summary>
    [JsonPropertyName("prompt")]
    public required string Prompt { get; init; }

    /// <summary>1 where <c>feature</c> holds layer and index as one number; absent in old graphs.</summary>
    [JsonPropertyName("schema_version")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? SchemaVersion { get; init; }

    /// <summary>What else is known of it.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; init; }
}

/// <summary>The saved view of a graph.</summary>
public sealed record GraphView
{
    /// <summary>Nodes of the pinned subgraph.</summary>
    [JsonPropertyName("pinnedIds")]
    public IReadOnlyList<string> PinnedIds { get; init; } = [];

    /// <summary>Groups of nodes: each a name and the ids of its nodes.</summary>
    [JsonPropertyName("supernodes")]
    public IReadOnlyList<JsonElement> Supernodes { get; init; } = [];

    /// <summary>Which links are shown.</summary>
    [JsonPropertyName("linkType")]
    public string LinkType { get; init; } = "both";

    /// <summary>The selected node.</summary>
    [JsonPropertyName("clickedId")]
    public string ClickedId { get; init; } = "";

    /// <summary>Where nodes of the subgraph stand.</summary>
    [JsonPropertyName("sg_pos")]
    public string Positions { get; init; } = "";

    /// <summary>What else is saved.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; init; }
}

/// <summary>An edge: what a source contributes to a target.</summary>
/// <param name="Source">Id of a node.</param>
/// <param name="Target">Id of a node.</param>
/// <param name="Weight">The contribution.</param>
public sealed record GraphLink(
    [property: JsonPropertyName("source"), JsonRequired] string Source,
    [property: JsonPropertyName("target"), JsonRequired] string Target,
    [property: JsonPropertyName("weight"), JsonRequired] double Weight
);
