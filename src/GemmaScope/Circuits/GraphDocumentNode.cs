using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GemmaScope.Circuits;

/// <summary>A node of a <see cref="GraphDocument"/>.</summary>
public sealed record GraphDocumentNode
{
    /// <summary><see cref="FeatureType"/> of features, errors, tokens and targets.</summary>
    public const string FeatureNode = "cross layer transcoder",
        ErrorNode = "mlp reconstruction error",
        TokenNode = "embedding",
        TargetNode = "logit";

    /// <summary>Fields of targets that are no tokens: their name where a graph is asked for, and of a difference both tokens.</summary>
    internal const string TargetName = "target",
        TargetTokens = "target_tokens";

    /// <summary>Its name within the graph.</summary>
    [JsonPropertyName("node_id")]
    public required string NodeId { get; init; }

    /// <summary>Layer and index of a feature in one number (<see cref="GraphDocument.FeatureOf"/>), a token's position, a logit's token; −1
    /// for errors.</summary>
    [JsonPropertyName("feature")]
    [JsonRequired]
    public long? Feature { get; init; }

    /// <summary>A layer's number; E for tokens; for targets one more than the number of layers.</summary>
    [JsonPropertyName("layer")]
    [JsonConverter(typeof(TextOrNumber))]
    public required string Layer { get; init; }

    /// <summary>Position.</summary>
    [JsonPropertyName("ctx_idx")]
    public required int Position { get; init; }

    /// <summary>What it is.</summary>
    [JsonPropertyName("feature_type")]
    public required string FeatureType { get; init; }

    /// <summary>A name that nodes of one feature share.</summary>
    [JsonPropertyName("jsNodeId")]
    public required string JsNodeId { get; init; }

    /// <summary>A label.</summary>
    [JsonPropertyName("clerp")]
    public required string Label { get; init; }

    /// <summary>The share of all influence that this node and the stronger ones have.</summary>
    [JsonPropertyName("influence")]
    public double? Influence { get; init; }

    /// <summary>Activation of a feature.</summary>
    [JsonPropertyName("activation")]
    public double? Activation { get; init; }

    /// <summary>Probability of a logit's token.</summary>
    [JsonPropertyName("token_prob")]
    public double Probability { get; init; }

    /// <summary>Whether it is the first target.</summary>
    [JsonPropertyName("is_target_logit")]
    public bool IsTarget { get; init; }

    /// <summary>Always 0.</summary>
    [JsonPropertyName("run_idx")]
    public int Run { get; init; }

    /// <summary>Always 0.</summary>
    [JsonPropertyName("reverse_ctx_idx")]
    public int ReversePosition { get; init; }

    /// <summary>What else is said of it.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; init; }

    /// <summary>What it is; kinds that other programs add count as features.</summary>
    [JsonIgnore]
    public GraphNodeKind Kind =>
        FeatureType switch
        {
            ErrorNode => GraphNodeKind.Error,
            TokenNode => GraphNodeKind.Token,
            TargetNode => GraphNodeKind.Target,
            _ => GraphNodeKind.Feature,
        };

    private sealed class TextOrNumber : JsonConverter<string>
    {
        public override string Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number
                ? reader.GetInt64().ToString(CultureInfo.InvariantCulture)
                : reader.GetString() ?? throw new JsonException("the layer must be a text or a number");

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }
}

/// <summary>Layer and index of a feature as one number, the pairing of Cantor: (l + i)(l + i + 1) / 2 + i.</summary>
internal static class FeatureNumber
{
    public static long Of(int layer, long index) => checked((layer + index) * (layer + index + 1) / 2 + index);

    /// <summary>The index in a number.</summary>
    public static long Index(long number)
    {
        var sum = (long)((Math.Sqrt(8.0 * number + 1) - 1) / 2);
        // The root of a large number is rounded.
        while (sum * (sum + 1) / 2 > number)
            sum--;
        while ((sum + 1) * (sum + 2) / 2 <= number)
            sum++;
        return number - sum * (sum + 1) / 2;
    }
}
