using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

// The row-wise steps of the forward pass as parallel jobs: one row a call.

internal readonly record struct NormalizeRow(MatrixView X, float Epsilon, MatrixView Y) : IJob
{
    public void Run(int index) => Elementwise.Normalize(X.Row(index), Epsilon, Y.Row(index));
}

internal readonly record struct NormRow(MatrixView X, float[] Gain, float Epsilon, MatrixView Y) : IJob
{
    public void Run(int index) => Elementwise.RmsNorm(X.Row(index), Gain, Epsilon, Y.Row(index));
}

internal readonly record struct GainRow(MatrixView X, float[] Gain) : IJob
{
    public void Run(int index) => TensorPrimitives.Multiply(X.Row(index), Gain, X.Row(index));
}

/// <summary>Norms each head of a row on its own (q_norm and k_norm).</summary>
internal readonly record struct NormHeadsRow(MatrixView Heads, float[] Gain, float Epsilon) : IJob
{
    public void Run(int index)
    {
        var row = Heads.Row(index);
        for (var at = 0; at < row.Length; at += Gain.Length)
            Elementwise.RmsNorm(row.Slice(at, Gain.Length), Gain, Epsilon, row.Slice(at, Gain.Length));
    }
}

/// <summary>Divides each head of a row by its RMS (Gemma 4's values).</summary>
internal readonly record struct NormalizeHeadsRow(MatrixView Heads, int HeadSize, float Epsilon) : IJob
{
    public void Run(int index)
    {
        var row = Heads.Row(index);
        for (var at = 0; at < row.Length; at += HeadSize)
            Elementwise.Normalize(row.Slice(at, HeadSize), Epsilon, row.Slice(at, HeadSize));
    }
}

/// <summary>RoPE of each head of a row; table rows hold the cosines, then the sines, of a position.</summary>
internal readonly record struct RotateRow(MatrixView Heads, MatrixView Table, int FirstPosition, int HeadSize) : IJob
{
    public void Run(int index)
    {
        var angles = Table.Row(FirstPosition + index);
        var row = Heads.Row(index);
        for (var at = 0; at < row.Length; at += HeadSize)
            Elementwise.Rope(row.Slice(at, HeadSize), angles[..(HeadSize / 2)], angles[(HeadSize / 2)..]);
    }
}

internal readonly record struct AddRow(MatrixView X, MatrixView Sum) : IJob
{
    public void Run(int index) => TensorPrimitives.Add(Sum.Row(index), X.Row(index), Sum.Row(index));
}

internal readonly record struct MultiplyRow(MatrixView X, float Factor) : IJob
{
    public void Run(int index) => TensorPrimitives.Multiply(X.Row(index), Factor, X.Row(index));
}

internal readonly record struct CapRow(MatrixView X, float Cap) : IJob
{
    public void Run(int index) => Elementwise.SoftCap(X.Row(index), Cap);
}
