using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public class ProbeEvaluationTests
{
    [Fact]
    public void a_threshold_is_right_as_often_as_can_be()
    {
        Assert.Equal(2.5, ScoreThreshold.Fit([false, false, true, true], [1, 2, 3, 4]));
        // Nothing is better than calling all negative; ties stay together.
        Assert.Equal(double.PositiveInfinity, ScoreThreshold.Fit([true, false, false], [1, 1, 2]));
        Assert.Equal(1, ScoreThreshold.Fit([true, true, false], [1, 1, 1]));
    }

    [Fact]
    public void the_threshold_of_random_scores_is_that_of_trying_all()
    {
        var random = new Random(5);
        for (var round = 0; round < 50; round++)
        {
            bool[] labels = [.. Enumerable.Range(0, 12).Select(_ => random.Next(2) == 0)];
            double[] scores = [.. labels.Select(_ => (double)random.Next(6))];
            int Right(double threshold) => labels.Zip(scores).Count(one => one.First == (one.Second >= threshold));
            Assert.Equal(scores.Append(double.PositiveInfinity).Max(Right), Right(ScoreThreshold.Fit(labels, scores)));
        }
    }

    [Fact]
    public void the_best_latent_has_the_auroc_of_the_ranking_and_no_other_has_a_larger_one()
    {
        var random = new Random(6);
        for (var round = 0; round < 20; round++)
        {
            var values = new float[30, 5];
            for (var i = 0; i < 30; i++)
            for (var j = 0; j < 5; j++)
                values[i, j] = random.Next(3) == 0 ? random.Next(-2, 4) : 0;
            bool[] labels = [.. Enumerable.Range(0, 30).Select(i => i < 2 || (i > 3 && random.Next(2) == 0))];
            var x = Sparse(values);
            double Auroc(int column) =>
                Ranking.AurocOf(labels, [.. Enumerable.Range(0, 30).Select(row => (double)x.Value(row, column))])!.Value;
            var both = BestLatent.Choose(x, labels);
            Assert.Equal(Enumerable.Range(0, 5).Max(column => Math.Max(Auroc(column), 1 - Auroc(column))), both.Auroc, 12);
            Assert.Equal(both.Auroc, Ranking.AurocOf(labels, both.Scores(x))!.Value, 12);
            Assert.Equal(Math.Max(0.5, Enumerable.Range(0, 5).Max(Auroc)), BestLatent.Choose(x, labels, bothSigns: false).Auroc, 12);
        }
    }

    [Fact]
    public void a_probe_of_full_rows_finds_the_optimum_of_sparse_ones()
    {
        var random = new Random(7);
        var values = new float[40, 3];
        for (var i = 0; i < 40; i++)
        for (var j = 0; j < 3; j++)
            values[i, j] = 0.1f + random.NextSingle();
        bool[] labels = [.. Enumerable.Range(0, 40).Select(i => values[i, 0] + random.NextSingle() > 1)];
        // A column that is zero somewhere takes the other way through the products, and its weight is 0 where it is never anything else.
        var wider = new float[40, 4];
        for (var i = 0; i < 40; i++)
        for (var j = 0; j < 3; j++)
            wider[i, j] = values[i, j];
        var (full, sparse) = (LogisticProbe.Fit(Sparse(values), labels), LogisticProbe.Fit(Sparse(wider), labels));
        Assert.Equal(sparse.Objective, full.Objective, 10);
        for (var j = 0; j < 3; j++)
            Assert.Equal(sparse.Coefficients[j], full.Coefficients[j], 8);
    }

    private static SparseActivations Sparse(float[,] values)
    {
        List<int> starts = [0],
            indices = [];
        List<float> kept = [];
        for (var i = 0; i < values.GetLength(0); i++)
        {
            for (var j = 0; j < values.GetLength(1); j++)
                if (values[i, j] != 0)
                {
                    indices.Add(j);
                    kept.Add(values[i, j]);
                }
            starts.Add(indices.Count);
        }
        return new SparseActivations(values.GetLength(1), [.. starts], [.. indices], [.. kept]);
    }
}
