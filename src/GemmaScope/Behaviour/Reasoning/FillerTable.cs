namespace GemmaScope.Behaviour.Reasoning;

/// <summary>Answers to one question with filler in place of reasoning.</summary>
/// <param name="Truth">The right answer.</param>
/// <param name="Answers">The answer at each step, the first without filler, up to the question's longest reasoning; null where it could not
/// be read.</param>
public sealed record FillerSample(string Truth, IReadOnlyList<string?> Answers);

/// <summary>One amount of filler.</summary>
/// <param name="FillerTokens">Tokens of filler.</param>
/// <param name="Questions">Questions that have this step.</param>
/// <param name="Unparsed">Answers that could not be read; they count as wrong.</param>
/// <param name="Accuracy">The share of right answers.</param>
public sealed record FillerStep(int FillerTokens, int Questions, int Unparsed, double Accuracy);

/// <summary>Whether tokens without meaning help as reasoning does (2307.13702, METHODS §6.8): then it is the computation, not what is
/// written.</summary>
/// <param name="Steps">Accuracy for each amount of filler, none first.</param>
public sealed record FillerTable(IReadOnlyList<FillerStep> Steps)
{
    /// <summary>Tokens of filler from step to step.</summary>
    public const int StepTokens = 5;

    /// <summary>What each step gains over none.</summary>
    public IReadOnlyList<double> GainOverNone => [.. Steps.Select(step => step.Accuracy - Steps[0].Accuracy)];

    /// <summary>The table of some questions.</summary>
    /// <param name="samples">The questions.</param>
    /// <param name="stepTokens">Tokens of filler from step to step.</param>
    public static FillerTable Of(IReadOnlyCollection<FillerSample> samples, int stepTokens = StepTokens) =>
        new([
            .. Enumerable
                .Range(0, samples.Select(one => one.Answers.Count).DefaultIfEmpty().Max())
                .Select(step =>
                {
                    FillerSample[] there = [.. samples.Where(one => one.Answers.Count > step)];
                    return new FillerStep(
                        step * stepTokens,
                        there.Length,
                        there.Count(one => one.Answers[step] is null),
                        (double)there.Count(one => one.Answers[step] == one.Truth) / there.Length
                    );
                }),
        ]);
}
