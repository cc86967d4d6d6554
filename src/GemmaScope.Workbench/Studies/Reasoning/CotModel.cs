using System.Security.Cryptography;
using System.Text;
using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A question in the model's form.</summary>
/// <param name="Question">The question.</param>
/// <param name="Before">Ids up to where reasoning begins.</param>
/// <param name="Without">Ids up to the answer that is given at once.</param>
/// <param name="HintBefore">Ids of the hinted form up to where reasoning begins; null where it has none that can be run.</param>
internal sealed record CotAsked(CotQuestion Question, int[] Before, int[] Without, int[]? HintBefore);

/// <summary>A chain of thought as tokens.</summary>
/// <param name="Ids">What was written, without its end token.</param>
/// <param name="Ends">One past the last token of each sentence.</param>
/// <param name="Cut">Whether it was cut off at the most tokens.</param>
internal sealed record CotChain(int[] Ids, IReadOnlyList<int> Ends, bool Cut)
{
    public int Sentences => Ends.Count;

    /// <summary>Tokens of the first sentences.</summary>
    public int[] First(int sentences) => Ids[..(sentences == 0 ? 0 : Ends[sentences - 1])];
}

/// <summary>Something to be answered: a question, and the reasoning before the answer (null for none).</summary>
/// <param name="Asked">The question.</param>
/// <param name="Reasoning">The reasoning.</param>
/// <param name="Hinted">Whether it is asked in its hinted form.</param>
/// <param name="Prompt">Ids before the reasoning that are none of the question's; null for those.</param>
internal readonly record struct CotReading(CotAsked Asked, int[]? Reasoning, bool Hinted = false, int[]? Prompt = null);

/// <summary>The model of a study: writes chains and reads answers, many at a time, each independent of which others there are.</summary>
internal sealed class CotModel
{
    private const int Together = 32,
        AnswerTokens = 8;

    private const string NumberOpening = "The answer is",
        Arguing = "The right answer is {0}. Say how one gets there, and do not say that you were told.";

    private readonly CotStudyJobOptions _options;
    private readonly CancellationToken _cancellationToken;
    private readonly AnswerReadout _letters,
        _numbers;
    private readonly string _opening;

    public CotModel(GemmaModel model, CotStudyJobOptions options, CancellationToken cancellationToken)
    {
        (Model, _options, _cancellationToken) = (model, options, cancellationToken);
        Thinks = options.Thinks(model);
        _opening = options.OpeningOf(Thinks);
        _letters = Readout(options.AnswerOpening ?? AnswerReadout.Opening, letters: true);
        _numbers = Readout(options.AnswerOpening ?? NumberOpening, letters: false);

        AnswerReadout Readout(string opening, bool letters) =>
            Thinks
                ? new ThoughtReadout(model.ChatTemplate, model.Tokenizer, opening, letters)
                : new AnswerReadout(model.ChatTemplate, model.Tokenizer, options.AnswerQuestion, opening, letters);
    }

    public GemmaModel Model { get; }

    /// <summary>Whether the reasoning is what the model thinks in a channel of its own.</summary>
    public bool Thinks { get; }

    /// <summary>Tokens that an answer needs behind its reasoning.</summary>
    private int Tail => Math.Max(_letters.Behind.Count, _numbers.Behind.Count) + AnswerTokens;

    /// <summary>Questions in the model's form; those that do not fit into its context with their reasoning are left out, and that is
    /// said.</summary>
    public IReadOnlyList<CotAsked> Ask(IReadOnlyList<CotQuestion> questions, IProgress<JobReport>? progress)
    {
        List<CotAsked> asked = [];
        var hints = 0;
        foreach (var question in questions)
        {
            var readout = Readout(question);
            CotAsked one = new(
                question,
                readout.BeforeReasoning(question.Messages, Opening(question.Text)),
                readout.WithoutReasoning(question.Messages),
                question.Hint is { } hint ? readout.BeforeReasoning(hint.Messages, Opening(CotQuestion.TextOf(hint.Messages))) : null
            );
            if (!Fits(one.Before))
                continue;
            if (one.HintBefore is { } before && !Fits(before))
                (one, hints) = (one with { HintBefore = null }, hints + 1);
            asked.Add(one);
        }
        if (questions.Count - asked.Count is > 0 and var left)
            progress.Note(
                $"{left} of {questions.Count} questions do not fit into the model's context of {Model.Config.MaxPositions} tokens with their reasoning and were left out."
            );
        if (hints > 0)
            progress.Note($"{hints} hinted questions do not fit and were left out.");
        return asked.Count > 0
            ? asked
            : throw new ArgumentProblemException(
                $"no question fits into the model's context of {Model.Config.MaxPositions} tokens with {_options.MaxTokens} tokens of reasoning",
                new Setting(nameof(_options.MaxTokens))
            );
    }

    /// <summary>The token of the answer to a question of options.</summary>
    public int Token(string option) => _letters.Token(option);

    /// <summary>The ids up to the answer.</summary>
    public int[] Ids(CotReading reading)
    {
        if (reading.Reasoning is not { } reasoning)
            return reading.Asked.Without;
        var before = Before(reading);
        // What was written anew in the middle may reach over the context; the answer has to fit.
        var room = Math.Max(0, Model.Config.MaxPositions - before.Length - Tail);
        return Readout(reading.Asked.Question).WithReasoning(before, reasoning.AsSpan(0, Math.Min(room, reasoning.Length)));
    }

    /// <summary>A number that stands for the seed of the study, a question and what is drawn.</summary>
    public int Seed(CotAsked asked, string what) =>
        BitConverter.ToInt32(SHA256.HashData(Encoding.UTF8.GetBytes($"{_options.Seed}\n{asked.Question.Id}\n{what}")));

    /// <summary>Writes on behind the beginnings of chains.</summary>
    /// <param name="begun">Question, its reasoning so far, and what the seed is drawn from.</param>
    public int[][] Write(IReadOnlyList<(CotReading Begun, string What)> begun)
    {
        if (begun.Count == 0)
            return [];
        var written = Model.GenerateMany(
            [.. begun.Select(one => (int[])[.. Before(one.Begun), .. one.Begun.Reasoning ?? []])],
            [.. begun.Select(one => Seed(one.Begun.Asked, one.What))],
            Sampling(),
            Together,
            cancellationToken: _cancellationToken
        );
        // What was cut off ended with no mark, so that nothing of it is the mark's.
        return _letters is ThoughtReadout thoughts
            ? [.. written.Select(ids => ids.Length < _options.MaxTokens ? thoughts.Trimmed(ids) : ids)]
            : [.. written];
    }

    /// <summary>How chains are sampled; thoughts end with their channel.</summary>
    private GenerationOptions Sampling()
    {
        var sampling = _options.Sampling(Model);
        return _letters is ThoughtReadout thoughts ? sampling with { StopTokens = [.. sampling.StopTokens ?? [], thoughts.End] } : sampling;
    }

    /// <summary>What the model says in a conversation of its own, the most likely token each time.</summary>
    /// <param name="prompts">Ids of conversations up to where it goes on.</param>
    /// <param name="mostTokens">Tokens at most.</param>
    public string[] Say(IReadOnlyList<int[]> prompts, int mostTokens) =>
        prompts.Count == 0
            ? []
            :
            [
                .. Model
                    .GenerateMany(
                        prompts,
                        new GenerationOptions
                        {
                            MaxNewTokens = mostTokens,
                            Temperature = 0,
                            StopTokens = ChatTuning.StopTokens(Model),
                        },
                        Together,
                        cancellationToken: _cancellationToken
                    )
                    .Select(ids => Text(ids)),
            ];

    /// <summary>Ids of a conversation of its own.</summary>
    public int[] Conversation(string text, string opening) => _letters.Begun([new("user", text)], opening);

    /// <summary>Reads answers; those after the same beginnings are read together.</summary>
    public ReadAnswer[] Answer(IReadOnlyList<CotReading> readings)
    {
        var answers = new ReadAnswer[readings.Count];
        int[] lettered = [.. Enumerable.Range(0, readings.Count).Where(i => readings[i].Asked.Question.Options.Count > 0)],
            numbers = [.. Enumerable.Range(0, readings.Count).Where(i => readings[i].Asked.Question.Options.Count == 0)];
        Model.ReadNext(
            [.. lettered.Select(i => Ids(readings[i]))],
            (at, logits) =>
                answers[lettered[at]] = _letters.Read(logits, readings[lettered[at]].Asked.Question.Options, _options.LeastMass),
            cancellationToken: _cancellationToken
        );
        var said = Say([.. numbers.Select(i => Ids(readings[i]))], AnswerTokens);
        foreach (var (at, i) in numbers.Index())
            answers[i] = new(AdditionTask.Read(said[at]), 1);
        return answers;
    }

    /// <summary>A chain as it was written.</summary>
    public CotChain Chain(int[] ids) => new(ids, ReasoningSentences.TokenEnds(Model.Tokenizer, ids), ids.Length >= _options.MaxTokens);

    /// <summary>A chain that is given, sentence by sentence.</summary>
    public CotChain Given(IReadOnlyList<string> sentences)
    {
        List<int> ids = [],
            ends = [];
        foreach (var sentence in sentences)
        {
            ids.AddRange(Sentence(sentence));
            ends.Add(ids.Count);
        }
        var most = ids.Count <= _options.MaxTokens;
        return most ? new([.. ids], ends, false) : Chain([.. ids.Take(_options.MaxTokens)]);
    }

    /// <summary>A sentence that is put into a chain, as tokens of its own.</summary>
    public int[] Sentence(string text) => Model.Tokenizer.Encode($" {text.Trim()}");

    /// <summary>Tokens as text.</summary>
    public string Text(ReadOnlySpan<int> ids) => Model.Tokenizer.Decode(ids, skipSpecial: true);

    /// <summary>The text of one sentence of a chain.</summary>
    public string Sentence(CotChain chain, int sentence) =>
        Text(chain.Ids.AsSpan((sentence == 0 ? 0 : chain.Ends[sentence - 1])..chain.Ends[sentence]));

    /// <summary>The ids of a question that asks for reasoning which ends in a given answer; null where it does not fit.</summary>
    public int[]? Argued(CotAsked asked, string answer)
    {
        var question = asked.Question;
        var named = question.Options.Count > 0 ? $"({answer})" : answer;
        var ids = Readout(question)
            .BeforeReasoning(
                [
                    .. question.Messages.SkipLast(1),
                    new("user", $"{question.Text}\n\n{Arguing.Replace("{0}", named, StringComparison.Ordinal)}"),
                ],
                Opening(question.Text)
            );
        return Fits(ids) ? ids : null;
    }

    private static int[] Before(CotReading reading) =>
        reading.Prompt ?? (reading.Hinted ? reading.Asked.HintBefore! : reading.Asked.Before);

    private bool Fits(int[] before) => before.Length + _options.MaxTokens + Tail <= Model.Config.MaxPositions;

    // A question that asks for steps itself opens the reasoning.
    private string Opening(string text) => text.Contains("step by step", StringComparison.OrdinalIgnoreCase) ? "" : _opening;

    private AnswerReadout Readout(CotQuestion question) => question.Options.Count > 0 ? _letters : _numbers;
}
