using GemmaScope.Models;
using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Training;

public sealed class LambdaSearchTests : IDisposable
{
    private static readonly Site Place = Site.ResidPost(0);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0.6, 1e-3, 40)]
    [InlineData(1, 1, 7)]
    [InlineData(2.5, 1e-6, 300)]
    public void a_power_law_is_solved_in_a_few_runs(double exponent, double first, double target)
    {
        var tried = new List<SearchedLambda>();
        for (var run = 0; run < 12 && !tried.Any(one => Math.Abs(one.L0 / target - 1) < 0.05); run++)
        {
            var lambda = LambdaSearch.Next(tried, target, first);
            tried.Add(new(lambda, 0.5 * Math.Pow(lambda, -exponent)));
        }
        Assert.Equal(target, tried[^1].L0, 0.05 * target);
    }

    [Fact]
    public void a_lambda_that_silences_everything_is_halved_on_the_logarithmic_scale() =>
        Assert.Equal(0.01, LambdaSearch.Next([new(1e-3, 90), new(0.1, 0)], 30, 1e-3), 1e-9);

    [Theory]
    [InlineData(Architecture.JumpRelu, SparsityTerm.L0, 1e-4)]
    [InlineData(Architecture.Relu, SparsityTerm.L1, 1e-4)]
    public void the_lambda_found_leads_to_the_l0_asked_for(Architecture architecture, SparsityTerm sparsity, double first)
    {
        var configuration = Configuration(architecture, sparsity, first);
        var (found, runs) = Search(configuration);
        Assert.Equal(5, found.L0, 0.5);
        Assert.InRange(runs.Count, 2, 8);
        Assert.False(Directory.Exists(Path.Combine(configuration.Output, "search")));

        // The same from what is noted, without a run; for another target what is known is used too.
        var (again, noted) = Search(configuration, train: _ => Assert.Fail("was trained again"));
        Assert.Equal(found, again);
        Assert.Equal(runs, noted);
        Assert.NotEqual(found, Search(configuration with { Search = configuration.Search with { L0 = 8 } }).Found);

        using var trained = TrainingRun.Open(
            [configuration with { Search = configuration.Search with { Lambda = found.Lambda } }],
            new SampleRows(Place),
            configuration.Output
        );
        Assert.Equal(found.Lambda, trained.Members[0].Trainer.Recipe.Lambda);
    }

    [Fact]
    public void an_interrupted_search_goes_on_with_the_same_result()
    {
        var whole = Search(Configuration(Architecture.JumpRelu, SparsityTerm.L0, 1e-4)).Found;
        var parts = Configuration(Architecture.JumpRelu, SparsityTerm.L0, 1e-4) with { Output = _folder.File("parts") };
        var count = 0;
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Search(
                parts,
                run =>
                {
                    using var stop = new CancellationTokenSource();
                    if (++count == 2)
                        stop.Cancel();
                    run.Run(cancellationToken: stop.Token);
                }
            )
        );
        Assert.Equal(whole, Search(parts).Found);
    }

    [Fact]
    public void a_search_that_begins_anew_leaves_aside_what_was_noted()
    {
        var configuration = Configuration(Architecture.JumpRelu, SparsityTerm.L0, 0.02) with
        {
            Search = new()
            {
                L0 = 5,
                Steps = 20,
                Runs = 2,
            },
        };
        Search(configuration, restart: true);
        var trained = 0;
        void Count(TrainingRun run)
        {
            trained++;
            run.Run();
        }
        Search(configuration, Count);
        Assert.Equal(0, trained);
        Search(configuration, Count, restart: true);
        Assert.InRange(trained, 1, 2);
    }

    private static (SearchedLambda Found, List<SearchedLambda> Runs) Search(
        TrainingConfiguration configuration,
        Action<TrainingRun>? train = null,
        bool restart = false
    )
    {
        var runs = new List<SearchedLambda>();
        using var rows = new SampleRows(Place);
        return (LambdaSearch.Find(configuration, rows, train ?? (run => run.Run()), new Told(runs.Add), restart), runs);
    }

    private TrainingConfiguration Configuration(Architecture architecture, SparsityTerm sparsity, double lambda) =>
        new()
        {
            Sites = [Place],
            Width = 48,
            Batch = 64,
            Steps = 2000,
            Output = _folder.File("run"),
            Data = new() { Store = "none" },
            Recipe = new()
            {
                Architecture = architecture,
                Sparsity = sparsity,
                Lambda = lambda,
                LearningRate = 0.01,
                WarmupSteps = 50,
                LambdaWarmupSteps = 500,
                Epsilon = 0.05,
                ThresholdStart = 0.01,
            },
            Search = new()
            {
                L0 = 5,
                Tolerance = 0.1,
                Steps = 200,
            },
        };

    private sealed class Told(Action<SearchedLambda> tell) : IProgress<SearchedLambda>
    {
        public void Report(SearchedLambda value) => tell(value);
    }
}
