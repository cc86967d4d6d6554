using GemmaScope.Evaluation;

namespace GemmaScope.Features.Interpretation;

/// <summary>What an explanation of a feature is worth on text that it was not made from.</summary>
/// <param name="Detection">Does the feature fire in this passage?</param>
/// <param name="Fuzzing">Are these the tokens where it fires?</param>
public sealed record InterpretationScore(DetectionScore Detection, DetectionScore Fuzzing)
{
    /// <summary>Mean of the two balanced accuracies, of those that are defined; null where neither is.</summary>
    public double? Mean => (Detection.Counts.BalancedAccuracy, Fuzzing.Counts.BalancedAccuracy) switch
    {
        ({ } detection, { } fuzzing) => (detection + fuzzing) / 2,
        var (detection, fuzzing) => detection ?? fuzzing,
    };

    /// <summary>Scores the answers to a set of questions.</summary>
    /// <param name="questions">The questions.</param>
    /// <param name="detection">What was said to those of detection; null where it could not be read.</param>
    /// <param name="fuzzing">What was said to those of fuzzing.</param>
    /// <exception cref="ArgumentProblemException">There are not as many answers as questions.</exception>
    public static InterpretationScore Of(QuestionSet questions, ReadOnlySpan<bool?> detection, ReadOnlySpan<bool?> fuzzing) =>
        new(DetectionScore.Of(Truth(questions.Detection), detection), DetectionScore.Of(Truth(questions.Fuzzing), fuzzing));

    private static bool[] Truth(IEnumerable<Question> questions) => [.. questions.Select(question => question.Truth)];
}
