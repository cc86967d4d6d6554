using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What a study of chains of thought found: every answer that was read, and what is made of them. An answer that could not be read
/// is null.</summary>
public sealed record CotStudyResult() : StudyResult(CotStudyJob.Name)
{
    /// <summary>The task that made the questions; null where they are of a file.</summary>
    public string? Task { get; init; }

    /// <summary>Whether the reasoning is what the model thinks in a channel of its own; else it is what the model says before it is asked for
    /// the answer.</summary>
    public bool Thinking { get; init; }

    /// <summary>What follows from the numbers, and whether anything does.</summary>
    public required string Verdict { get; init; }

    /// <summary>Accuracy of guesses.</summary>
    public required double Chance { get; init; }

    /// <summary>What reasoning changes.</summary>
    public required CotGain Gain { get; init; }

    /// <summary>Early answering: reasoning cut off, beside the same with reasoning of another question and with random tokens; empty where it
    /// was not asked for.</summary>
    public required IReadOnlyList<CotCurve> Early { get; init; }

    /// <summary>Adding mistakes: a sentence made wrong and the rest written anew, beside the same with the sentence as it was and with one of
    /// another question.</summary>
    public required IReadOnlyList<CotCurve> Mistakes { get; init; }

    /// <summary>Filler in place of reasoning, beside random tokens.</summary>
    public required IReadOnlyList<CotFiller> Filler { get; init; }

    /// <summary>The beginning in other words, beside the same with the beginning as it was.</summary>
    public required IReadOnlyList<CotParaphrase> Paraphrase { get; init; }

    /// <summary>What hints do; null without any.</summary>
    public CotHints? Hints { get; init; }

    /// <summary>What other reasoning does, by whose it is.</summary>
    public required IReadOnlyList<CotMediation> Mediation { get; init; }

    /// <summary>How likely at least one of k chains is faithful.</summary>
    public required IReadOnlyList<CotFaithfulAt> FaithfulAt { get; init; }

    /// <summary>What tokens add to the answer's logit, where a dictionary is named; empty where none is.</summary>
    public required IReadOnlyList<CotAttribution> Attribution { get; init; }

    /// <summary>Features on the answer's token, for each dictionary.</summary>
    public required IReadOnlyList<CotFeatures> Features { get; init; }

    /// <summary>Every answer, by question.</summary>
    public required IReadOnlyList<CotQuestionResult> Questions { get; init; }
}

/// <summary>What reasoning changes at all.</summary>
/// <param name="Scores">Shares over chains and questions.</param>
/// <param name="With">Accuracy with reasoning, over questions.</param>
/// <param name="Without">Accuracy without reasoning.</param>
/// <param name="Shuffled">Accuracy with the reasoning of another question.</param>
/// <param name="Random">Accuracy with random tokens.</param>
/// <param name="SameAnswer">How often the answer is that without reasoning.</param>
/// <param name="Readable">Share of answers with reasoning that could be read.</param>
/// <param name="Mass">Probability of all options together, behind reasoning.</param>
/// <param name="ByLength">The same by the number of operands, for the task of addition.</param>
public sealed record CotGain(
    ReasoningGain Scores,
    MeanEstimate? With,
    MeanEstimate? Without,
    MeanEstimate? Shuffled,
    MeanEstimate? Random,
    MeanEstimate? SameAnswer,
    MeanEstimate? Readable,
    MeanEstimate? Mass,
    IReadOnlyList<CotLength> ByLength
);

/// <summary>Accuracy on sums of as many numbers.</summary>
/// <param name="Operands">How many.</param>
/// <param name="With">Accuracy with reasoning.</param>
/// <param name="Without">Accuracy without.</param>
public sealed record CotLength(int Operands, MeanEstimate? With, MeanEstimate? Without);

/// <summary>How often the answer stays when reasoning is cut off or corrupted.</summary>
/// <param name="Reasoning">own, shuffled, random, mistaken or unchanged.</param>
/// <param name="Curve">The curves by length, and the area over them weighted by length, as published.</param>
/// <param name="Aoc">The mean over questions of the areas of their chains, with its interval.</param>
public sealed record CotCurve(string Reasoning, AnswerCurve Curve, MeanEstimate? Aoc);

/// <summary>Tokens without meaning in place of reasoning.</summary>
/// <param name="Tokens">filler or random.</param>
/// <param name="Table">Accuracy by their number.</param>
/// <param name="Gain">What the most of them gain over none, over questions.</param>
public sealed record CotFiller(string Tokens, FillerTable Table, MeanEstimate? Gain);

/// <summary>Reasoning in other words.</summary>
/// <param name="Words">paraphrased, or unchanged (only written anew).</param>
/// <param name="Table">Accuracy by how much of it.</param>
/// <param name="Loss">Accuracy as it was reasoned minus accuracy with all in other words, over questions.</param>
public sealed record CotParaphrase(string Words, ParaphraseTable Table, MeanEstimate? Loss);

/// <summary>What hints do.</summary>
/// <param name="Score">Counts over chains.</param>
/// <param name="Switched">Share of chains that answer as hinted, of those that did not without the hint; over questions.</param>
/// <param name="Resampled">The control: how often another chain without the hint gives the hinted answer all the same.</param>
/// <param name="Verbalised">Share of those that switched whose reasoning mentions the hint.</param>
/// <param name="MentionedWithout">The control: how often its words are in reasoning without the hint.</param>
/// <param name="Transplanted">Share of chains that switched whose reasoning, put behind the question without the hint, gives the hinted
/// answer too: then it is the reasoning that carries it, mentioned or not.</param>
public sealed record CotHints(
    HintScore Score,
    MeanEstimate? Switched,
    MeanEstimate? Resampled,
    MeanEstimate? Verbalised,
    MeanEstimate? MentionedWithout,
    MeanEstimate? Transplanted
);

/// <summary>What reasoning in the place of a chain does.</summary>
/// <param name="Reasoning">argued otherwise, argued likewise (written to end in another answer or the same), another chain of the question,
/// shuffled (of another question) or random.</param>
/// <param name="Score">Shares over chains.</param>
/// <param name="Changed">How often the answer becomes another, over questions.</param>
/// <param name="Follows">How often it becomes that for which the other reasoning argues.</param>
public sealed record CotMediation(string Reasoning, ReasoningMediation Score, MeanEstimate? Changed, MeanEstimate? Follows);

/// <summary>How likely at least one of k chains of a question is faithful.</summary>
/// <param name="K">k.</param>
/// <param name="Verbalised">One that switched mentions the hint.</param>
/// <param name="Mediated">The answer of one goes with its reasoning.</param>
public sealed record CotFaithfulAt(int K, MeanEstimate? Verbalised, MeanEstimate? Mediated);

/// <summary>All that was read of one question.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Truth">The right answer.</param>
/// <param name="Without">The answer without reasoning.</param>
/// <param name="Filler">Answers by filler.</param>
/// <param name="RandomFiller">Answers by random tokens.</param>
/// <param name="Chains">Its chains.</param>
/// <param name="Text">What it says; null unless that was asked for.</param>
public sealed record CotQuestionResult(
    string Id,
    string Truth,
    string? Without,
    IReadOnlyList<string?> Filler,
    IReadOnlyList<string?> RandomFiller,
    IReadOnlyList<CotChainResult> Chains,
    string? Text
);

/// <summary>All that was read of one chain.</summary>
/// <param name="Sentences">Its sentences.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Cut">Whether it was cut off at the most tokens.</param>
/// <param name="Answer">The answer after it.</param>
public sealed record CotChainResult(int Sentences, int Tokens, bool Cut, string? Answer)
{
    /// <summary>Answers after its first k sentences; empty where that was not asked for.</summary>
    public IReadOnlyList<string?> Early { get; init; } = [];

    /// <summary>The same of a chain of another question.</summary>
    public IReadOnlyList<string?> EarlyShuffled { get; init; } = [];

    /// <summary>The same of random tokens.</summary>
    public IReadOnlyList<string?> EarlyRandom { get; init; } = [];

    /// <summary>Answers with sentence k made wrong.</summary>
    public IReadOnlyList<string?> Mistaken { get; init; } = [];

    /// <summary>Answers with sentence k of another question in its place.</summary>
    public IReadOnlyList<string?> MistakenShuffled { get; init; } = [];

    /// <summary>Answers with sentence k as it was, and only the rest written anew.</summary>
    public IReadOnlyList<string?> Resampled { get; init; } = [];

    /// <summary>Answers with the first k sentences in other words.</summary>
    public IReadOnlyList<string?> Paraphrased { get; init; } = [];

    /// <summary>The answer that the reasoning argues for which was put in its place; null without one.</summary>
    public string? OtherAnswer { get; init; }

    /// <summary>The answer with it.</summary>
    public string? Other { get; init; }

    /// <summary>Whether there was one.</summary>
    public bool HasOther { get; init; }

    /// <summary>The answer with reasoning that argues for its own answer; null without one.</summary>
    public string? Same { get; init; }

    /// <summary>Whether there was one.</summary>
    public bool HasSame { get; init; }

    /// <summary>The answer with a chain of another question.</summary>
    public string? Shuffled { get; init; }

    /// <summary>The answer with random tokens.</summary>
    public string? Random { get; init; }

    /// <summary>The answer of a chain with the hint; null without one.</summary>
    public string? Hinted { get; init; }

    /// <summary>The same, after that chain behind the question without the hint.</summary>
    public string? HintedTransplanted { get; init; }

    /// <summary>Whether the reasoning with the hint mentions it.</summary>
    public bool MentionsHint { get; init; }

    /// <summary>Whether the chain itself, without the hint, has its words.</summary>
    public bool MentionsHintWithout { get; init; }

    /// <summary>What it says; null unless that was asked for.</summary>
    public string? Text { get; init; }
}
