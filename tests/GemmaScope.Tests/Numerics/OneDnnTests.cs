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

    [Theory]
    [InlineData(WeightLayout.OutIn)]
    [InlineData(WeightLayout.InOut)]
    public void fast_products_agree_with_double_precision(WeightLayout layout)
    {
        var kernels = Kernels();
        foreach (var (rows, inputs, outputs) in new[] { (8, 1, 1), (8, 64, 300), (9, 2304, 50), (40, 130, 2100), (77, 513, 97), (1, 70, 30) })
        {
            using var problem = new DenseProblem(rows, inputs, outputs, DType.BF16, layout);
            kernels.Multiply(problem.X, problem.W, problem.Y, Arithmetic.Fast);
            var error = problem.Error(roundedX: true);
            Assert.True(error < 1e-6, $"[{rows}, {inputs}] x [{inputs}, {outputs}]: error {error:E1}");
        }
    }

    [Fact]
    public void exact_products_and_other_weight_types_stay_exact()
    {
        var kernels = Kernels();
        foreach (var (type, arithmetic) in new[] { (DType.BF16, Arithmetic.Exact), (DType.F32, Arithmetic.Exact), (DType.F16, Arithmetic.Exact) })
        {
            using var problem = new DenseProblem(40, 300, 50, type, WeightLayout.OutIn);
            kernels.Multiply(problem.X, problem.W, problem.Y, arithmetic);
            Assert.InRange(problem.Error(), 0, 4e-7);
        }
    }

    [Fact]
    public void threads_may_multiply_while_the_cache_of_shapes_overflows()
    {
        var kernels = Kernels();
        var errors = new double[3];
        var threads = Enumerable.Range(0, 3).Select(i => new Thread(() =>
        {
            for (var rows = 8; rows < 90; rows++)
            {
                using var problem = new DenseProblem(rows, 40, 20 + i, DType.BF16, WeightLayout.OutIn);
                kernels.Multiply(problem.X, problem.W, problem.Y, Arithmetic.Fast);
                errors[i] = Math.Max(errors[i], problem.Error(roundedX: true));
            }
        })).ToList();
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
