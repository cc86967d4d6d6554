using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>What reading activations costs a prefill, and what a hook point costs that nobody listens to.</summary>
internal sealed class CaptureBenchmark() : Benchmark("capture", "capture of resid_post, z and mlp_out of all layers")
{
    private const int Calls = 1_000_000;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.MainModel);
        var tokens = BenchSetup.Tokens(model.Config, setup.PrefillTokens);
        Site[] sites =
        [
            .. Enumerable
                .Range(0, model.Config.Layers)
                .SelectMany(layer => new[] { Site.ResidPost(layer), Site.Z(layer), Site.MlpOut(layer) }),
        ];
        Contestant Run(Arithmetic arithmetic, Site[] capture) =>
            new(1, () => model.Run(tokens, capture, logits: LogitRows.Last, arithmetic: arithmetic).Dispose());

        var rates = setup.Race(
            Run(Arithmetic.Exact, []),
            Run(Arithmetic.Exact, sites),
            Run(Arithmetic.Fast, []),
            Run(Arithmetic.Fast, sites),
            Silent(model.Config)
        );
        yield return Cost("exact", rates[0], rates[1]);
        yield return Cost("fast", rates[2], rates[3]);
        yield return Figure.Of("hook point without a listener", [.. rates[4].Select(rate => 1e9 / rate)], "ns");
    }

    private static Figure Cost(string arithmetic, double[] plain, double[] capturing) =>
        Figure.Below(
            $"capture, extra time, {arithmetic}",
            [.. plain.Zip(capturing, (without, with) => 100 * (without / with - 1))],
            "%",
            "of the prefill",
            10
        );

    private static Contestant Silent(GemmaConfig config)
    {
        var hooks = new RunHooks(config, [], []);
        var sequences = new RunSequences(
            [
                [config.BosId],
            ],
            null
        );
        return new(
            Calls,
            () =>
            {
                for (var i = 0; i < Calls; i++)
                    hooks.At(SiteKind.ResidPost, i % config.Layers, default, sequences);
            }
        );
    }
}
