using GemmaScope.Models;

namespace GemmaScope.Bench;

/// <summary>What two users of one model lose by asking at the same time: nothing, where the workers share themselves between the two
/// runs.</summary>
internal sealed class ConcurrentBenchmark() : Benchmark("concurrent", "two prefills at once on one model, and one after the other")
{
    private const int Tokens = 128;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.MainModel);
        var tokens = BenchSetup.Tokens(model.Config, Math.Min(Tokens, setup.PrefillTokens));
        var work = 2 * WorkCount.Prefill(model.Config, tokens.Length);
        void Prefill() => model.Run(tokens, logits: LogitRows.Last).Dispose();

        var rates = setup.Race(
            new Contestant(
                work,
                () =>
                {
                    Prefill();
                    Prefill();
                }
            ),
            new Contestant(work, () => Task.WaitAll(Task.Run(Prefill), Task.Run(Prefill)))
        );
        yield return Figure.Against("two prefills at once", rates[1], GigaFlops, 1e9, "one after the other", rates[0], 0.9);
    }
}
