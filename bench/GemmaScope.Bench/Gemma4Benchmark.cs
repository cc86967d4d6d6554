using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// Prefill and decode of one form of Gemma 4, a few layers of it: the forward pass against the product that it consists of, and token after
/// token against the read of the bytes that a token needs, of experts those that it uses.
/// </summary>
internal sealed class Gemma4Benchmark(string form, string shape, string quickShape)
    : Benchmark($"gemma4-{form}", $"prefill and decode of some layers of Gemma 4 {form}")
{
    /// <summary>One benchmark for each form.</summary>
    public static IReadOnlyList<Benchmark> All { get; } =
    [
        new Gemma4Benchmark("e2b", ModelShape.Gemma4E2B, ModelShape.Gemma4TinyE),
        new Gemma4Benchmark("12b", ModelShape.Gemma4Dense, ModelShape.Gemma4TinyE),
        new Gemma4Benchmark("26b-a4b", ModelShape.Gemma4Experts, ModelShape.Gemma4TinyExperts),
    ];

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var folder = setup.Folder(setup.Options.Quick ? quickShape : shape);
        // A few gigabytes of experts are not to be read through for what is measured here.
        using var model = GemmaModel.Load(folder, new ModelLoadOptions { Storage = WeightStorage.Mapped, CheckFinite = false });
        foreach (var figure in Prefill(setup, model).Concat(Decode(setup, model, folder)))
            yield return figure;
    }

    private IEnumerable<Figure> Prefill(BenchSetup setup, GemmaModel model)
    {
        using var product = setup.NewProduct(DType.BF16);
        var tokens = BenchSetup.Tokens(model.Config, setup.PrefillTokens);
        var work = WorkCount.Prefill(model.Config, tokens.Length);
        var rates = setup.Race(
            product.With(Compute.Kernels, Arithmetic.Exact),
            Run(Arithmetic.Exact),
            product.With(Compute.Kernels, Arithmetic.Fast),
            Run(Arithmetic.Fast)
        );
        // Tokens are shared out among experts, so that each of these products has few rows.
        double? exact = model.Config.Experts is null ? 0.8 : null,
            fast = model.Config.Experts is null ? 0.8 : null;
        yield return Figure.Against($"{Name} prefill exact", rates[1], GigaFlops, 1e9, "GEMM exact", rates[0], exact);
        yield return Figure.Against($"{Name} prefill fast", rates[3], GigaFlops, 1e9, "GEMM fast", rates[2], fast);

        Contestant Run(Arithmetic arithmetic) =>
            new(work, () => model.Run(tokens, logits: LogitRows.Last, arithmetic: arithmetic).Dispose());
    }

    private IEnumerable<Figure> Decode(BenchSetup setup, GemmaModel model, string folder)
    {
        using var memory = setup.MemoryRead();
        using var weights = new MappedWeights(folder);
        var bytes = WorkCount.DecodeBytes(model.Config, model.WeightType);
        var rates = setup.Race(
            memory.Contestant(),
            weights.Read(),
            DecodeBenchmark.Decode(model, Arithmetic.Exact, bytes),
            DecodeBenchmark.Decode(model, Arithmetic.Fast, bytes)
        );
        const string ofFile = "read of the mapped weights",
            ofMemory = "read of memory, small pages";
        var target = model.Config.Experts is null ? 0.85 : 0.8;
        yield return Figure.Against($"{Name} {ofFile}", rates[1], GigaBytes, 1e9, ofMemory, rates[0]);
        yield return Figure.Against($"{Name} decode exact, mapped", rates[2], GigaBytes, 1e9, ofFile, rates[1], target);
        yield return Figure.Against($"{Name} decode fast, mapped", rates[3], GigaBytes, 1e9, ofFile, rates[1], target);
    }

    /// <summary>The largest matrices of a file, of which so much is read that no cache holds it.</summary>
    private sealed unsafe class MappedWeights(string folder) : IDisposable
    {
        private const long MostBytes = 1L << 30;

        private readonly ShardedSafetensors _files = ShardedSafetensors.Open(folder);

        public Contestant Read()
        {
            var reads = new List<Contestant>();
            var bytes = 0L;
            var matrices = _files.Names.Select(name => _files[name]).Where(tensor => tensor.Shape.Length > 1);
            foreach (var tensor in matrices.OrderByDescending(tensor => tensor.ByteLength))
            {
                if (bytes >= MostBytes)
                    break;
                var part = Math.Min(tensor.ByteLength, MostBytes - bytes);
                reads.Add(MemoryRead.Of(tensor.Pointer, part));
                bytes += part;
            }
            return new(
                reads.Sum(read => read.Work),
                () =>
                {
                    foreach (var read in reads)
                        read.Call();
                }
            );
        }

        public void Dispose() => _files.Dispose();
    }
}
