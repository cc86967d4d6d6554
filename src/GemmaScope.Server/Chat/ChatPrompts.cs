using System.Text;
using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Models;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Chat;

/// <summary>
/// Conversations as the model reads them. A model that was tuned to chat gets them in its template. A base model never saw one, so that the
/// markers of turns would mean nothing to it: it goes on writing the text that the messages are.
/// </summary>
internal sealed class ChatPrompts(GemmaModel model)
{
    private readonly Lazy<ControlTokens> _control = new(() => new ControlTokens(model.Tokenizer));

    /// <summary>Whether it was tuned to chat.</summary>
    public bool IsTuned { get; } = ChatTuning.IsTuned(model);

    /// <summary>Whether it can think before it answers, in a channel that its template and its vocabulary know.</summary>
    public bool CanThink { get; } = ThoughtReadout.CanRead(model.ChatTemplate, model.Tokenizer) && ChatTuning.IsTuned(model);

    /// <summary>The tokens of a conversation, with the span of each message.</summary>
    /// <param name="messages">User and model in turn.</param>
    /// <param name="opens">Whether the model's turn comes next.</param>
    /// <param name="thinking">Whether the model is to think before it answers.</param>
    /// <exception cref="ArgumentProblemException">It does not fit into the model's context, or the model cannot think.</exception>
    public ChatTokens Of(IReadOnlyList<ChatMessage> messages, bool opens, bool thinking = false)
    {
        if (thinking && !CanThink)
            throw new ArgumentProblemException("is nothing that this model's chat template knows; leave it out", "thinking");
        var template = thinking ? model.ChatTemplate.With(new ChatSettings { Thinking = true }) : model.ChatTemplate;
        var tokens = IsTuned ? ChatTokens.Of(template, model.Tokenizer, messages, opens) : Plain(messages);
        return tokens.Ids.Length < model.Config.MaxPositions
            ? tokens
            : throw new ArgumentProblemException(
                $"has {tokens.Ids.Length} tokens, which fill the model's context of {model.Config.MaxPositions}; begin a new conversation",
                "conversation"
            );
    }

    /// <summary>Refuses a message that writes out a marker, which would end the turn and begin another one.</summary>
    /// <exception cref="ArgumentProblemException">It does.</exception>
    public void Check(string message)
    {
        foreach (var id in model.Tokenizer.Encode(message))
            if (_control.Value.Contains(id) && model.Tokenizer.Piece(id) is var piece && message.Contains(piece, StringComparison.Ordinal))
                throw new ArgumentProblemException(
                    $"holds {piece}, which the model reads as a marker of turns; write it in another way",
                    "message"
                );
    }

    /// <summary>Message after message as one text, a line break where a reply does not end with one.</summary>
    private ChatTokens Plain(IReadOnlyList<ChatMessage> messages)
    {
        var text = new StringBuilder();
        var places = new List<(string Role, int Start, int End)>();
        foreach (var message in messages)
        {
            if (message.Role == "user" && text.Length > 0 && text[^1] != '\n')
                text.Append('\n');
            var start = text.Length;
            text.Append(string.Concat(message.Parts.Select(part => part.Text)));
            places.Add((message.Role, start, text.Length));
        }
        var tokens = model.Tokenizer.EncodeWithOffsets($"{text}", addBos: true);
        return new(
            [.. tokens.Ids],
            [.. places.Select(place => new ChatSpan(place.Role, FirstFrom(tokens, place.Start), FirstFrom(tokens, place.End)))]
        );
    }

    /// <summary>The first token that begins at a place or behind it; a token over a border belongs to where it begins.</summary>
    private static int FirstFrom(TokenizedText tokens, int place)
    {
        var token = 1;
        while (token < tokens.Ids.Count && tokens.Spans[token].Start < place)
            token++;
        return token;
    }
}
