using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Evaluation;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public class ClassifierMetricsTests
{
    [Fact]
    public void auroc_counts_pairs() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<(bool, byte)[]>(),
                rows =>
                {
                    bool[] labels = [.. rows.Select(row => row.Item1)];
                    double[] scores = [.. rows.Select(row => row.Item2 % 8 / 8.0)];
                    double pairs = 0,
                        won = 0;
                    for (var i = 0; i < rows.Length; i++)
                    for (var j = 0; j < rows.Length; j++)
                        if (labels[i] && !labels[j])
                            (pairs, won) = (
                                pairs + 1,
                                won
                                    + (
                                        scores[i] > scores[j] ? 1
                                        : scores[i] == scores[j] ? 0.5
                                        : 0
                                    )
                            );
                    var got = Ranking.AurocOf(labels, scores);
                    return pairs == 0 ? got is null : Math.Abs(got!.Value - won / pairs) < 1e-12;
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void what_is_undefined_says_why()
    {
        var metrics = ClassifierMetrics.Of([false, false], [0.2, 0.1]);
        Assert.Equal("there are no positives", metrics.Undefined.Single(one => one.Name == "auroc").Reason);
        Assert.Equal("nothing is flagged", metrics.Undefined.Single(one => one.Name == "precision").Reason);
        Assert.DoesNotContain(metrics.Undefined, one => one.Name is "brier" or "accuracy" or "ece_10");
        Assert.Empty(ClassifierMetrics.Of([true, false], [0.9, 0.1]).Undefined);
    }

    [Fact]
    public void scores_that_are_no_probabilities_have_no_calibration()
    {
        var metrics = ClassifierMetrics.Of([true, false], [3, -1]);
        Assert.Null(metrics.Calibration.ExpectedError);
        Assert.Contains(metrics.Undefined, one => one.Name == "ece_10" && one.Reason.Contains("0 to 1"));
        Assert.Equal(1, metrics.Ranking.Auroc);
    }

    [Fact]
    public void a_score_that_is_no_number_is_refused() =>
        Assert.Throws<ArgumentProblemException>(() => ClassifierMetrics.Of([true], [double.NaN]));
}
