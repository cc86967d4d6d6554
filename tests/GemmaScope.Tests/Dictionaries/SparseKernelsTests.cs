using GemmaScope.Dictionaries;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

public class SparseKernelsTests
{
    // Widths that fill vectors and such that do not; rows of more than one block; W wider than one digit of the sort.
    [Theory]
    [InlineData(1, 7, 1, DType.F32)]
    [InlineData(5, 40, 67, DType.F32)]
    [InlineData(9, 5000, 200, DType.BF16)]
    [InlineData(700, 90, 131, DType.F32)]
    [InlineData(600, 3000, 64, DType.F16)]
    public void products_are_those_of_the_dense_matrix(int rows, int features, int columns, DType type)
    {
        var random = new Random(rows);
        var f = Random(random, rows, features);
        using var w = Stored(random, features, columns, type);
        using Tensor dense = Dense(f),
            wide = w.ToF32(),
            g = Normal(random, rows, columns);
        Tensor product = Tensor.Zeros(rows, columns),
            transposed = Tensor.Zeros(features, columns);
        var sampled = new List<float>();
        for (var row = 0; row < rows; row++)
        for (var i = 0; i < features; i++)
        {
            var value = dense.Row(row)[i];
            if (value == 0)
                continue;
            double dot = 0;
            for (var d = 0; d < columns; d++)
            {
                product.Row(row)[d] += value * wide.Row(i)[d];
                transposed.Row(i)[d] += value * g.Row(row)[d];
                dot += (double)g.Row(row)[d] * wide.Row(i)[d];
            }
            sampled.Add((float)dot);
        }

        // Targets hold something before, which must not matter.
        using Tensor y = Filled(rows, columns),
            t = Filled(features, columns);
        var s = new float[f.Count];
        Array.Fill(s, 7);
        SparseKernels.Multiply(f, w, y.AsMatrix());
        SparseKernels.TransposedMultiply(f, g.AsMatrix(), t.AsMatrix());
        SparseKernels.Sampled(f, g.AsMatrix(), w, s);
        Close(product.AsSpan(), y.AsSpan());
        Close(transposed.AsSpan(), t.AsSpan());
        Close(sampled.ToArray(), s);
    }

    [Fact]
    public void without_rows_the_transposed_product_is_zero()
    {
        using Tensor g = Tensor.Zeros(0, 8),
            target = Filled(5, 8);
        SparseKernels.TransposedMultiply(new SparseActivations(5, [0], [], []), new MatrixView(), target.AsMatrix() with { Columns = 0 });
        SparseKernels.TransposedMultiply(new SparseActivations(5, [0], [], []), g.AsMatrix() with { Columns = 8 }, target.AsMatrix());
        Assert.All(target.AsSpan().ToArray(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void a_target_of_another_shape_is_refused()
    {
        var f = new SparseActivations(5, [0, 1], [2], [1]);
        using Tensor w = Tensor.Zeros(5, 8),
            g = Tensor.Zeros(1, 8),
            target = Tensor.Zeros(2, 8);
        Assert.Contains(
            "[1, 8] is needed",
            Assert.Throws<ArgumentProblemException>(() => SparseKernels.Multiply(f, w, target.AsMatrix())).Message
        );
        Assert.Contains(
            "[5, 8] is needed",
            Assert.Throws<ArgumentProblemException>(() => SparseKernels.TransposedMultiply(f, g.AsMatrix(), target.AsMatrix())).Message
        );
        Assert.Contains(
            "1 are needed",
            Assert.Throws<ArgumentProblemException>(() => SparseKernels.Sampled(f, g.AsMatrix(), w, new float[2])).Message
        );
    }

    private static SparseActivations Random(Random random, int rows, int features)
    {
        List<int> starts = [0],
            indices = [];
        for (var row = 0; row < rows; row++)
        {
            // Every fifth row is empty.
            for (var i = 0; i < features && row % 5 != 4; i++)
                if (random.Next(20) == 0 || features < 20)
                    indices.Add(i);
            starts.Add(indices.Count);
        }
        return new SparseActivations(features, [.. starts], [.. indices], [.. indices.Select(_ => random.NextSingle() - 0.3f)]);
    }

    private static Tensor Dense(SparseActivations f)
    {
        var dense = Tensor.Zeros(f.Rows, f.Width);
        for (var row = 0; row < f.Rows; row++)
        for (var i = 0; i < f.Indices(row).Length; i++)
            dense.Row(row)[f.Indices(row)[i]] = f.Values(row)[i];
        return dense;
    }

    private static Tensor Normal(Random random, int rows, int columns)
    {
        var tensor = Tensor.Uninitialized(rows, columns);
        foreach (ref var value in tensor.AsSpan())
            value = random.NextSingle() - 0.5f;
        return tensor;
    }

    private static unsafe Tensor Stored(Random random, int rows, int columns, DType type)
    {
        var values = Normal(random, rows, columns);
        if (type == DType.F32)
            return values;
        var stored = Tensor.Allocate(type, [rows, columns]);
        var bits = new Span<ushort>(stored.Pointer, rows * columns);
        if (type == DType.BF16)
            Conversions.NarrowToBF16(values.AsSpan(), bits);
        else
            Conversions.NarrowToF16(values.AsSpan(), bits);
        values.Dispose();
        return stored;
    }

    private static Tensor Filled(int rows, int columns)
    {
        var tensor = Tensor.Uninitialized(rows, columns);
        tensor.AsSpan().Fill(7);
        return tensor;
    }

    private static void Close(ReadOnlySpan<float> want, ReadOnlySpan<float> got)
    {
        Assert.Equal(want.Length, got.Length);
        for (var i = 0; i < want.Length; i++)
            Assert.Equal(want[i], got[i], 2e-5f * (1 + Math.Abs(want[i])));
    }
}
