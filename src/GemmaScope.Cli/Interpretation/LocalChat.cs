using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Workbench;
using Microsoft.Extensions.AI;

namespace GemmaScope.Cli.Interpretation;

/// <summary>A chat model in this process; it answers one question at a time, always with its likeliest tokens.</summary>
internal sealed class LocalChat(GemmaModel model, string name, RequestBudget budget) : IChatClient
{
    /// <summary>Its answers are a line; a small model that has lost the thread would go on for ever.</summary>
    private const int LongestAnswer = 64;

    private readonly SemaphoreSlim _one = new(1);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            budget.Take();
            using var conversation = new Conversation(
                model,
                model.Tokenizer,
                new() { Temperature = 0, MaxNewTokens = Math.Min(options?.MaxOutputTokens ?? LongestAnswer, LongestAnswer) },
                system: null
            );
            var answer = new TokenStream(model.Tokenizer, TextWriter.Null);
            conversation.Say(messages.Last().Text, answer, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return new(new ChatMessage(ChatRole.Assistant, answer.Text.Trim()));
        }
        catch (ArgumentProblemException problem) when (problem.Location == "chat")
        {
            throw new ArgumentProblemException(
                $"a question does not fit into its context of {model.Config.MaxPositions} tokens; show it fewer examples with --shown and --per-question, or shorter ones with --window",
                name,
                problem
            );
        }
        finally
        {
            _one.Release();
        }
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("gemmascope", null, name)
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose()
    {
        _one.Dispose();
        model.Dispose();
    }
}
