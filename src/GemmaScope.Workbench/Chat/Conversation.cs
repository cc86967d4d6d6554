using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>
/// A conversation with a model. Its cache keeps all that was said, so each turn costs only its own tokens. Markers of turns inside a
/// message
/// act as markers: a service must refuse or neutralise them before.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">How its answers are chosen; null for the defaults.</param>
/// <param name="system">An instruction that begins the first turn, as Gemma has no system role, or stands where the model's own template
/// puts it; null for none.</param>
/// <param name="watched">What is watched in it; it outlives the conversation. Null for nothing.</param>
/// <param name="settings">Whether the model is to think before it answers, and tools; null for neither.</param>
public sealed class Conversation(
    GemmaModel model,
    GenerationOptions? options = null,
    string? system = null,
    WatchSet? watched = null,
    ChatSettings? settings = null
) : IDisposable
{
    private readonly GenerationOptions _options = options ?? new();
    private readonly ChatTemplate _template = settings is null ? model.ChatTemplate : model.ChatTemplate.With(settings);
    private readonly KvCache _cache = model.NewCache();
    private readonly List<ChatMessage> _messages = [];
    private readonly List<int> _ids = [];
    private Continuation? _answer;

    /// <summary>What was said so far; an answer is added when it has ended, its thoughts apart from what it says.</summary>
    public IReadOnlyList<ChatMessage> Messages => _messages;

    /// <summary>Tokens of it that the model has read or written.</summary>
    public int TokenCount => _ids.Count;

    /// <summary>How many of these tokens the last message has added; the others were known.</summary>
    internal int AddedTokens { get; private set; }

    /// <summary>What was said as a result of its own.</summary>
    public ChatResult Result => new([.. _messages.Select(ChatTurn.Of)], watched?.Result);

    /// <summary>Adds a message of the user and begins the answer. An answer that has not ended is broken off by the next message.</summary>
    /// <param name="message">What the user says.</param>
    /// <param name="cancellationToken">Ends the answer; what was said of it counts as said.</param>
    /// <returns>The answer, to be read; whoever leaves off reading disposes it.</returns>
    /// <exception cref="ContextLengthException">The conversation no longer fits into the model's context; it is as it was
    /// before.</exception>
    public Continuation Say(string message, CancellationToken cancellationToken = default) => Say(message, _options, [], cancellationToken);

    /// <summary>The same with an answer of its own kind.</summary>
    /// <param name="message">What the user says.</param>
    /// <param name="sampling">How the answer is chosen.</param>
    /// <param name="stopSequences">Texts that end the answer, and which it leaves out.</param>
    /// <param name="cancellationToken">Ends the answer; what was said of it counts as said.</param>
    /// <inheritdoc cref="Say(string, CancellationToken)"/>
    public Continuation Say(
        string message,
        GenerationOptions sampling,
        IReadOnlyList<string> stopSequences,
        CancellationToken cancellationToken = default
    )
    {
        _answer?.Dispose();
        ChatMessage[] said =
        [
            .. _messages.Count == 0 && system is not null ? (ReadOnlySpan<ChatMessage>)[new("system", system)] : [],
            .. _messages,
            new("user", message),
        ];
        var added = Added(said);
        var length = _ids.Count + added.Length;
        if (length >= model.Config.MaxPositions)
            throw new ContextLengthException(
                $"the conversation of {length} tokens fills the model's context of {model.Config.MaxPositions}",
                "chat",
                new Remedy($"say less, or start a new one")
            );
        // The last token of an answer that was cut short is not in the cache yet.
        int[] unread = [.. _ids.Skip(_cache.Length), .. added];
        watched?.Begin(Spans(said, length), anew: _ids.Count == 0);
        _answer = new Continuation(
            model,
            unread,
            sampling with
            {
                StopTokens = ChatTuning.StopTokens(model),
                Observer = watched?.Monitor ?? sampling.Observer,
            },
            skipSpecial: false,
            _cache,
            stopSequences,
            Ended,
            cancellationToken
        );
        _ids.AddRange(added);
        AddedTokens = added.Length;
        _messages.Clear();
        _messages.AddRange(said);
        return _answer;
    }

    /// <summary>Forgets what was said.</summary>
    /// <param name="said">What counts as said instead, answers included; null for nothing.</param>
    public void Reset(IEnumerable<ChatMessage>? said = null)
    {
        _answer?.Dispose();
        _answer = null;
        _messages.Clear();
        _messages.AddRange(said ?? []);
        Unread();
    }

    /// <summary>Frees the cache.</summary>
    public void Dispose()
    {
        _answer?.Dispose();
        _cache.Dispose();
    }

    private void Ended(Continuation answer)
    {
        watched?.End("assistant", _ids.Count, _ids.Count + answer.Ids.Count);
        _ids.AddRange(answer.Ids);
        _messages.Add(ChatTuning.Said(model, answer.Text));
        // The tokens reach beyond the text.
        if (answer.StoppedBy == StopReason.StopSequence)
            Unread();
    }

    /// <summary>Lets the model read what was said anew.</summary>
    private void Unread()
    {
        _ids.Clear();
        _cache.Clear();
    }

    /// <summary>Where the messages lie that are read now. Those tokens end as the whole conversation does when it is written anew, which
    /// what was read before may not.</summary>
    private IEnumerable<ChatSpan> Spans(ChatMessage[] said, int length)
    {
        var all = ChatTokens.Of(_template, model.Tokenizer, said, system: SystemHandling.Fold);
        return (_ids.Count == 0 ? all.Spans : all.Spans.Skip(said.Length - 1)).Select(span =>
            span with
            {
                Start = span.Start + length - all.Ids.Length,
                End = span.End + length - all.Ids.Length,
            }
        );
    }

    /// <summary>The ids that the last message adds: the end of the model's turn, and all up to the start of its next one. A template that
    /// writes the conversation anew may write earlier turns in another way than they were read, and then all is read anew.</summary>
    private int[] Added(ChatMessage[] said)
    {
        if (_ids.Count > 0 && _template.TurnEnd is { } end)
        {
            var before = _template.Render(said[..^1], addGenerationPrompt: false, SystemHandling.Fold);
            var text = _template.Render(said, addGenerationPrompt: true, SystemHandling.Fold);
            return model.Tokenizer.Encode(text[before.LastIndexOf(end, StringComparison.Ordinal)..]);
        }
        var all = _template.Encode(model.Tokenizer, said, addGenerationPrompt: true, SystemHandling.Fold);
        if (_ids.Count > 0 && all.Length > _ids.Count && all.Take(_ids.Count).SequenceEqual(_ids))
            return all[_ids.Count..];
        Unread();
        return all;
    }
}
