using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>Tokens per second of several models, for information.</summary>
internal sealed class ModelsBenchmark() : Benchmark("models", "tokens per second of further models")
{
    public override IEnumerable<Figure> Measure(BenchSetup setup) =>
        (setup.Options.Quick ? [setup.MainModel] : setup.Options.Models).SelectMany(name => Measure(setup, name));

    private static IEnumerable<Figure> Measure(BenchSetup setup, string name)
    {
        using var model = setup.Load(name);
        var tokens = BenchSetup.Tokens(model.Config, setup.PrefillTokens);
        foreach (var arithmetic in new[] { Arithmetic.Exact, Arithmetic.Fast })
        {
            var rates = setup.Race(
                new Contestant(tokens.Length, () => model.Run(tokens, logits: LogitRows.Last, arithmetic: arithmetic).Dispose()),
                DecodeBenchmark.Decode(model, arithmetic)
            );
            var mode = arithmetic == Arithmetic.Exact ? "exact" : "fast";
            yield return Figure.Of($"{name} prefill {mode}", rates[0], "tokens/s");
            yield return Figure.Of($"{name} decode {mode}", rates[1], "tokens/s", model.WeightBytes);
        }
    }
}
