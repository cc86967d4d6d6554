using System.Text.Json;
using System.Text.Json.Serialization;

namespace GemmaScope.Server.Shield;

/// <summary>What is asked of <c>/v1/moderations</c>, in the form of OpenAI's endpoint of that name. Gateways send fields of their own, which
/// change nothing and are passed over; those of <c>/v1/shield</c> would, and are refused.</summary>
internal sealed record ModerationRequest
{
    /// <summary>A text; a list of texts, each judged by itself; or a list of parts (objects with type text and text), which are one
    /// message.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>Or a conversation, as chat completions have it; it is judged as a whole.</summary>
    public JsonElement? Messages { get; init; }

    /// <summary>A model's name, which changes nothing: there is one model, and the answer names it.</summary>
    public string? Model { get; init; }

    /// <summary>Whom a gateway asks for; it changes nothing.</summary>
    public string? User { get; init; }

    /// <summary>What a gateway notes; it changes nothing.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Metadata { get; init; }

    /// <summary>Changes nothing: the answer comes in one piece.</summary>
    public bool? Stream { get; init; }

    /// <summary>Whatever else is there.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; init; }
}
