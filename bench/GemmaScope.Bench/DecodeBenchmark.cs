using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>Token after token: each reads every weight once, so the limit is the memory.</summary>
internal sealed class DecodeBenchmark() : Benchmark("decode", "decode of 24 tokens, bytes of weights per second")
{
    private const int PromptTokens = 16;
    private const int NewTokens = 24;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.MainModel);
        using var memory = setup.MemoryRead();
        var rates = setup.Race(memory.Contestant(), Decode(model, Arithmetic.Exact), Decode(model, Arithmetic.Fast));
        yield return Figure.Of("memory read, all threads", rates[0], GigaBytes, 1e9);
        yield return Figure.Against("decode exact", rates[1], GigaBytes, 1e9, "memory read", rates[0], 0.85);
        yield return Figure.Against("decode fast", rates[2], GigaBytes, 1e9, "memory read", rates[0], 0.85);
    }

    /// <summary>The generation of 24 tokens after a prompt, whose own time does not count.</summary>
    public static Contestant Decode(GemmaModel model, Arithmetic arithmetic)
    {
        var prompt = BenchSetup.Tokens(model.Config, PromptTokens);
        var options = new GenerationOptions { MaxNewTokens = NewTokens + 1, Temperature = 0, StopTokens = [], Arithmetic = arithmetic };
        IEnumerator<int>? steps = null;
        return new((double)NewTokens * model.WeightBytes, Call: () => { while (steps!.MoveNext()) { } }, Before: () =>
        {
            steps = model.Generate(prompt, options).GetEnumerator();
            steps.MoveNext();
        });
    }
}
