using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public sealed class EvaluatorTests : IDisposable
{
    private static readonly Dictionary<string, string> Description = new() { ["model"] = "demo" };
    private static readonly EvaluationOptions Options = new() { Runs = [SplicedRun.Spliced, SplicedRun.ZeroAblated], Positions = 8 };

    // Batches of other sizes are multiplied in other orders.
    private const double Rounding = 1e-6;

    private readonly GemmaModel _model = GemmaModel.Load(Fixtures.Path("evaluation", "spliced", "models", "gemma2"));
    private readonly SparseDictionary _dictionary = SparseDictionary.Load(
        Directory
            .EnumerateFiles(
                Fixtures.Path("evaluation", "spliced", "dictionaries", "gemma-scope-tiny-pt-mlp"),
                "params.npz",
                SearchOption.AllDirectories
            )
            .Single(),
        new DictionaryLoadOptions { Site = Site.MlpOut(1) }
    );

    public void Dispose()
    {
        _dictionary.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void batches_add_up_to_the_whole()
    {
        Evaluator whole = New(),
            parts = New();
        whole.Add(Batch(1, 2, 3));
        parts.Add(Batch(1));
        parts.Add(Batch(2, 3));
        AssertSame(whole.Sums, parts.Sums);
    }

    [Fact]
    public void an_evaluation_goes_on_from_a_saved_state()
    {
        using var folder = new TemporaryFolder();
        Evaluator first = New(),
            second = New(),
            whole = New();
        first.Add(Batch(1));
        first.Save(folder.File("state"), Description);
        second.Restore(folder.File("state"), description => Assert.Equal("demo", description["model"]));
        second.Add(Batch(2, 3));
        whole.Add(Batch(1, 2, 3));
        AssertSame(whole.Sums, second.Sums);
    }

    [Fact]
    public void a_state_of_other_sums_is_refused_and_changes_nothing()
    {
        using var folder = new TemporaryFolder();
        var first = new Evaluator(_model, [_dictionary], Options with { Runs = [] });
        first.Add(Batch(1));
        first.Save(folder.File("state"), Description);
        var other = New();
        Assert.Throws<FileFormatException>(() => other.Restore(folder.File("state"), _ => { }));
        Assert.Equal(0, other.Sums.Tokens);
    }

    [Fact]
    public void a_cancelled_batch_leaves_the_sums_as_they_were()
    {
        var evaluator = New();
        evaluator.Add(Batch(1));
        var before = evaluator.Sums.Dictionaries[0].Reconstruction.Rows;
        Assert.ThrowsAny<OperationCanceledException>(() => evaluator.Add(Batch(2), new CancellationToken(canceled: true)));
        Assert.Equal(before, evaluator.Sums.Dictionaries[0].Reconstruction.Rows);
        Assert.Equal(20, evaluator.Sums.Tokens);
    }

    [Fact]
    public void only_the_first_positions_get_sums_of_their_own()
    {
        var evaluator = New();
        evaluator.Add(Batch(1, 2));
        Assert.Equal(8, evaluator.Sums.Dictionaries[0].ByPosition.Count);
        Assert.Equal(2, evaluator.Sums.Dictionaries[0].ByPosition[3].Reconstruction.Rows);
        Assert.Equal(0, evaluator.Sums.Dictionaries[0].ByPosition[0].Reconstruction.Rows);
    }

    [Fact]
    public void without_edited_runs_there_are_no_losses()
    {
        var evaluator = new Evaluator(_model, [_dictionary], new EvaluationOptions { Runs = [], Uniformity = false });
        evaluator.Add(Batch(1));
        Assert.Empty(evaluator.Sums.Sets);
        Assert.Equal(0, evaluator.Sums.Clean.Total.Predictions());
        Assert.True(double.IsNaN(evaluator.Sums.Dictionaries[0].Uniformity.Mean));
        Assert.InRange(evaluator.Sums.Dictionaries[0].Reconstruction.Fvu, 0.01, 1);
    }

    [Fact]
    public void mean_ablation_asks_for_the_means() =>
        Assert.Contains(
            "mean",
            Assert
                .Throws<ArgumentProblemException>(() =>
                    new Evaluator(_model, [_dictionary], Options with { Runs = [SplicedRun.MeanAblated] }).Add(Batch(1))
                )
                .Message
        );

    [Fact]
    public void a_dictionary_of_another_model_is_refused()
    {
        using var demo = GemmaModel.Load(Fixtures.Model("demo-pt"));
        Assert.Contains("another model", Assert.Throws<ArgumentProblemException>(() => new Evaluator(demo, [_dictionary])).Message);
    }

    private Evaluator New() => new(_model, [_dictionary], Options);

    private static EvaluationBatch Batch(params int[] seeds) =>
        EvaluationBatch.WithSpecialIds([.. seeds.Select(Sequence)], [0, 1, 2], bos: 2);

    private static int[] Sequence(int seed)
    {
        var random = new Random(seed);
        return [2, .. Enumerable.Range(0, 19).Select(_ => random.Next(3, 200))];
    }

    private static void AssertSame(EvaluationSums want, EvaluationSums got)
    {
        Assert.Equal(want.Tokens, got.Tokens);
        var (a, b) = (want.Dictionaries[0], got.Dictionaries[0]);
        Assert.Equal(a.Reconstruction.Fvu, b.Reconstruction.Fvu, Rounding);
        Assert.Equal(a.Tutorial.TutorialVarianceExplained, b.Tutorial.TutorialVarianceExplained, Rounding);
        Assert.Equal(a.FvuAt(5), b.FvuAt(5), Rounding);
        Assert.Equal(a.ByPosition[5].L0, b.ByPosition[5].L0);
        Assert.Equal(a.Sparsity.Counts, b.Sparsity.Counts);
        Assert.All(
            a.Sparsity.Maxima.Zip(b.Sparsity.Maxima),
            pair => Assert.Equal(pair.First, pair.Second, Rounding * Math.Max(1, pair.First))
        );
        Assert.Equal(a.Uniformity.Rows, b.Uniformity.Rows);
        Assert.Equal(a.Uniformity.Mean, b.Uniformity.Mean, Rounding);
        foreach (var (run, losses) in want.Sets[0].Runs)
        {
            var other = got.Sets[0].Runs[run];
            Assert.Equal(losses.Total.Predictions(), other.Total.Predictions());
            Assert.Equal(losses.Total.DeltaLoss(want.Clean.Total), other.Total.DeltaLoss(got.Clean.Total), Rounding);
            Assert.Equal(losses.Total.Divergence(), other.Total.Divergence(), Rounding);
            Assert.Equal(losses.ByPosition[4].CrossEntropy(), other.ByPosition[4].CrossEntropy(), Rounding);
        }
        Assert.Equal(
            want.Sets[0].Inside[0].Reconstruction.MeanSquaredError,
            got.Sets[0].Inside[0].Reconstruction.MeanSquaredError,
            100 * Rounding
        );
    }
}
