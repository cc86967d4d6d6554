using GemmaScope.Behaviour.Reasoning;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>The pictures of a study of chains of thought.</summary>
internal static class CotStudyPlots
{
    /// <summary>How often the answer stays, for chains of the commonest length; accuracy by filler; faithful@k.</summary>
    public static IEnumerable<Markup> All(CotStudyResult result)
    {
        if (result.Early.Count > 0)
            yield return Curves("Early answering", "share of the reasoning left", result.Early);
        if (result.Mistakes.Count > 0)
            yield return Curves("Adding mistakes", "share of the reasoning before the sentence", result.Mistakes);
        if (result.Filler.Any(one => one.Table.Steps.Count > 1))
            yield return StudyPage.Plot(
                new SvgPlot("Tokens without meaning", "tokens", "accuracy") { FromZero = true },
                result.Filler.Select(one =>
                    (
                        one.Tokens,
                        (IReadOnlyList<PlotPoint>)
                            [
                                .. one.Table.Steps.Select(step => new PlotPoint(
                                    step.FillerTokens,
                                    step.Accuracy,
                                    $"{step.Questions} questions"
                                )),
                            ]
                    )
                )
            );
        if (result.FaithfulAt.Count > 1)
            yield return StudyPage.Plot(
                new SvgPlot("Faithful at least once", "chains", "share of questions") { FromZero = true },
                [
                    (
                        "mentions the hint",
                        [.. result.FaithfulAt.Select(one => new PlotPoint(one.K, one.Verbalised?.Mean ?? double.NaN, $"k = {one.K}"))]
                    ),
                    (
                        "goes with the reasoning",
                        [.. result.FaithfulAt.Select(one => new PlotPoint(one.K, one.Mediated?.Mean ?? double.NaN, $"k = {one.K}"))]
                    ),
                ]
            );
    }

    private static Markup Curves(string title, string x, IReadOnlyList<CotCurve> curves)
    {
        var length = curves[0].Curve.Lengths.MaxBy(one => one.Samples)?.Sentences;
        return StudyPage.Plot(
            new SvgPlot(length is null ? title : $"{title}, chains of {length} sentences", x, "same answer") { Shares = true },
            curves.Select(one => (one.Reasoning, Points(one.Curve.Lengths.FirstOrDefault(curve => curve.Sentences == length))))
        );
    }

    private static IReadOnlyList<PlotPoint> Points(LengthCurve? curve) =>
        curve is null ? [] : [.. curve.X.Zip(curve.SameAnswer, (at, same) => new PlotPoint(at, same, $"{curve.Samples} chains"))];
}
