using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>A whole forward pass against the product that it consists of.</summary>
internal sealed class PrefillBenchmark() : Benchmark("prefill", "prefill of 512 tokens, logits of the last")
{
    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.MainModel);
        using var product = setup.NewProduct(DType.BF16);
        using var library = setup.NewLibraryProduct();
        var tokens = BenchSetup.Tokens(model.Config, setup.PrefillTokens);
        var work = WorkCount.Prefill(model.Config, tokens.Length);
        Contestant Prefill(Arithmetic arithmetic) =>
            new(work, () => model.Run(tokens, logits: LogitRows.Last, arithmetic: arithmetic).Dispose());

        var rates = setup.Race(
            PeakFlops.Contestant(),
            product.With(Compute.Kernels, Arithmetic.Exact),
            Prefill(Arithmetic.Exact),
            library?.Contestant() ?? product.With(Compute.Kernels, Arithmetic.Fast),
            Prefill(Arithmetic.Fast)
        );
        yield return Figure.Against("prefill exact", rates[2], GigaFlops, 1e9, "GEMM exact", rates[1], 0.80);
        yield return Figure.Against("prefill exact beside the peak", rates[2], GigaFlops, 1e9, "f32 peak", rates[0]);
        yield return Figure.Against("prefill fast", rates[4], GigaFlops, 1e9, library is null ? "GEMM fast" : library.Name, rates[3], 0.88);
    }
}
