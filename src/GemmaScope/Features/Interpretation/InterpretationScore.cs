using GemmaScope.Evaluation;

namespace GemmaScope.Features.Interpretation;

/// <summary>What an explanation of a feature is worth on text that it was not made from.</summary>
/// <param name="Detection">Does the feature fire in this passage?</param>
/// <param name="Fuzzing">Are these the tokens where it fires?</param>
public sealed record InterpretationScore(DetectionScore Detection, DetectionScore Fuzzing)
{
    /// <summary>Balanced accuracy of detection; null where a class is missing, or where fewer than half of the answers could be read: the
    /// others are no fair sample.</summary>
    public double? DetectionAccuracy => Accuracy(Detection);

    /// <summary>The same of fuzzing.</summary>
    public double? FuzzingAccuracy => Accuracy(Fuzzing);

    /// <summary>Mean of the two, of those that are defined; null where neither is.</summary>
    public double? Mean =>
        (DetectionAccuracy, FuzzingAccuracy) switch
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

    private static double? Accuracy(DetectionScore score) => score.Used >= score.Unparsed ? score.Counts.BalancedAccuracy : null;

    private static bool[] Truth(IEnumerable<Question> questions) => [.. questions.Select(question => question.Truth)];
}
