using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests;

public unsafe class TensorChecksTests
{
    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    [InlineData(DType.F64)]
    public void the_first_value_that_is_not_finite_is_found_wherever_it_is(DType type)
    {
        const int length = (1 << 20) * 2 + 77; // several pieces of work and an odd end
        using var tensor = Tensor.Allocate(type, [length]);
        Assert.Equal(-1, TensorChecks.FindNonFinite(tensor));
        foreach (
            var (index, value) in new[]
            {
                (length - 1, float.NaN),
                ((1 << 20) + 5, float.NegativeInfinity),
                (63, float.NaN),
                (0, float.PositiveInfinity),
            }
        )
        {
            Set(tensor, index, value);
            Assert.Equal(index, TensorChecks.FindNonFinite(tensor));
        }
    }

    [Fact]
    public void the_largest_and_smallest_finite_values_pass()
    {
        var tensor = Tensor.From([float.MaxValue, -float.MaxValue, float.Epsilon, -0f, 1, 2, 3, 4, 5], 9);
        Assert.Equal(-1, TensorChecks.FindNonFinite(tensor));
    }

    [Fact]
    public void the_error_names_tensor_value_and_place()
    {
        var matrix = Tensor.Zeros(6, 10);
        matrix.Row(3)[2] = float.NaN;
        var error = Assert.Throws<FileFormatException>(() => TensorChecks.RequireFinite(matrix, "W_dec", "params.npz"));
        Assert.StartsWith("params.npz: W_dec contains NaN (row 3, column 2)", error.Message, StringComparison.Ordinal);
        var vector = Tensor.From([1, float.PositiveInfinity], 2);
        Assert.Contains(
            "an infinite value (index 1)",
            Assert.Throws<FileFormatException>(() => TensorChecks.RequireFinite(vector, "b", "f")).Message,
            StringComparison.Ordinal
        );
    }

    private static void Set(Tensor tensor, long index, float value)
    {
        switch (tensor.Type)
        {
            case DType.F32:
                ((float*)tensor.Pointer)[index] = value;
                break;
            case DType.BF16:
                ((ushort*)tensor.Pointer)[index] = Conversions.F32ToBF16(value);
                break;
            case DType.F16:
                ((Half*)tensor.Pointer)[index] = (Half)value;
                break;
            default:
                ((double*)tensor.Pointer)[index] = value;
                break;
        }
    }
}
