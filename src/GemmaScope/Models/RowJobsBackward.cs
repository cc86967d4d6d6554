using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

// The row-wise steps of the backward pass as parallel jobs: one row a call, gradients in place.

internal readonly record struct NormalizeBackwardRow(MatrixView X, float Epsilon, MatrixView Gradient) : IJob
{
    public void Run(int index) => ElementwiseBackward.Normalize(X.Row(index), Epsilon, Gradient.Row(index));
}

/// <summary>Backward of a norm whose denominator is a constant: one number a row.</summary>
internal readonly record struct ScaleRow(float[] Scale, MatrixView Gradient) : IJob
{
    public void Run(int index) => TensorPrimitives.Multiply(Gradient.Row(index), Scale[index], Gradient.Row(index));
}

/// <summary>Backward of <see cref="NormHeadsRow"/>.</summary>
internal readonly record struct NormHeadsBackwardRow(MatrixView X, float[] Gain, float Epsilon, MatrixView Gradient) : IJob
{
    public void Run(int index)
    {
        var x = X.Row(index);
        var row = Gradient.Row(index);
        for (var at = 0; at < row.Length; at += Gain.Length)
        {
            var head = row.Slice(at, Gain.Length);
            TensorPrimitives.Multiply(head, Gain, head);
            ElementwiseBackward.Normalize(x.Slice(at, Gain.Length), Epsilon, head);
        }
    }
}

/// <summary>Backward of <see cref="NormalizeHeadsRow"/>, with denominators that are constants or not.</summary>
internal readonly record struct NormalizeHeadsBackwardRow(MatrixView X, int HeadSize, float Epsilon, bool Frozen, MatrixView Gradient)
    : IJob
{
    public void Run(int index)
    {
        var x = X.Row(index);
        var row = Gradient.Row(index);
        for (var at = 0; at < row.Length; at += HeadSize)
        {
            var of = x.Slice(at, HeadSize);
            var head = row.Slice(at, HeadSize);
            if (Frozen)
                TensorPrimitives.Multiply(head, ElementwiseBackward.InverseRms(of, Epsilon), head);
            else
                ElementwiseBackward.Normalize(of, Epsilon, head);
        }
    }
}

/// <summary>Backward of <see cref="RotateRow"/>, for a sequence that begins at position 0.</summary>
internal readonly record struct RotateBackwardRow(MatrixView Table, int HeadSize, MatrixView Gradient) : IJob
{
    public void Run(int index)
    {
        var angles = Table.Row(index);
        var row = Gradient.Row(index);
        for (var at = 0; at < row.Length; at += HeadSize)
            ElementwiseBackward.Rope(row.Slice(at, HeadSize), angles[..(HeadSize / 2)], angles[(HeadSize / 2)..]);
    }
}

/// <summary>Backward of <see cref="GateRow"/>; the gradient at the product becomes the one at the gate.</summary>
internal readonly record struct GateBackwardRow(MatrixView Gate, MatrixView Up, MatrixView Gradient, MatrixView UpGradient) : IJob
{
    public void Run(int index) =>
        ElementwiseBackward.GeluTanhMultiply(
            Gate.Row(index),
            Up.Row(index),
            Gradient.Row(index),
            Gradient.Row(index),
            UpGradient.Row(index)
        );
}

/// <summary>Backward of <see cref="CapRow"/>, from its output.</summary>
internal readonly record struct CapBackwardRow(MatrixView Capped, float Cap, MatrixView Gradient) : IJob
{
    public void Run(int index) => ElementwiseBackward.SoftCap(Capped.Row(index), Cap, Gradient.Row(index));
}

/// <summary>Backward of a soft-max over each row, from its output.</summary>
internal readonly record struct SoftMaxBackwardRow(MatrixView Pattern, MatrixView Gradient) : IJob
{
    public void Run(int index) => ElementwiseBackward.SoftMax(Pattern.Row(index), Gradient.Row(index));
}

/// <summary>Cross-entropy of the token after each row; raw logits become their gradient.</summary>
internal readonly record struct CrossEntropyRow(MatrixView Logits, int[] Next, int First, float? Cap, float Weight, double[] Losses) : IJob
{
    public void Run(int index) =>
        Losses[First + index] = ElementwiseBackward.CrossEntropy(Logits.Row(index), Next[First + index], Cap, Weight);
}
