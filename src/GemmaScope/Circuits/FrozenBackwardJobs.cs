using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

// The steps of the frozen backward pass between its products.

/// <summary>to = backward of a norm with gain whose denominators are constants; may be in place. One piece of the layout a call.</summary>
internal readonly record struct ScaleRows(RowLayout Layout, float[] Gain, float[] Scale, MatrixView From, MatrixView To) : IJob
{
    public void Run(int index)
    {
        var (target, first, end) = Layout.Pieces[index];
        for (var position = first; position < end; position++)
        {
            var row = To.Row(Layout.Row(target, position));
            TensorPrimitives.Multiply(From.Row(Layout.Row(target, position)), Gain, row);
            TensorPrimitives.Multiply(row, Scale[position], row);
        }
    }
}

/// <summary>gradient += what a skip connection carries back to where its layer's norm reads. One piece of the layout a call.</summary>
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
        var (target, first, end) = Layout.Pieces[index];
        for (var position = first; position < end; position++)
        {
            var from = AtInput.Row(Layout.Row(target, position));
            var to = Gradient.Row(Layout.Row(target, position));
            if (Input == SiteKind.MlpIn)
                TensorPrimitives.Multiply(from, Gain, from);
            TensorPrimitives.MultiplyAdd(from, Input == SiteKind.ResidMid ? 1 : Scale[position], to, to);
        }
    }
}

/// <summary>Attention's values: dv = pᵀ dz, one target and key-value head a call.</summary>
internal readonly record struct ValuesJob(
    LayerShape Shape,
    int Group,
    FrozenPattern Pattern,
    RowLayout Above,
    MatrixView Z,
    RowLayout Below,
    MatrixView V
) : IJob
{
    public void Run(int index)
    {
        var (target, head, size) = (index / Shape.KeyValueHeads, index % Shape.KeyValueHeads, Shape.HeadSize);
        var v = V.SliceRows(Below.Offset(target), Below.End(target) - Below.First(target)).SliceColumns(head * size, size);
        if (Above.End(target) == Above.First(target))
        {
            for (var i = 0; i < v.Rows; i++)
                v.Row(i).Clear();
            return;
        }
        var z = Z.SliceRows(Above.Offset(target), Above.End(target) - Above.First(target));
        Pattern.Multiply(head, Group, size, z, Above.First(target), v, Below.First(target));
    }
}

/// <summary>sum += rows, each at its target and position in the other layout, which holds all of them. One piece of the layout a
/// call.</summary>
internal readonly record struct AddPositions(RowLayout Layout, MatrixView Rows, RowLayout To, MatrixView Sum) : IJob
{
    public void Run(int index)
    {
        var (target, first, end) = Layout.Pieces[index];
        for (var position = first; position < end; position++)
        {
            var sum = Sum.Row(To.Row(target, position));
            TensorPrimitives.Add(sum, Rows.Row(Layout.Row(target, position)), sum);
        }
    }
}

/// <summary>Backward of the frozen norm of a layer's values, in place. One piece of the layout a call.</summary>
internal readonly record struct NormValues(FrozenRun Frozen, int Layer, RowLayout Layout, MatrixView Rows) : IJob
{
    public void Run(int index)
    {
        var (target, first, end) = Layout.Pieces[index];
        for (var position = first; position < end; position++)
        {
            var row = Rows.Row(Layout.Row(target, position));
            Frozen.NormValues(Layer, position, row, row);
        }
    }
}

/// <summary>next = the rows above, each at its position, + the rows that came through attention. One piece of the layout below a
/// call.</summary>
internal readonly record struct SpreadRows(RowLayout Above, MatrixView Gradient, RowLayout Below, MatrixView Branch, MatrixView Next) : IJob
{
    public void Run(int index)
    {
        var (target, first, end) = Below.Pieces[index];
        for (var position = first; position < end; position++)
        {
            var row = Below.Row(target, position);
            if (Above.Holds(target, position))
                TensorPrimitives.Add(Branch.Row(row), Gradient.Row(Above.Row(target, position)), Next.Row(row));
            else
                Branch.Row(row).CopyTo(Next.Row(row));
        }
    }
}
