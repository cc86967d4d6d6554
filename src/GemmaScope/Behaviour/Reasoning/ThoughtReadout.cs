using GemmaScope.Text;

namespace GemmaScope.Behaviour.Reasoning;

/// <summary>
/// How an answer is read of a model that thinks in a channel of its own: the thoughts are the reasoning, and the answer stands behind the
/// channel's end, in the same turn. Nobody asks for it: later turns do not show thoughts, so that an answer there would not have them before
/// it. Thoughts that are cut off are closed as the model closes them, with a line break and the mark; without any the channel is empty.
/// </summary>
public sealed class ThoughtReadout : AnswerReadout
{
    private const string LineBreak = "\n";

    private readonly ChatTemplate _template,
        _thinking;
    private readonly Tokenizer _tokenizer;
    private readonly string _opening;
    private readonly bool _letters;
    private readonly int _lineBreak;

    /// <summary>A readout for a model that thinks.</summary>
    /// <param name="template">Its chat template, which knows a thinking channel.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="opening">What the answer begins with.</param>
    /// <param name="letters">Whether the letter of an option comes next; else the answer is written out.</param>
    /// <exception cref="ArgumentProblemException">The model has no thinking channel, or two letters begin with one token behind the
    /// opening.</exception>
    public ThoughtReadout(ChatTemplate template, Tokenizer tokenizer, string opening = Opening, bool letters = true)
        : base(template, tokenizer, opening, letters, answer => tokenizer.EncodeMarked(LineBreak + ThinkingSplitter.End + answer))
    {
        if (!CanRead(template, tokenizer))
            throw new ArgumentProblemException(
                $"the model has no thinking channel: its chat template {template.Name} or its vocabulary has no {ThinkingSplitter.Channel}",
                "thinking"
            );
        (_template, _tokenizer, _opening, _letters) = (template, tokenizer, opening, letters);
        _thinking = template.With(new ChatSettings { Thinking = true });
        _lineBreak = tokenizer.EncodeMarked(LineBreak).Length;
        End = tokenizer.Id(ThinkingSplitter.End)!.Value;
    }

    /// <summary>The token that ends thoughts.</summary>
    public int End { get; }

    /// <summary>Whether a model's thoughts can be read: its template knows the channel, and its vocabulary the marks.</summary>
    public static bool CanRead(ChatTemplate template, Tokenizer tokenizer) =>
        template.WritesThinking && tokenizer.Id(ThinkingSplitter.Channel) is not null && tokenizer.Id(ThinkingSplitter.End) is not null;

    /// <summary>The ids of a question up to where its thoughts begin: the channel is opened, so that each chain is thoughts.</summary>
    /// <inheritdoc/>
    public override int[] BeforeReasoning(IReadOnlyList<ChatMessage> messages, string opening)
    {
        var prompt = _thinking.Render(messages, addGenerationPrompt: true);
        return _tokenizer.EncodeMarked($"{prompt}{(ThinkingSplitter.IsOpenAfter(prompt) ? "" : ThinkingSplitter.Begin)}{opening}");
    }

    /// <inheritdoc/>
    public override int[] Begun(IReadOnlyList<ChatMessage> messages, string opening) =>
        _tokenizer.EncodeMarked(_template.Render(messages, addGenerationPrompt: true) + opening);

    /// <summary>The ids up to the answer of a model that is not to think, as its template writes that.</summary>
    /// <inheritdoc/>
    public override int[] WithoutReasoning(IReadOnlyList<ChatMessage> messages)
    {
        var prompt = _template.Render(messages, addGenerationPrompt: true);
        return _letters ? Lettered(answer => _tokenizer.EncodeMarked(prompt + answer)).Ids : Begun(messages, _opening);
    }

    /// <summary>The ids up to the answer: what comes before the thoughts, the thoughts as they were written, the end of their channel and the
    /// opening.</summary>
    /// <inheritdoc/>
    public override int[] WithReasoning(ReadOnlySpan<int> before, ReadOnlySpan<int> reasoning) =>
        [.. before, .. reasoning, .. Behind.Skip(reasoning.IsEmpty ? _lineBreak : 0)];

    /// <summary>The thoughts without the line breaks before the mark that ended them, which are the mark's.</summary>
    /// <param name="ids">What was written inside the channel.</param>
    public int[] Trimmed(int[] ids)
    {
        var length = ids.Length;
        while (length > 0 && string.IsNullOrWhiteSpace(_tokenizer.Decode([ids[length - 1]])))
            length--;
        return ids[..length];
    }
}
