using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>The dense product of an MLP's shape against the machine's peak and against the library's best.</summary>
internal sealed class ProductBenchmark() : Benchmark("gemm", "products of 512 x 2304 x 9216")
{
    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var bf16 = setup.NewProduct(DType.BF16);
        using var f32 = setup.NewProduct(DType.F32);
        using var library = setup.NewLibraryProduct();
        var (managed, used) = (new ManagedKernels(), Compute.Kernels);
        var fast = bf16.With(used, Arithmetic.Fast);
        var rates = setup.Race(
            PeakFlops.Contestant(),
            f32.With(managed, Arithmetic.Exact),
            bf16.With(managed, Arithmetic.Exact),
            f32.With(used, Arithmetic.Exact),
            bf16.With(used, Arithmetic.Exact),
            fast,
            library?.Contestant() ?? fast
        );
        const string peak = "f32 peak";
        yield return Figure.Of("f32 multiply-add peak", rates[0], GigaFlops, 1e9);
        yield return Figure.Against("GEMM managed, f32 weights", rates[1], GigaFlops, 1e9, peak, rates[0], 0.70);
        yield return Figure.Against("GEMM managed, bf16 weights", rates[2], GigaFlops, 1e9, peak, rates[0], 0.70);
        yield return Figure.Against("GEMM exact, f32 weights", rates[3], GigaFlops, 1e9, peak, rates[0]);
        yield return Figure.Against("GEMM exact, bf16 weights", rates[4], GigaFlops, 1e9, peak, rates[0]);
        yield return Figure.Against("GEMM fast, bf16 weights", rates[5], GigaFlops, 1e9, peak, rates[0]);
        if (library is not null)
            yield return Figure.Against("GEMM fast beside the library's own", rates[5], GigaFlops, 1e9, library.Name, rates[6]);
    }
}
