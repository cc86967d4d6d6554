using GemmaScope.Models;
using LLama;
using LLama.Common;
using LLama.Native;

namespace GemmaScope.Bench.LlamaCpp;

/// <summary>One file in llama.cpp and in this library, in one process, with as many threads each, in turn.</summary>
internal sealed class Comparison : IDisposable
{
    private const int PromptTokens = 16,
        NewTokens = 16,
        PrefillTokens = 128;

    private readonly GemmaModel _ours;
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _theirs;

    public Comparison(string file, bool mapped)
    {
        _ours = GemmaModel.Load(
            file,
            new ModelLoadOptions { Storage = mapped ? WeightStorage.Mapped : WeightStorage.Private, CheckFinite = false }
        );
        var parameters = new ModelParams(file)
        {
            LoadMode = mapped ? LLamaLoadMode.MemoryMap : LLamaLoadMode.None,
            ContextSize = 512,
            GpuLayerCount = 0,
            Threads = Environment.ProcessorCount,
            BatchThreads = Environment.ProcessorCount,
        };
        _weights = LLamaWeights.LoadFromFile(parameters);
        _theirs = _weights.CreateContext(parameters);
    }

    /// <summary>Nothing of what llama.cpp says while it loads.</summary>
    public static void Quiet() => NativeLogConfig.llama_log_set((_, _) => { });

    /// <summary>Decode of 16 tokens after a prompt of 16, and prefill of 128.</summary>
    public IEnumerable<string> Measure(int rounds)
    {
        KvCache? cache = null;
        var race = new Race(rounds, seconds: 0);
        var rates = race.Run(
            CancellationToken.None,
            new Contestant(NewTokens, () => Decode(PromptTokens, NewTokens, alone: true), () => Begin(PromptTokens)),
            new Contestant(
                NewTokens,
                () =>
                {
                    for (var i = 0; i < NewTokens; i++)
                        _ours.Run([Token(PromptTokens + i)], cache: cache, logits: LogitRows.Last).Dispose();
                },
                () =>
                {
                    cache?.Dispose();
                    cache = _ours.NewCache();
                    _ours.Run(Prompt(PromptTokens), cache: cache, logits: LogitRows.Last).Dispose();
                }
            ),
            new Contestant(PrefillTokens, () => Decode(0, PrefillTokens, alone: false), () => _theirs.NativeHandle.MemoryClear()),
            new Contestant(PrefillTokens, () => _ours.Run(Prompt(PrefillTokens), logits: LogitRows.Last).Dispose())
        );
        cache?.Dispose();
        yield return Line("decode", rates[0], rates[1]);
        yield return Line("prefill", rates[2], rates[3]);
    }

    public void Dispose()
    {
        _theirs.Dispose();
        _weights.Dispose();
        _ours.Dispose();
    }

    private static string Line(string what, double[] theirs, double[] ours)
    {
        double[] ratios = [.. ours.Zip(theirs, (one, other) => one / other).Order()];
        return $"{what, -8} llama.cpp {Median(theirs):0.00}, ours {Median(ours):0.00}, ratio {Median(ratios):0.00} ({ratios[0]:0.00} to {ratios[^1]:0.00})";
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    private static int Token(int position) => 1000 + 37 * position;

    private static int[] Prompt(int count) => [.. Enumerable.Range(0, count).Select(Token)];

    private void Begin(int count)
    {
        _theirs.NativeHandle.MemoryClear();
        Decode(0, count, alone: false);
    }

    /// <summary>Tokens at positions from <paramref name="first"/> on, one by one or in one go; logits of the last.</summary>
    private void Decode(int first, int count, bool alone)
    {
        var batch = new LLamaBatch();
        for (var i = 0; i < count; i++)
        {
            batch.Add(Token(first + i), first + i, LLamaSeqId.Zero, alone || i == count - 1);
            if (!alone)
                continue;
            Run(batch);
            batch.Clear();
        }
        if (!alone)
            Run(batch);
    }

    private void Run(LLamaBatch batch)
    {
        var result = _theirs.Decode(batch);
        if (result != DecodeResult.Ok)
            throw new InvalidOperationException($"llama.cpp answered {result}");
    }
}
