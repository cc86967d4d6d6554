using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

public unsafe class ManagedKernelsTests
{
    // Around every switch of kernel, tile, block and pass: rows 1 | 2..31 | 32.., columns 4 and 3 vectors, depth 384 and 1024.
    private static readonly (int Rows, int Inputs, int Outputs)[] Shapes =
    [
        (1, 1, 1),
        (1, 64, 9),
        (1, 2304, 5),
        (1, 77, 130),
        (1, 3, 300),
        (1, 1061, 40),
        (1, 4100, 7),
        (2, 1, 3),
        (2, 96, 64),
        (3, 33, 5),
        (6, 64, 8),
        (7, 130, 70),
        (13, 1030, 21),
        (31, 257, 19),
        (32, 1, 1),
        (32, 16, 48),
        (33, 65, 50),
        (37, 384, 96),
        (45, 401, 145),
        (520, 9, 7),
        (515, 70, 100),
    ];

    public static TheoryData<int, DType, WeightLayout> Kernels()
    {
        var data = new TheoryData<int, DType, WeightLayout>();
        foreach (var width in new[] { 4, 8, 16 })
        foreach (var type in new[] { DType.F32, DType.BF16, DType.F16 })
        foreach (var layout in Enum.GetValues<WeightLayout>())
            data.Add(width, type, layout);
        return data;
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void every_kernel_agrees_with_double_precision(int lanes, DType type, WeightLayout layout)
    {
        foreach (var (rows, inputs, outputs) in Shapes)
        {
            using var problem = new DenseProblem(rows, inputs, outputs, type, layout);
            new ManagedKernels((VectorWidth)lanes).Multiply(problem.X, problem.W, problem.Y, Arithmetic.Exact);
            var error = problem.Error();
            Assert.True(error < 4e-7, $"[{rows}, {inputs}] x [{inputs}, {outputs}]: error {error:E1}");
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void fast_arithmetic_rounds_x_to_bf16_and_nothing_else(int lanes, DType type, WeightLayout layout)
    {
        foreach (var (rows, inputs, outputs) in new[] { (1, 300, 40), (1, 8200, 6), (9, 70, 33), (40, 130, 60) })
        {
            using var problem = new DenseProblem(rows, inputs, outputs, type, layout);
            new ManagedKernels((VectorWidth)lanes).Multiply(problem.X, problem.W, problem.Y, Arithmetic.Fast);
            Assert.InRange(problem.Error(roundedX: true), 0, 4e-7);
            Assert.InRange(problem.Error(), 1e-5, 1e-2);
        }
    }

    [Theory]
    [InlineData(WeightLayout.OutIn)]
    [InlineData(WeightLayout.InOut)]
    public void a_product_on_the_calling_thread_alone_is_the_same_product(WeightLayout layout)
    {
        foreach (var (rows, inputs, outputs) in new[] { (1, 64, 200), (5, 256, 70), (70, 64, 200), (600, 20, 60) })
        {
            using var problem = new DenseProblem(rows, inputs, outputs, DType.F32, layout);
            ManagedKernels.MultiplyHere(problem.X, problem.W, problem.Y);
            Assert.InRange(problem.Error(), 0, 4e-7);
        }
    }

    [Theory]
    [InlineData(WeightLayout.OutIn)]
    [InlineData(WeightLayout.InOut)]
    public void sums_over_nothing_are_zero(WeightLayout layout)
    {
        foreach (var rows in new[] { 0, 1, 5, 40 })
        {
            using var problem = new DenseProblem(rows, 0, 6, DType.BF16, layout);
            new ManagedKernels().Multiply(problem.X, problem.W, problem.Y, Arithmetic.Exact);
            Assert.Equal(0, problem.Error());
        }
    }

    [Fact]
    public void a_nan_reaches_every_output_of_its_row_and_no_other()
    {
        foreach (var rows in new[] { 2, 33 })
        {
            using var problem = new DenseProblem(rows, 70, 50, DType.BF16, WeightLayout.OutIn);
            problem.X.Row(1)[7] = float.NaN;
            new ManagedKernels().Multiply(problem.X, problem.W, problem.Y, Arithmetic.Fast);
            Assert.All(problem.Y.Row(1).ToArray(), v => Assert.True(float.IsNaN(v)));
            Assert.All(problem.Y.Row(0).ToArray(), v => Assert.True(float.IsFinite(v)));
        }
    }

    [Fact]
    public void shapes_that_do_not_fit_are_refused()
    {
        using var problem = new DenseProblem(2, 8, 8, DType.F32, WeightLayout.OutIn);
        Assert.Throws<ArgumentException>(() =>
            new ManagedKernels().Multiply(problem.X.SliceColumns(0, 7), problem.W, problem.Y, Arithmetic.Exact)
        );
    }

    [Theory]
    [InlineData(1, DType.BF16)]
    [InlineData(33, DType.F32)]
    [InlineData(515, DType.BF16)]
    [InlineData(515, DType.F16)]
    public void gate_and_up_together_give_the_bits_of_two_products(int rows, DType type)
    {
        using var gate = new DenseProblem(rows, 390, 397, type, WeightLayout.OutIn);
        using var up = new DenseProblem(rows, 390, 397, type, WeightLayout.OutIn, seed: 2);
        var kernels = new ManagedKernels();
        using var room = Tensor.Uninitialized(rows, 397);
        using var expected = Tensor.Uninitialized(rows, 397);
        kernels.Multiply(gate.X, gate.W, expected.AsMatrix(), Arithmetic.Exact);
        kernels.Multiply(gate.X, up.W, room.AsMatrix(), Arithmetic.Exact);
        for (var row = 0; row < rows; row++)
            Elementwise.GeluTanhMultiply(expected.AsMatrix().Row(row), room.AsMatrix().Row(row), expected.AsMatrix().Row(row));
        ((IDenseKernels)kernels).MultiplyGated(gate.X, gate.W, up.W, gate.Y, room.AsMatrix(), Arithmetic.Exact);
        for (var row = 0; row < rows; row++)
            Assert.Equal(expected.AsMatrix().Row(row), gate.Y.Row(row));
    }
}
