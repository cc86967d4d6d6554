using System.Text.Json;

namespace GemmaScope.Text;

/// <summary>The tokens of one message inside a conversation.</summary>
/// <param name="Role">Whose it is.</param>
/// <param name="Start">Its first token.</param>
/// <param name="End">One past its last token; <paramref name="Start"/> where it is empty.</param>
public readonly record struct ChatSpan(string Role, int Start, int End);

/// <summary>A conversation as token ids, with the span of each message. What is in no span is the template's.</summary>
/// <param name="Ids">All ids, BOS included.</param>
/// <param name="Spans">A span for each message.</param>
public sealed record ChatTokens(int[] Ids, IReadOnlyList<ChatSpan> Spans)
{
    private static readonly string[] Probes = ["a", "7"];

    /// <summary>The ids behind the last message: the end of its turn and the opening of the model's. The positions among which published
    /// directions are looked for.</summary>
    public ReadOnlySpan<int> PostInstruction => Ids.AsSpan(Spans[^1].End);

    /// <summary>
    /// Writes a conversation in a model's form. A span is what changes when its message alone is replaced, token by token: no text is cut
    /// up and tokenized again, so that a span is right for any template.
    /// </summary>
    /// <param name="template">The template.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="messages">The conversation.</param>
    /// <param name="addGenerationPrompt">Whether the model's turn is opened at the end.</param>
    /// <param name="system">What a known template does with a system message; null: as the published one.</param>
    /// <exception cref="ArgumentProblemException">The conversation does not fit the template.</exception>
    public static ChatTokens Of(
        ChatTemplate template,
        Tokenizer tokenizer,
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt = true,
        SystemHandling? system = null
    )
    {
        var ids = template.Encode(tokenizer, messages, addGenerationPrompt, system);
        return new(ids, [.. messages.Select((message, place) => Span(message, place))]);

        ChatSpan Span(ChatMessage message, int place)
        {
            var (before, behind) = (int.MaxValue, int.MaxValue);
            // A probe may begin or end as the message does; another one does not.
            foreach (var probe in Probes)
            {
                ChatMessage[] other = [.. messages];
                other[place] = Replaced(message, probe);
                var changed = template.Encode(tokenizer, other, addGenerationPrompt, system);
                // The message is this probe.
                if (ids.AsSpan().SequenceEqual(changed))
                    continue;
                var same = ids.AsSpan().CommonPrefixLength(changed);
                before = Math.Min(before, same);
                var most = Math.Min(ids.Length, changed.Length) - same;
                var end = 0;
                while (end < most && ids[^(end + 1)] == changed[^(end + 1)])
                    end++;
                behind = Math.Min(behind, end);
            }
            return new(message.Role, before, Math.Max(before, ids.Length - behind));
        }
    }

    /// <summary>The message with everything that it says replaced: its text, its thoughts, and what it calls tools with. The names of tools
    /// stay, as their answers name them too.</summary>
    private static ChatMessage Replaced(ChatMessage message, string probe) =>
        message with
        {
            // Beside calls, an empty text stays empty: it would stand behind the answers, which are not this message's.
            Parts =
                message.ToolCalls.Count > 0 && message.Parts.All(part => part.Text is null or "") ? message.Parts : [ChatPart.Of(probe)],
            Reasoning = message.Reasoning is null ? null : probe,
            ToolCalls =
            [
                .. message.ToolCalls.Select(call => call with { Arguments = JsonElement.Parse($$"""{"{{probe}}": "{{probe}}"}""") }),
            ],
        };
}
