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
    [InlineData(DType.F16, WeightLayout.OutIn)]
    [InlineData(DType.F32, WeightLayout.OutIn)]
    [InlineData(DType.F32, WeightLayout.InOut)]
    public void weights_in_other_forms_are_rounded_and_multiplied_by_it(DType type, WeightLayout layout)
    {
        var kernels = Kernels();
        using var problem = new DenseProblem(40, 300, 50, type, layout);
        Assert.True(kernels.TryMultiply(problem.X, problem.W, problem.Y));
        // A weight that is rounded too moves its product by at most 2^-9.
        Assert.InRange(problem.Error(roundedX: true), 0, type == DType.BF16 ? 1e-6 : 1.0 / 512);
    }

    /// <summary>The same code on f32 numbers, which the library multiplies on any processor: parts, blocks of rows, layouts, gates.</summary>
    [Theory]
    [InlineData(DType.F32, WeightLayout.OutIn, true)]
    [InlineData(DType.F32, WeightLayout.OutIn, false)]
    [InlineData(DType.F32, WeightLayout.InOut, false)]
    [InlineData(DType.BF16, WeightLayout.InOut, false)]
    [InlineData(DType.F16, WeightLayout.OutIn, false)]
    public void its_parts_cover_the_product(DType type, WeightLayout layout, bool dense)
    {
        var kernels = Widened();
        foreach (var (rows, inputs, outputs) in new[] { (8, 3, 1), (9, 2304, 150), (515, 64, 397), (1040, 30, 70), (40, 130, 4000) })
        {
            using var problem = new DenseProblem(rows, inputs, outputs, type, layout, dense);
            Assert.True(kernels.TryMultiply(problem.X, problem.W, problem.Y));
            var error = problem.Error();
            Assert.True(error < 1e-6, $"[{rows}, {inputs}] x [{inputs}, {outputs}]: error {error:E1}");
        }
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.F16)]
    public void gate_and_up_meet_in_its_parts(DType type)
    {
        using var gate = new DenseProblem(515, 70, 397, type, WeightLayout.OutIn, denseWeights: true);
        using var up = new DenseProblem(515, 70, 397, type, WeightLayout.OutIn, denseWeights: true, seed: 2);
        using var room = Tensor.Uninitialized(515, 397);
        using var expected = Tensor.Uninitialized(515, 397);
        ((IDenseKernels)new ManagedKernels()).MultiplyGated(gate.X, gate.W, up.W, expected.AsMatrix(), room.AsMatrix(), Arithmetic.Exact);
        Widened().MultiplyGated(gate.X, gate.W, up.W, gate.Y, room.AsMatrix(), Arithmetic.Fast);
        for (var row = 0; row < 515; row++)
        for (var n = 0; n < 397; n++)
            Assert.Equal(expected.AsMatrix().Row(row)[n], gate.Y.Row(row)[n], 2e-6f);
    }

    private static OneDnnKernels Widened()
    {
        var library = OneDnn.TryLoad(Environment.GetEnvironmentVariable(OneDnn.PathVariable), out var problem);
        Assert.SkipWhen(library is null, $"oneDNN: {problem}");
        var kernels = new OneDnnKernels(library!, DType.F32);
        using var small = new DenseProblem(8, 3, 1, DType.F32, WeightLayout.OutIn, denseWeights: true);
        Assert.SkipUnless(kernels.TryMultiply(small.X, small.W, small.Y), "oneDNN has no fast f32 product for this processor");
        return kernels;
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
