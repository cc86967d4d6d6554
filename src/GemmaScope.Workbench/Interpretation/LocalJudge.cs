using Microsoft.Extensions.AI;

namespace GemmaScope.Workbench;

/// <summary>A chat model in this process that explains and judges: its requests count, and its answers are kept short.</summary>
/// <param name="client">The model.</param>
/// <param name="budget">Requests that may still be sent.</param>
public sealed class LocalJudge(IChatClient client, RequestBudget budget) : DelegatingChatClient(client)
{
    /// <summary>Its answers are a line; a small model that has lost the thread would go on for ever.</summary>
    private const int LongestAnswer = 64;

    /// <inheritdoc/>
    /// <exception cref="BudgetUsedUpException">No more requests may be sent.</exception>
    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => base.GetResponseAsync(messages, Counted(options), cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="BudgetUsedUpException">No more requests may be sent.</exception>
    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => base.GetStreamingResponseAsync(messages, Counted(options), cancellationToken);

    private ChatOptions Counted(ChatOptions? options)
    {
        budget.Take();
        var shorter = options?.Clone() ?? new();
        shorter.MaxOutputTokens = Math.Min(shorter.MaxOutputTokens ?? LongestAnswer, LongestAnswer);
        return shorter;
    }
}
