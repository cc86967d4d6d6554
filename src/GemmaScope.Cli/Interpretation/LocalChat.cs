using GemmaScope.Cli.Output;
using GemmaScope.Features.Interpretation;
using GemmaScope.Models;

namespace GemmaScope.Cli.Interpretation;

/// <summary>A chat model in this process; it answers one question at a time, always with its likeliest tokens.</summary>
internal sealed class LocalChat(GemmaModel model, string name, RequestBudget budget) : IChatModel, IDisposable
{
    /// <summary>Its answers are a line; a small model that has lost the thread would go on for ever.</summary>
    private const int LongestAnswer = 64;

    private readonly SemaphoreSlim _one = new(1);

    public string Name { get; } = name;

    public async Task<string?> Answer(string message, int maxTokens, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            budget.Take();
            using var conversation = new Conversation(
                model,
                model.Tokenizer,
                new() { Temperature = 0, MaxNewTokens = Math.Min(maxTokens, LongestAnswer) },
                system: null
            );
            var answer = new TokenStream(model.Tokenizer, TextWriter.Null);
            conversation.Say(message, answer, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return answer.Text.Trim() is { Length: > 0 } text ? text : null;
        }
        catch (ArgumentProblemException problem) when (problem.Location == "chat")
        {
            throw new ArgumentProblemException(
                $"a question does not fit into its context of {model.Config.MaxPositions} tokens; show it fewer examples with --shown and --per-question, or shorter ones with --window",
                Name,
                problem
            );
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        _one.Dispose();
        model.Dispose();
    }
}
