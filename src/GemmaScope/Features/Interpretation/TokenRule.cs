using GemmaScope.Text;

namespace GemmaScope.Features.Interpretation;

/// <summary>What a rule about tokens looks at.</summary>
public enum RuleKind
{
    /// <summary>The token itself.</summary>
    Tokens,

    /// <summary>The token together with those before it: it is the last of a phrase.</summary>
    Phrases,

    /// <summary>The tokens before it, whatever it is itself.</summary>
    After,

    /// <summary>The token behind it: those are the words the feature promotes.</summary>
    Before,
}

/// <summary>
/// An explanation that can be followed without understanding: a feature fires at a token where one of some patterns of tokens is found in
/// the place that the kind names.
/// </summary>
public sealed class TokenRule
{
    /// <summary>Tokens of the longest pattern.</summary>
    public const int LongestPattern = 3;

    private readonly HashSet<TokenPattern> _patterns;
    private readonly int[] _lengths;

    /// <summary>A rule.</summary>
    /// <param name="kind">Where patterns are looked for.</param>
    /// <param name="patterns">Token ids of each, one to <see cref="LongestPattern"/>.</param>
    /// <exception cref="ArgumentProblemException">There is no pattern, or one of another length.</exception>
    public TokenRule(RuleKind kind, IReadOnlyList<int[]> patterns)
    {
        if (patterns.Count == 0 || patterns.Any(pattern => pattern.Length is 0 or > LongestPattern))
            throw new ArgumentProblemException($"a rule needs patterns of 1 to {LongestPattern} tokens", "patterns");
        (Kind, Patterns) = (kind, patterns);
        _patterns = [.. patterns.Select(pattern => new TokenPattern(pattern))];
        _lengths = [.. patterns.Select(pattern => pattern.Length).Distinct()];
    }

    /// <summary>Where patterns are looked for.</summary>
    public RuleKind Kind { get; }

    /// <summary>Token ids of each pattern.</summary>
    public IReadOnlyList<int[]> Patterns { get; }

    /// <summary>Where the rule says the feature fires.</summary>
    /// <param name="tokens">A passage.</param>
    /// <returns>One answer a token.</returns>
    public bool[] Predict(IReadOnlyList<int> tokens)
    {
        var fires = new bool[tokens.Count];
        for (var position = 0; position < tokens.Count; position++)
        {
            var end = position + EndOf(Kind);
            foreach (var length in _lengths)
                fires[position] |=
                    end <= tokens.Count && end >= length && _patterns.Contains(TokenPattern.Of(tokens, end - length, length));
        }
        return fires;
    }

    /// <summary>The rule's answer: whether it fires in the passage; of marked tokens whether it fires at half of them or more.</summary>
    public bool Answer(Question question)
    {
        var fires = Predict(question.Tokens);
        if (question.Marks is not { } marks)
            return fires.Contains(true);
        var (marked, hit) = (marks.Count(mark => mark), marks.Where((mark, i) => mark && fires[i]).Count());
        return 2 * hit >= marked;
    }

    /// <summary>The rule's score on questions.</summary>
    public InterpretationScore Score(QuestionSet questions) =>
        InterpretationScore.Of(
            questions,
            [.. questions.Detection.Select(question => (bool?)Answer(question))],
            [.. questions.Fuzzing.Select(question => (bool?)Answer(question))]
        );

    /// <summary>The rule in words, e.g. <c>after: " of the", " in"</c>.</summary>
    public string Describe(Tokenizer tokenizer) =>
        $"{NameOf(Kind)}: {string.Join(", ", Patterns.Select(pattern => $"\"{string.Concat(pattern.Select(tokenizer.Display)).Replace("\"", "\\\"", StringComparison.Ordinal)}\""))}";

    /// <summary>The kind's name, with which a rule in words begins.</summary>
    public static string NameOf(RuleKind kind) =>
        kind switch
        {
            RuleKind.Tokens => "tokens",
            RuleKind.Phrases => "phrases",
            RuleKind.After => "after",
            _ => "before",
        };

    /// <summary>Where a pattern ends, counted from the token in question: one behind its last token.</summary>
    internal static int EndOf(RuleKind kind) =>
        kind switch
        {
            RuleKind.After => 0,
            RuleKind.Before => 2,
            _ => 1,
        };
}

/// <summary>One to three tokens in one number, to be looked up: 20 bits each, more than the largest vocabulary needs.</summary>
internal readonly record struct TokenPattern(ulong Key)
{
    private const int Bits = 20,
        Mask = (1 << Bits) - 1;

    /// <summary>0 stands for no token, 1 for an unknown word.</summary>
    private const int Shift = 2;

    public TokenPattern(IReadOnlyList<int> tokens)
        : this(KeyOf(tokens, 0, tokens.Count)) { }

    public static TokenPattern Of(IReadOnlyList<int> tokens, int start, int length) => new(KeyOf(tokens, start, length));

    public int[] Tokens
    {
        get
        {
            var tokens = new List<int>();
            for (var rest = Key; rest != 0; rest >>= Bits)
                tokens.Insert(0, (int)(rest & Mask) - Shift);
            return [.. tokens];
        }
    }

    /// <summary>Whether another pattern ends with this one, so that it says nothing more.</summary>
    public bool Ends(TokenPattern other) =>
        other.Tokens is var longer
        && Tokens is var own
        && longer.Length >= own.Length
        && longer.AsSpan(longer.Length - own.Length).SequenceEqual(own);

    private static ulong KeyOf(IReadOnlyList<int> tokens, int start, int length)
    {
        ulong key = 0;
        for (var i = start; i < start + length; i++)
            key = key << Bits | (uint)(tokens[i] + Shift);
        return key;
    }
}
