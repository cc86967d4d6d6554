using System.Globalization;
using System.Runtime.CompilerServices;
using GemmaScope.Models;
using Microsoft.Extensions.AI;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using Message = GemmaScope.Text.ChatMessage;
using ThoughtAndAnswer = GemmaScope.Text.ThoughtAndAnswer;

namespace GemmaScope.Workbench;

/// <summary>
/// A model in this process as a chat client: it answers one request at a time. Where a request goes on with the conversation of the one
/// before it, only what is new is read. System and developer messages begin the first turn, as Gemma has no such roles, or stand where the
/// model's own template puts them; tools and response formats are not heeded.
/// </summary>
public sealed class GemmaChatClient : IChatClient
{
    private readonly Microscope _microscope;
    private readonly GenerationOptions _sampling;
    private readonly bool _ownsMicroscope;
    private readonly ChatClientMetadata _metadata;
    private readonly Conversation _conversation;
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>Makes a client of a model.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="sampling">How tokens are chosen where a request does not say it; null for the defaults.</param>
    /// <param name="ownsMicroscope">Whether the model is unloaded with the client.</param>
    /// <exception cref="ArgumentProblemException">There is no chat template for such a model.</exception>
    public GemmaChatClient(Microscope microscope, GenerationOptions? sampling = null, bool ownsMicroscope = false)
    {
        (_microscope, _sampling, _ownsMicroscope) = (microscope, sampling ?? new(), ownsMicroscope);
        _metadata = new("gemmascope", defaultModelId: microscope.ModelName);
        _conversation = new Conversation(microscope.Model, _sampling);
    }

    /// <summary>Answers.</summary>
    /// <param name="messages">The conversation; the last message is the user's.</param>
    /// <param name="options">Sampling, length and texts that end the answer; what they leave open is the client's.</param>
    /// <param name="cancellationToken">Stops between tokens and inside a long prompt.</param>
    /// <exception cref="ContextLengthException">The conversation does not fit into the model's context.</exception>
    /// <exception cref="ArgumentProblemException">An option is out of range, or the messages are no conversation in text.</exception>
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <summary>Answers piece by piece; counts and the reason for the end come last.</summary>
    /// <inheritdoc cref="GetResponseAsync"/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(messages);
        var said = Folded(ChatClients.Said(messages, options));
        var (id, created) = (Guid.NewGuid().ToString("N"), DateTimeOffset.UtcNow);
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using var answer = Begin(said, options, cancellationToken);
            var read = _conversation.TokenCount;
            var known = read - _conversation.AddedTokens;
            var splitter = ChatTuning.Splitter(_microscope.Model);
            await foreach (var piece in answer.ReadAsync(cancellationToken).ConfigureAwait(false))
                if (Contents(splitter?.Append(piece) ?? new("", piece)) is { Count: > 0 } contents)
                    yield return Update(contents);
            if (splitter is not null && Contents(splitter.Flush()) is { Count: > 0 } rest)
                yield return Update(rest);
            cancellationToken.ThrowIfCancellationRequested();
            var usage = new UsageDetails
            {
                InputTokenCount = read,
                CachedInputTokenCount = known,
                OutputTokenCount = answer.Ids.Count,
                TotalTokenCount = read + answer.Ids.Count,
            };
            var last = Update([new UsageContent(usage)]);
            last.FinishReason = answer.StoppedBy is StopReason.MaxTokens or StopReason.Context
                ? ChatFinishReason.Length
                : ChatFinishReason.Stop;
            yield return last;
        }
        finally
        {
            _one.Release();
        }

        ChatResponseUpdate Update(IList<AIContent> contents) =>
            new(ChatRole.Assistant, contents)
            {
                ResponseId = id,
                MessageId = id,
                CreatedAt = created,
                ModelId = _microscope.ModelName,
            };
    }

    /// <summary>The client, what it says of its model, or the model.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType == typeof(GemmaModel)
            ? _microscope.Model
            : ChatClients.Service(this, _metadata, serviceType, serviceKey);

    /// <summary>Forgets the conversation, and unloads the model if it is the client's own.</summary>
    public void Dispose()
    {
        _conversation.Dispose();
        _one.Dispose();
        if (_ownsMicroscope)
            _microscope.Dispose();
    }

    private Continuation Begin(IReadOnlyList<Message> said, ChatOptions? options, CancellationToken cancellationToken)
    {
        if (!IsContinued(said))
            _conversation.Reset(said.SkipLast(1));
        return _conversation.Say(
            ChatTurn.TextOf(said[^1]),
            Sampling(options),
            options?.StopSequences is { } stops ? [.. stops] : [],
            cancellationToken
        );
    }

    /// <summary>A piece of an answer, thoughts in their own kind.</summary>
    private static List<AIContent> Contents(ThoughtAndAnswer piece)
    {
        List<AIContent> contents = [];
        if (piece.Thinking.Length > 0)
            contents.Add(new TextReasoningContent(piece.Thinking));
        if (piece.Answer.Length > 0)
            contents.Add(new TextContent(piece.Answer));
        return contents;
    }

    private bool IsForDevelopers(IReadOnlyList<ChatTurn> said) =>
        said[0].Role == "developer" && _microscope.Model.ChatTemplate.KnowsDevelopers;

    private bool IsContinued(IReadOnlyList<Message> said) =>
        said.Count > 1
        && said.SkipLast(1)
            .Select(message => (message.Role, ChatTurn.TextOf(message)))
            .SequenceEqual(_conversation.Messages.Select(message => (message.Role, ChatTurn.TextOf(message))));

    private GenerationOptions Sampling(ChatOptions? options) =>
        options is null
            ? _sampling
            : _sampling with
            {
                Temperature = Exactly(options.Temperature) ?? _sampling.Temperature,
                TopP = Exactly(options.TopP) ?? _sampling.TopP,
                TopK = options.TopK ?? _sampling.TopK,
                FrequencyPenalty = Exactly(options.FrequencyPenalty) ?? _sampling.FrequencyPenalty,
                MaxNewTokens = options.MaxOutputTokens ?? _sampling.MaxNewTokens,
                Seed = options.Seed is { } seed ? (int)(seed % int.MaxValue) : _sampling.Seed,
            };

    /// <summary>0.7 and not 0.699999988: the digits that were meant, so that the same settings give the same text here and
    /// elsewhere.</summary>
    private static double? Exactly(float? value) =>
        value is { } number ? double.Parse(number.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : null;

    /// <summary>The messages as the template takes them, all that comes from the system in one.</summary>
    private List<Message> Folded(IReadOnlyList<ChatTurn> said)
    {
        var system = said.TakeWhile(message => message.Role is "system" or "developer").Select(message => message.Content).ToArray();
        List<Message> messages = [.. said.Skip(system.Length).Select(message => new Message(message.Role, message.Content))];
        if (messages.Find(message => message.Role is not ("user" or "assistant")) is { } other)
            throw new ArgumentProblemException(
                $"a message of role '{other.Role}' cannot stand here; there are user and assistant, after messages of the system",
                "messages"
            );
        if (messages is not [.., { Role: "user" }])
            throw new ArgumentProblemException("the last message must be the user's", "messages");
        if (system.Length > 0)
            messages.Insert(0, new Message(IsForDevelopers(said) ? "developer" : "system", string.Join("\n\n", system)));
        return messages;
    }
}
