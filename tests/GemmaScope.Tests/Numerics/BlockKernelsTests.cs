using GemmaScope.Files;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

[Trait("Category", "Golden")]
public unsafe class BlockKernelsTests
{
    // Around the switch from dot products to panels, ragged panels, and depths of one and two passes.
    private static readonly (int Rows, int Inputs, int Outputs)[] Shapes =
    [
        (1, 256, 1),
        (1, 2304, 37),
        (2, 512, 64),
        (3, 256, 9),
        (4, 768, 50),
        (5, 512, 33),
        (40, 256, 100),
    ];

    public static TheoryData<int, DType> Kernels()
    {
        var data = new TheoryData<int, DType>();
        foreach (var width in new[] { 4, 8, 16 })
        foreach (var type in RandomBlocks.Types)
            data.Add(width, type);
        return data;
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void values_of_each_width_are_exactly_those_of_the_reference(int lanes, DType type)
    {
        using var file = GgufFile.Open(Fixtures.Path("gguf", "types", "model.gguf"));
        using var golden = SafetensorsFile.Open(Fixtures.Path("gguf", "types", "expected.safetensors"));
        var (stored, want) = (file[$"type.{type}.weight"], golden[$"dequantised.type.{type}.weight"]);
        var got = new float[stored.Length];
        fixed (float* to = got)
            BlockWidening.Groups((VectorWidth)lanes, stored.Pointer, type, 0, stored.Length / 32, to);
        Assert.Equal(want.AsSpan().ToArray(), got);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void every_kernel_agrees_with_double_precision(int lanes, DType type)
    {
        foreach (var (rows, inputs, outputs) in Shapes)
        {
            using var weights = RandomBlocks.Tensor(type, outputs, inputs);
            using var wide = weights.ToF32();
            Check((VectorWidth)lanes, wide, WeightView.Of(weights, WeightLayout.OutIn), rows, outIn: true);
            Check((VectorWidth)lanes, wide, WeightView.Of(weights, WeightLayout.OutIn).Transposed, rows, outIn: false);
        }
    }

    [Fact]
    public void fast_arithmetic_is_near()
    {
        foreach (var rows in (int[])[1, 3, 20, 600])
        {
            using var weights = RandomBlocks.Tensor(DType.Q4_K, 96, 512);
            using var wide = weights.ToF32();
            Check(Compute.Kernels, Arithmetic.Fast, 1e-2, wide, WeightView.Of(weights, WeightLayout.OutIn), rows, outIn: true);
        }
    }

    [Fact]
    public void stored_rows_are_cut_at_blocks_only()
    {
        using var weights = RandomBlocks.Tensor(DType.Q8_0, 8, 64);
        using var wide = weights.ToF32();
        var view = WeightView.Of(weights, WeightLayout.OutIn);
        Assert.Equal((nint)(weights.Pointer + 3 * 68), (nint)view.SliceOutputs(3, 2).Data);
        Assert.Equal((nint)(weights.Pointer + 34), (nint)view.Transposed.SliceOutputs(32, 32).Data);
        Assert.Throws<ArgumentException>(() => view.Transposed.SliceOutputs(16, 16));
        Assert.Throws<ArgumentException>(() => DType.Q8_0.Size());
        var row = new float[64];
        weights.WidenRow(5, row);
        Assert.Equal(wide.Row(5).ToArray(), row);
    }

    [Fact]
    public void a_scale_that_is_not_finite_is_found()
    {
        using var weights = RandomBlocks.Tensor(DType.Q6_K, 4, 256);
        Assert.Equal(-1, TensorChecks.FindNonFinite(weights));
        BitConverter.TryWriteBytes(new Span<byte>(weights.Pointer + 2 * 210 + 208, 2), Half.PositiveInfinity);
        Assert.Equal(2, TensorChecks.FindNonFinite(weights) / 256);
        Assert.Contains("row 2", Assert.Throws<FileFormatException>(() => TensorChecks.RequireFinite(weights, "w", "f")).Message);
        Assert.Equal(256, (int)(TensorStatistics.Of(weights)! is var all ? all.NaNs + all.Infinities : 0));
    }

    private static void Check(VectorWidth width, Tensor wide, WeightView w, int rows, bool outIn) =>
        Check(new ManagedKernels(width), Arithmetic.Exact, 1e-6, wide, w, rows, outIn);

    private static void Check(
        IDenseKernels kernels,
        Arithmetic arithmetic,
        double tolerance,
        Tensor wide,
        WeightView w,
        int rows,
        bool outIn
    )
    {
        var random = new Random(2);
        using var x = Tensor.Uninitialized(rows, w.Inputs);
        foreach (ref var v in x.AsSpan())
            v = (float)(random.NextDouble() - 0.5);
        using var y = Tensor.Uninitialized(rows, w.Outputs);
        y.AsSpan().Fill(float.NaN);
        kernels.Multiply(x.AsMatrix(), w, y.AsMatrix(), arithmetic);
        for (var t = 0; t < rows; t++)
        for (var n = 0; n < w.Outputs; n++)
        {
            double sum = 0,
                size = 1e-30;
            for (var k = 0; k < w.Inputs; k++)
            {
                var product = (double)x.Row(t)[k] * (outIn ? wide.Row(n)[k] : wide.Row(k)[n]);
                sum += product;
                size += Math.Abs(product);
            }
            var error = Math.Abs(y.Row(t)[n] - sum) / size;
            Assert.True(error <= tolerance, $"{w.Type} {w.Layout} [{rows}, {w.Inputs}] to {w.Outputs}, ({t}, {n}): {error:E1}");
        }
    }
}
