using GemmaScope.Models;
using GemmaScope.Server.Hosting;

namespace GemmaScope.Bench;

/// <summary>What two users of one model lose by asking at the same time: nothing, where the workers share themselves between the two runs;
/// and what they gain, where their texts are short and run together.</summary>
internal sealed class ConcurrentBenchmark() : Benchmark("concurrency", "two prefills at once on one model, and one after the other")
{
    private const int Tokens = 128,
        ShortText = 32,
        Requests = 3;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.MainModel);
        var tokens = BenchSetup.Tokens(model.Config, Math.Min(Tokens, setup.PrefillTokens));
        var rates = setup.Race(
            Of(model, [tokens], () => Prefill(model, [tokens], [tokens])),
            Of(model, [tokens], () => Task.WaitAll(Task.Run(() => Prefill(model, [tokens])), Task.Run(() => Prefill(model, [tokens]))))
        );
        yield return Figure.Against("two prefills at once", rates[1], GigaFlops, 1e9, "one after the other", rates[0], 0.9);

        foreach (var length in (int[])[ShortText / 2, ShortText, 2 * ShortText])
        {
            var text = BenchSetup.Tokens(model.Config, length);
            rates = setup.Race(
                Of(model, [text], () => Prefill(model, [text], [text])),
                Of(model, [text], () => Prefill(model, [text, text]))
            );
            yield return Figure.Against(
                $"two texts of {length} tokens in one run",
                rates[1],
                GigaFlops,
                1e9,
                "one after the other",
                rates[0],
                Together
            );
        }
        foreach (var figure in Queued(setup, model))
            yield return figure;
    }

    /// <summary>What is asked of two short texts at once.</summary>
    private const double Together = 1.7;

    /// <summary>Two users who ask again as soon as they are answered, and one who asks for both.</summary>
    private static IEnumerable<Figure> Queued(BenchSetup setup, GemmaModel model)
    {
        using var queue = new ModelQueue(64, TimeSpan.FromMinutes(5));
        var batch = new ModelBatch<int[], bool>(
            (texts, _) =>
            {
                Prefill(model, [.. texts]);
                return new bool[texts.Count];
            },
            text => text.Length,
            most: 256
        );
        var text = BenchSetup.Tokens(model.Config, ShortText);
        async Task Ask(string source, int times)
        {
            for (var i = 0; i < times; i++)
                await queue.RunAsync(source, batch, text, CancellationToken.None).ConfigureAwait(false);
        }
        var asked = Enumerable.Repeat(text, Requests).ToArray();
        var rates = setup.Race(
            Of(model, asked, () => Ask("one", 2 * Requests).GetAwaiter().GetResult()),
            Of(model, asked, () => Task.WaitAll(Ask("one", Requests), Ask("other", Requests)))
        );
        yield return Figure.Against(
            $"two who ask for texts of {ShortText} tokens, by the queue",
            rates[1],
            GigaFlops,
            1e9,
            "one who does",
            rates[0],
            Together
        );
    }

    /// <summary>Work on texts twice.</summary>
    private static Contestant Of(GemmaModel model, int[][] texts, Action run) =>
        new(2 * texts.Sum(text => WorkCount.Prefill(model.Config, text.Length)), run);

    private static void Prefill(GemmaModel model, params int[][][] runs)
    {
        foreach (var texts in runs)
            model.Run(texts, logits: LogitRows.Last).Dispose();
    }
}
