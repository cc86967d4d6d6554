using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

public class OneDnnTests
{
    private static OneDnnKernels Kernels()
    {
        var library = OneDnn.TryLoad(Environment.GetEnvironmentVariable(OneDnn.PathVariable), out var problem);
        Assert.SkipWhen(library is null, $"oneDNN: {problem}");
        var kernels = new OneDnnKernels(library!);
        Assert.Null(SelfCheck.Run(kernels));
        Assert.SkipWhen(kernels.Implementation is null, "oneDNN has no fast bf16 product for this processor");
        return kernels;
    }

    [Fact]
    public void its_products_agree_with_double_precision()
    {
        var kernels = Kernels();
        foreach (
            var (rows, inputs, outputs) in new[] { (8, 1, 1), (8, 64, 300), (9, 2304, 50), (40, 130, 4000), (777, 51, 397), (1, 70, 30) }
        )
        {
            using var problem = new DenseProblem(rows, inputs, outputs, DType.BF16, WeightLayout.OutIn, denseWeights: true);
            Assert.True(kernels.TryMultiply(problem.X, problem.W, problem.Y));
            var error = problem.Error(roundedX: true);
            Assert.True(error < 1e-6, $"[{rows}, {inputs}] x [{inputs}, {outputs}]: error {error:E1}");
        }
    }

    [Theory]
    [InlineData(DType.BF16, WeightLayout.InOut)]
    [InlineData(DType.BF16, WeightLayout.OutIn)]
    [InlineData(DType.F16, WeightLayout.OutIn)]
    [InlineData(DType.F32, WeightLayout.OutIn)]
    public void what_it_cannot_do_the_managed_kernels_do(DType type, WeightLayout layout)
    {
        var kernels = Kernels();
        using var problem = new DenseProblem(40, 300, 50, type, layout);
        Assert.False(kernels.TryMultiply(problem.X, problem.W, problem.Y));
        kernels.Multiply(problem.X, problem.W, problem.Y, Arithmetic.Fast);
        Assert.InRange(problem.Error(roundedX: true), 0, 4e-7);
    }

    [Fact]
    public void rows_beyond_a_block_are_multiplied_too()
    {
        foreach (var rows in new[] { 515, 1040 })
        {
            using var problem = new DenseProblem(rows, 64, 70, DType.BF16, WeightLayout.OutIn, denseWeights: true);
            Kernels().Multiply(problem.X, problem.W, problem.Y, Arithmetic.Fast);
            Assert.InRange(problem.Error(roundedX: true), 0, 1e-6);
        }
    }

    [Fact]
    public void exact_products_stay_exact()
    {
        using var problem = new DenseProblem(40, 300, 50, DType.BF16, WeightLayout.OutIn, denseWeights: true);
        Kernels().Multiply(problem.X, problem.W, problem.Y, Arithmetic.Exact);
        Assert.InRange(problem.Error(), 0, 4e-7);
    }

    [Fact]
    public void threads_may_multiply_while_the_cache_of_shapes_overflows()
    {
        var kernels = Kernels();
        var errors = new double[3];
        var threads = Enumerable
            .Range(0, 3)
            .Select(i => new Thread(() =>
            {
                for (var rows = 8; rows < 90; rows++)
                {
                    using var problem = new DenseProblem(rows, 40, 20 + i, DType.BF16, WeightLayout.OutIn, denseWeights: true);
                    errors[i] = kernels.TryMultiply(problem.X, problem.W, problem.Y)
                        ? Math.Max(errors[i], problem.Error(roundedX: true))
                        : double.NaN;
                }
            }))
            .ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.All(errors, e => Assert.InRange(e, 0, 1e-6));
    }

    [Fact]
    public void a_library_that_is_not_there_gives_a_reason()
    {
        Assert.Null(OneDnn.TryLoad("/nowhere/libdnnl.so", out var problem));
        Assert.Contains("/nowhere/libdnnl.so", problem);
        Assert.Null(OneDnn.TryLoad("off", out problem));
        Assert.Contains("off", problem);
    }
}
