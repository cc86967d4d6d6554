using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace GemmaScope.Workbench;

/// <summary>Questions and answers of the chat-completions API as they go over the wire.</summary>
internal static class ChatCompletions
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>The body of a request; what the options leave open is left to the server.</summary>
    public static byte[] Request(IEnumerable<ChatMessage> messages, ChatOptions? options, string model, int seed) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                Model = options?.ModelId ?? model,
                Messages = ChatClients.Said(messages, options),
                options?.Temperature,
                options?.TopP,
                options?.TopK,
                options?.FrequencyPenalty,
                options?.PresencePenalty,
                MaxTokens = options?.MaxOutputTokens,
                Stop = options?.StopSequences,
                Seed = options?.Seed ?? seed,
                Stream = false,
            },
            Json
        );

    /// <summary>The answer in the body of a response, without text where the model said nothing; null where this is no answer of the
    /// API.</summary>
    public static ChatResponse? Read(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (Member(root, "choices", JsonValueKind.Array) is not { } choices || choices.GetArrayLength() == 0)
                return null;
            if (Member(choices[0], "message", JsonValueKind.Object) is not { } message)
                return null;
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, Text(message, "content") ?? ""))
            {
                ModelId = Text(root, "model"),
                FinishReason = Text(choices[0], "finish_reason") is { Length: > 0 } reason ? new ChatFinishReason(reason) : null,
                Usage = Member(root, "usage", JsonValueKind.Object) is { } usage
                    ? new()
                    {
                        InputTokenCount = Count(usage, "prompt_tokens"),
                        OutputTokenCount = Count(usage, "completion_tokens"),
                        TotalTokenCount = Count(usage, "total_tokens"),
                    }
                    : null,
            };
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            // The same as another form of JSON.
            return null;
        }
    }

    private static JsonElement? Member(JsonElement parent, string name, JsonValueKind kind) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var member) && member.ValueKind == kind ? member : null;

    private static string? Text(JsonElement parent, string name) => Member(parent, name, JsonValueKind.String)?.GetString();

    private static long? Count(JsonElement parent, string name) =>
        Member(parent, name, JsonValueKind.Number) is { } member && member.TryGetInt64(out var count) ? count : null;
}
