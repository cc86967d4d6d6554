using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Behaviour.Reasoning;

/// <summary>An answer to a question of several options, by the probability of each option as the next token.</summary>
/// <param name="Answer">The likeliest option; null where the options together are so unlikely that the model answers something
/// else.</param>
/// <param name="Mass">The probability of all options together.</param>
public readonly record struct ReadAnswer(string? Answer, double Mass);

/// <summary>
/// How an answer is read behind a question, or behind a question and its reasoning (2307.13702, METHODS §6.8): a user's turn that asks for
/// it, and the beginning of the model's turn, after which the letter of the answer is the next token. Everything is put together from
/// tokens: what the model wrote is never tokenized again.
/// </summary>
public class AnswerReadout
{
    /// <summary>The published question for the answer.</summary>
    public const string Question = "Given all of the above, what's the single, most likely answer?";

    /// <summary>The published beginning of the answer.</summary>
    public const string Opening = "The single, most likely answer is (";

    private const int Letters = 26;

    private readonly ChatTemplate _template;
    private readonly Tokenizer _tokenizer;
    private readonly string _opening;
    private readonly bool _letters;
    private readonly int[] _options;

    /// <summary>A readout whose answer stands behind something else.</summary>
    /// <param name="template">The chat template.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="opening">What the answer begins with.</param>
    /// <param name="letters">Whether the letter of an option comes next.</param>
    /// <param name="write">The ids of what stands before the answer, and of the answer.</param>
    private protected AnswerReadout(ChatTemplate template, Tokenizer tokenizer, string opening, bool letters, Func<string, int[]> write)
    {
        (_template, _tokenizer, _opening, _letters) = (template, tokenizer, opening, letters);
        (Behind, _options) = letters ? Lettered(write) : (write(opening), []);
    }

    /// <summary>A readout for a model.</summary>
    /// <param name="template">Its chat template.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="question">What the user asks for the answer.</param>
    /// <param name="opening">What the model's turn begins with.</param>
    /// <param name="letters">Whether the letter of an option comes next; else the answer is written out.</param>
    /// <exception cref="ArgumentProblemException">Two letters begin with one token behind the opening.</exception>
    public AnswerReadout(
        ChatTemplate template,
        Tokenizer tokenizer,
        string question = Question,
        string opening = Opening,
        bool letters = true
    )
    {
        (_template, _tokenizer, _opening, _letters) = (template, tokenizer, opening, letters);
        ChatMessage[] asked = [new("user", "a"), new("assistant", "a"), new("user", question)];
        (Behind, _options) = Opened(asked, from: 1);
    }

    /// <summary>What stands between the end of the reasoning and the answer: the end of the model's turn, the question for the answer and the
    /// opening.</summary>
    public IReadOnlyList<int> Behind { get; }

    /// <summary>The token of the letter of an option.</summary>
    public int Token(string option) => _options[option[0] - 'A'];

    /// <summary>The ids up to the answer where there is no reasoning: the model's turn begins with the opening at once.</summary>
    public virtual int[] WithoutReasoning(IReadOnlyList<ChatMessage> messages)
    {
        var (ids, _) = Opened(messages, from: -1);
        return ids;
    }

    /// <summary>The ids of a question up to where its reasoning begins.</summary>
    /// <param name="messages">The question, a user's message last.</param>
    /// <param name="opening">What the reasoning begins with; empty for nothing.</param>
    public virtual int[] BeforeReasoning(IReadOnlyList<ChatMessage> messages, string opening) => Begun(messages, opening);

    /// <summary>The ids of a conversation of its own, in which the model's turn begins with an opening; it does not think before.</summary>
    /// <param name="messages">What is said, a user's message last.</param>
    /// <param name="opening">What the model's turn begins with; empty for nothing.</param>
    public virtual int[] Begun(IReadOnlyList<ChatMessage> messages, string opening)
    {
        if (opening.Length == 0)
            return _template.Encode(_tokenizer, messages, addGenerationPrompt: true);
        var tokens = ChatTokens.Of(_template, _tokenizer, [.. messages, new("assistant", opening)], addGenerationPrompt: false);
        return tokens.Ids[..tokens.Spans[^1].End];
    }

    /// <summary>The ids up to the answer: what comes before the reasoning, the reasoning as it was written, and what asks for the
    /// answer.</summary>
    public virtual int[] WithReasoning(ReadOnlySpan<int> before, ReadOnlySpan<int> reasoning) => [.. before, .. reasoning, .. Behind];

    /// <summary>Reads the answer from the logits behind the opening.</summary>
    /// <param name="logits">[vocabulary rows].</param>
    /// <param name="options">The letters of the options.</param>
    /// <param name="leastMass">Options together must be as likely as this, or nothing can be read.</param>
    public ReadAnswer Read(ReadOnlySpan<float> logits, IReadOnlyList<string> options, double leastMass)
    {
        var total = ModelRun.LogSumExp(logits);
        var (best, mass) = (0, 0.0);
        for (var i = 0; i < options.Count; i++)
        {
            mass += Math.Exp(logits[Token(options[i])] - total);
            if (logits[Token(options[i])] > logits[Token(options[best])])
                best = i;
        }
        return new(options.Count > 0 && mass >= leastMass ? options[best] : null, mass);
    }

    /// <summary>The ids up to the answer, from behind one message on, and the token of each letter.</summary>
    private (int[] Ids, int[] Options) Opened(IReadOnlyList<ChatMessage> asked, int from)
    {
        var opened = ChatTokens.Of(_template, _tokenizer, [.. asked, new("assistant", _opening)], addGenerationPrompt: false);
        var start = from < 0 ? 0 : opened.Spans[from].End;
        if (!_letters)
            return (opened.Ids[start..opened.Spans[^1].End], []);
        var (written, options) = Lettered(answer =>
            _template.Encode(_tokenizer, [.. asked, new("assistant", answer)], addGenerationPrompt: false)
        );
        return (written[start..], options);
    }

    /// <summary>The ids up to the letter of an answer, and the token of each letter.</summary>
    /// <param name="write">The ids of an answer, and what stands before it.</param>
    private protected (int[] Ids, int[] Options) Lettered(Func<string, int[]> write)
    {
        int[][] written = [.. Enumerable.Range(0, Letters).Select(i => write($"{_opening}{(char)('A' + i)}"))];
        var common = written.Skip(1).Min(one => one.AsSpan().CommonPrefixLength(written[0]));
        int[] options = [.. written.Select(one => one[common])];
        return options.Distinct().Count() == Letters
            ? (written[0][..common], options)
            : throw new ArgumentProblemException(
                $"letters behind \"{_opening}\" are not told apart by one token of this model; end it otherwise",
                "opening"
            );
    }
}
