using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

// The steps of the frozen backward pass between its products, one target a call.

/// <summary>Backward of a norm with gain whose denominators are constants, in place.</summary>
internal readonly record struct ScaleRows(RowLayout Layout, float[] Gain, float[] Scale, MatrixView Gradient) : IJob
{
    public void Run(int index)
    {
        for (var position = Layout.First(index); position < Layout.End(index); position++)
        {
            var row = Gradient.Row(Layout.Row(index, position));
            TensorPrimitives.Multiply(row, Gain, row);
            TensorPrimitives.Multiply(row, Scale[position], row);
        }
    }
}

/// <summary>gradient += what a skip connection carries back to where its layer's norm reads.</summary>
internal readonly record struct ThroughSkip(
    RowLayout Layout,
    SiteKind Input,
    MatrixView AtInput,
    float[] Gain,
    float[] Scale,
    MatrixView Gradient
) : IJob
{
    public void Run(int index)
    {
        for (var position = Layout.First(index); position < Layout.End(index); position++)
        {
            var from = AtInput.Row(Layout.Row(index, position));
            var to = Gradient.Row(Layout.Row(index, position));
            if (Input == SiteKind.MlpIn)
                TensorPrimitives.Multiply(from, Gain, from);
            TensorPrimitives.MultiplyAdd(from, Input == SiteKind.ResidMid ? 1 : Scale[position], to, to);
        }
    }
}

/// <summary>Attention's values: dv = pᵀ dz of one target and key-value head a call.</summary>
internal readonly record struct ValuesJob(
    GemmaConfig Config,
    FrozenPattern Pattern,
    RowLayout Above,
    MatrixView Z,
    RowLayout Below,
    MatrixView V
) : IJob
{
    public void Run(int index)
    {
        var (target, head, size) = (index / Config.KeyValueHeads, index % Config.KeyValueHeads, Config.HeadSize);
        var v = V.SliceRows(Below.Offset(target), Below.End(target) - Below.First(target)).SliceColumns(head * size, size);
        if (Above.End(target) == Above.First(target))
        {
            for (var i = 0; i < v.Rows; i++)
                v.Row(i).Clear();
            return;
        }
        var z = Z.SliceRows(Above.Offset(target), Above.End(target) - Above.First(target));
        Pattern.Multiply(head, Config.Heads / Config.KeyValueHeads, size, z, Above.First(target), v, Below.First(target));
    }
}

/// <summary>next = the rows above, each at its position, + the rows that came through attention.</summary>
internal readonly record struct SpreadRows(RowLayout Above, MatrixView Gradient, RowLayout Below, MatrixView Branch, MatrixView Next) : IJob
{
    public void Run(int index)
    {
        for (var position = Below.First(index); position < Below.End(index); position++)
        {
            var row = Below.Row(index, position);
            if (Above.Holds(index, position))
                TensorPrimitives.Add(Branch.Row(row), Gradient.Row(Above.Row(index, position)), Next.Row(row));
            else
                Branch.Row(row).CopyTo(Next.Row(row));
        }
    }
}
