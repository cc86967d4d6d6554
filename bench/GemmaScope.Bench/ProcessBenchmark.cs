using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>Peak memory, and the time until a fresh process has its first token.</summary>
internal sealed class ProcessBenchmark() : Benchmark("process", "peak memory and first token of a fresh process")
{
    private const double GiB = 1L << 30;
    private const int ShortPrompt = 16;
    private const int MemoryTokens = 16;
    private const double FirstTokenSeconds = 3;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        if (setup.Options.Command.Count == 0)
            yield break;
        var folder = setup.Folder(setup.MainModel);
        double weights = new FileInfo(Path.Combine(folder, "model.safetensors")).Length;
        foreach (var arithmetic in new[] { Arithmetic.Exact, Arithmetic.Fast })
        {
            var mode = arithmetic == Arithmetic.Exact ? "exact" : "fast";
            // The long run comes first: it leaves the weights in the page cache.
            var (_, peak) = Start(setup, folder, setup.PrefillTokens, MemoryTokens, mode);
            yield return Figure.Below($"peak memory above the weights, {mode}", [(peak - weights) / GiB], "GiB", "allowed", 1);
            var seconds = Enumerable
                .Range(0, setup.Options.Quick ? 1 : 3)
                .Select(_ => Start(setup, folder, ShortPrompt, 1, mode).FirstToken)
                .ToArray();
            yield return Figure.Below($"process start to first token, {mode}", seconds, "s", "allowed", FirstTokenSeconds);
        }
    }

    private static (double FirstToken, long PeakBytes) Start(BenchSetup setup, string folder, int prompt, int tokens, string mode) =>
        OwnProcess.Start(
            [.. setup.Options.Command, folder, "--prompt", $"{prompt}", "--new", $"{tokens}", "--arithmetic", mode],
            setup.Cancellation
        );
}
