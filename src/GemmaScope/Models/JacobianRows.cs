using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

// Rows of all outputs meet the same activations: row r belongs to position r % span.

/// <summary>gelu(gate), and gelu′(gate) · up.</summary>
internal readonly record struct SlopeRow(MatrixView Gate, MatrixView Up, MatrixView Slope, MatrixView Value) : IJob
{
    public void Run(int index)
    {
        var slope = Slope.Row(index);
        slope.Fill(1);
        ElementwiseBackward.GeluTanhMultiply(Gate.Row(index), Up.Row(index), slope, slope, Value.Row(index));
    }
}

internal readonly record struct GateRows(MatrixView Slope, MatrixView Value, MatrixView Gate, MatrixView Up) : IJob
{
    public void Run(int index)
    {
        var gate = Gate.Row(index);
        TensorPrimitives.Multiply(gate, Value.Row(index % Value.Rows), Up.Row(index));
        TensorPrimitives.Multiply(gate, Slope.Row(index % Slope.Rows), gate);
    }
}

/// <summary>The bare vector of a norm, and what it was scaled by.</summary>
internal readonly record struct BareRow(MatrixView X, float Epsilon, MatrixView Bare, MatrixView Scale) : IJob
{
    public void Run(int index)
    {
        var scale = Scale.Row(index)[0] = ElementwiseBackward.InverseRms(X.Row(index), Epsilon);
        TensorPrimitives.Multiply(X.Row(index), scale, Bare.Row(index));
    }
}

/// <summary>dx = r (g − n · mean(n ⊙ g)) with g = gradient ⊙ gain, n the bare vector.</summary>
internal readonly record struct NormRows(MatrixView Bare, MatrixView Scale, float[] Gain, MatrixView Gradient, MatrixView Result, bool Add)
    : IJob
{
    public void Run(int index)
    {
        var bare = Bare.Row(index % Bare.Rows);
        var scale = Scale.Row(index % Bare.Rows)[0];
        var gradient = Gradient.Row(index);
        var result = Result.Row(index);
        if (Add)
        {
            // The gradient is a buffer that nobody needs any more.
            TensorPrimitives.Multiply(gradient, Gain, gradient);
            TensorPrimitives.MultiplyAdd(gradient, scale, result, result);
        }
        else
        {
            TensorPrimitives.Multiply(gradient, Gain, result);
            TensorPrimitives.Multiply(result, scale, result);
        }
        var along = Add
            ? scale * TensorPrimitives.Dot<float>(gradient, bare) / bare.Length
            : TensorPrimitives.Dot<float>(result, bare) / bare.Length;
        TensorPrimitives.MultiplyAdd(bare, -along, result, result);
    }
}

internal readonly record struct ValueRows(MatrixView Projected, int HeadSize, float Epsilon, MatrixView Gradient) : IJob
{
    public void Run(int index)
    {
        var projected = Projected.Row(index % Projected.Rows);
        var row = Gradient.Row(index);
        for (var at = 0; at < row.Length; at += HeadSize)
            ElementwiseBackward.Normalize(projected.Slice(at, HeadSize), Epsilon, row.Slice(at, HeadSize));
    }
}

internal readonly record struct HeadRows(
    MatrixView Table,
    MatrixView? Projected,
    float[]? Gain,
    int HeadSize,
    float Epsilon,
    MatrixView Gradient
) : IJob
{
    public void Run(int index)
    {
        var angles = Table.Row(index % Table.Rows);
        var row = Gradient.Row(index);
        for (var at = 0; at < row.Length; at += HeadSize)
        {
            var head = row.Slice(at, HeadSize);
            ElementwiseBackward.Rope(head, angles[..(HeadSize / 2)], angles[(HeadSize / 2)..]);
            if (Projected is not { } projected || Gain is null)
                continue;
            TensorPrimitives.Multiply(head, Gain, head);
            ElementwiseBackward.Normalize(projected.Row(index % Table.Rows).Slice(at, HeadSize), Epsilon, head);
        }
    }
}
