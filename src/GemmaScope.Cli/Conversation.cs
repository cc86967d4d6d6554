using GemmaScope.Cli.Output;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Cli;

/// <summary>
/// A conversation with a model. Its cache keeps all that was said, so each turn costs only its own tokens.
/// </summary>
internal sealed class Conversation(GemmaModel model, Tokenizer tokenizer, GenerationOptions options, string? system) : IDisposable
{
    private const string TurnEnd = "<end_of_turn>";

    private readonly ChatTemplate _template = ChatTemplate.ForModelType(model.Config.ModelType);
    private readonly KvCache _cache = model.NewCache();
    private readonly List<ChatMessage> _messages = [];
    private readonly List<int> _ids = [];

    /// <summary>What was said so far.</summary>
    public IReadOnlyList<ChatMessage> Messages => _messages;

    /// <summary>
    /// Whether the model was tuned to take turns, as far as one can tell: the released ones list the end of a turn among
    /// their end tokens, and by convention such a model's name ends in -it. A base model just goes on writing.
    /// </summary>
    public static bool IsTuned(string name, GemmaModel model, Tokenizer tokenizer) =>
        (tokenizer.Id(TurnEnd) is { } end && model.Config.EosIds.Contains(end)) || name.Contains("-it", StringComparison.OrdinalIgnoreCase);

    /// <summary>What ends the model's turn: its end tokens, and the end of a turn even where it does not list that.</summary>
    public static int[] StopTokens(GemmaModel model, Tokenizer tokenizer) =>
        tokenizer.Id(TurnEnd) is { } end ? [.. model.Config.EosIds, end] : [.. model.Config.EosIds];

    /// <summary>Adds a message of the user and streams the answer through <paramref name="answer"/>.</summary>
    /// <exception cref="ArgumentProblemException">The conversation no longer fits into the model's context.</exception>
    public void Say(string message, TokenStream answer, CancellationToken cancellationToken)
    {
        ChatMessage[] before = [.. _messages];
        var added = Continue(new ChatMessage("user", message));
        var length = _ids.Count + added.Length;
        if (length >= model.Config.MaxPositions)
        {
            _messages.Clear();
            _messages.AddRange(before);
            throw new ArgumentProblemException(
                $"the conversation of {length} tokens fills the model's context of {model.Config.MaxPositions}; say less, or start a new one with /reset",
                "chat"
            );
        }
        _ids.AddRange(added);
        // The last token of an answer that was cut short is not in the cache yet.
        var unread = _ids[_cache.Length..].ToArray();
        answer.Print(model.Generate(unread, options with { StopTokens = StopTokens(model, tokenizer) }, _cache, cancellationToken));
        _ids.AddRange(answer.Ids);
        _messages.Add(new ChatMessage("assistant", answer.Text));
    }

    /// <summary>Forgets what was said.</summary>
    public void Reset()
    {
        _messages.Clear();
        _ids.Clear();
        _cache.Clear();
    }

    public void Dispose() => _cache.Dispose();

    /// <summary>The ids that a message adds: the end of the model's turn, and all up to the start of its next one.</summary>
    private int[] Continue(ChatMessage message)
    {
        if (_messages.Count == 0)
        {
            if (system is not null)
                _messages.Add(new ChatMessage("system", system));
            _messages.Add(message);
            return _template.Encode(tokenizer, _messages, addGenerationPrompt: true, SystemHandling.Fold);
        }
        var said = _template.Render(_messages, addGenerationPrompt: false, SystemHandling.Fold);
        _messages.Add(message);
        var all = _template.Render(_messages, addGenerationPrompt: true, SystemHandling.Fold);
        return tokenizer.Encode(all[said.LastIndexOf(TurnEnd, StringComparison.Ordinal)..]);
    }
}
