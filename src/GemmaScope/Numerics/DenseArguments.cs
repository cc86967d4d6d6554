namespace GemmaScope.Numerics;

/// <summary>The shapes that every dense kernel demands, checked before a pointer is followed.</summary>
internal static class DenseArguments
{
    public static void Check(MatrixView x, WeightView w, MatrixView y)
    {
        if (!w.Type.IsMatrixType())
            throw new ArgumentException($"weights of type {w.Type} cannot be multiplied");
        if (x.Columns != w.Inputs || y.Columns != w.Outputs || x.Rows != y.Rows)
            throw new ArgumentException($"x [{x.Rows}, {x.Columns}] · W [{w.Inputs}, {w.Outputs}] does not give y [{y.Rows}, {y.Columns}]");
    }
}
