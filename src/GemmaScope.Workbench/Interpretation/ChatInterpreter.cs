using GemmaScope.Features.Interpretation;
using Microsoft.Extensions.AI;

namespace GemmaScope.Workbench;

/// <summary>How a language model is asked.</summary>
public sealed record ChatInterpreterOptions
{
    /// <summary>Examples that an explanation is made from.</summary>
    public int Shown { get; init; } = 40;

    /// <summary>Passages of one question.</summary>
    public int PerQuestion { get; init; } = 5;

    /// <summary>Questions that are asked at the same time.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Tokens of a passage.</summary>
    public int Window { get; init; } = 32;

    /// <summary>Tokens of an answer at most; models that think before they answer need many.</summary>
    public int MaxAnswerTokens { get; init; } = 512;
}

/// <summary>Lets a language model explain features, and judge explanations by detection and fuzzing (METHODS §6.1).</summary>
/// <param name="writer">Writes passages.</param>
/// <param name="options">How it is asked; null for the defaults.</param>
public sealed class ChatInterpreter(PassageWriter writer, ChatInterpreterOptions? options = null)
{
    private const int Strongest = 10;

    private static readonly Setting Shown = new(nameof(ChatInterpreterOptions.Shown)),
        PerQuestion = new(nameof(ChatInterpreterOptions.PerQuestion)),
        Window = new(nameof(ChatInterpreterOptions.Window));

    private readonly ChatInterpreterOptions _options = options ?? new();

    /// <summary>Names the wording of the questions; another text means other explanations and scores.</summary>
    public static string Method { get; } = $"prompt {InterpretationPrompts.Version}";

    /// <summary>Questions that judging takes, and one more if the explanation is asked for too.</summary>
    public int RequestsFor(QuestionSet questions, bool explain) =>
        (explain ? 1 : 0) + Parts(questions.Detection).Count() + Parts(questions.Fuzzing).Count();

    /// <summary>Asks a model what a feature is about.</summary>
    /// <returns>What it says, or null where that is no explanation.</returns>
    /// <exception cref="GemmaScopeException">The model cannot be asked.</exception>
    public async Task<string?> ExplainAsync(IChatClient model, FeatureEvidence evidence, CancellationToken cancellationToken = default)
    {
        var examples = evidence
            .Examples.Take(_options.Shown)
            .Select(example =>
            {
                // The marked token stands behind most of what the model had read when it fired.
                var start = Math.Clamp(example.Position - _options.Window * 2 / 3, 0, Math.Max(0, example.Tokens.Count - _options.Window));
                var values = example.Values.Skip(start).Take(_options.Window).ToArray();
                var passage = writer.Write([.. example.Tokens.Skip(start).Take(_options.Window)], [.. values.Select(value => value > 0)]);
                return (passage, Math.Clamp((int)Math.Ceiling(Strongest * values.Max() / evidence.Max), 1, Strongest));
            });
        var question = InterpretationPrompts.Explain([.. examples], [.. evidence.Promoted.Select(writer.Quoted)]);
        return InterpretationPrompts.ReadExplanation(await AskAsync(model, question, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Lets a model judge an explanation.</summary>
    /// <exception cref="GemmaScopeException">The model cannot be asked.</exception>
    public async Task<InterpretationScore> JudgeAsync(
        IChatClient model,
        string explanation,
        QuestionSet questions,
        CancellationToken cancellationToken = default
    )
    {
        (bool?[] detection, bool?[] fuzzing) = (new bool?[questions.Detection.Count], new bool?[questions.Fuzzing.Count]);
        var parts = Parts(questions.Detection)
            .Select(part =>
                (
                    part,
                    Set: questions.Detection,
                    Answers: detection,
                    Ask: (Func<string, IReadOnlyList<string>, string>)InterpretationPrompts.Detect
                )
            )
            .Concat(
                Parts(questions.Fuzzing)
                    .Select(part =>
                        (
                            part,
                            Set: questions.Fuzzing,
                            Answers: fuzzing,
                            Ask: (Func<string, IReadOnlyList<string>, string>)InterpretationPrompts.Fuzz
                        )
                    )
            );
        var limits = new ParallelOptions { MaxDegreeOfParallelism = _options.Parallel, CancellationToken = cancellationToken };
        await Parallel
            .ForEachAsync(
                parts,
                limits,
                async (one, stop) =>
                {
                    string[] passages =
                    [
                        .. one
                            .Set.Skip(one.part.Start)
                            .Take(one.part.Count)
                            .Select(question => writer.Write(question.Tokens, question.Marks)),
                    ];
                    var answer = await AskAsync(model, one.Ask(explanation, passages), stop).ConfigureAwait(false);
                    InterpretationPrompts.ReadDecisions(answer, one.part.Count).CopyTo(one.Answers, one.part.Start);
                }
            )
            .ConfigureAwait(false);
        return InterpretationScore.Of(questions, detection, fuzzing);
    }

    /// <summary>Asks a trifle: a model that cannot be asked is better known before a long text is read.</summary>
    /// <returns>What it says; null where that is nothing.</returns>
    /// <exception cref="GemmaScopeException">The model cannot be asked.</exception>
    public Task<string?> TryAsync(IChatClient model, CancellationToken cancellationToken = default) =>
        AskAsync(model, "Answer with the digit 1.", cancellationToken);

    /// <summary>What a model answers; null where it says nothing.</summary>
    private async Task<string?> AskAsync(IChatClient model, string question, CancellationToken cancellationToken)
    {
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = _options.MaxAnswerTokens };
        try
        {
            var answer = await model.GetResponseAsync(question, options, cancellationToken).ConfigureAwait(false);
            return string.IsNullOrWhiteSpace(answer.Text) ? null : answer.Text;
        }
        catch (ContextLengthException problem)
        {
            throw new ContextLengthException(
                $"a question is too long: {problem.Problem}",
                ChatClients.NameOf(model),
                new Remedy($"show it fewer examples with {Shown} and {PerQuestion}, or shorter ones with {Window}")
            );
        }
    }

    private IEnumerable<(int Start, int Count)> Parts(IReadOnlyList<Question> questions)
    {
        for (var start = 0; start < questions.Count; start += _options.PerQuestion)
            yield return (start, Math.Min(_options.PerQuestion, questions.Count - start));
    }
}
